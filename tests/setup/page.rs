//! `docs/integrating.md` as a list of what is to be done, in its order.

/// What a block says.
#[derive(Debug)]
pub enum Step {
    /// Commands at a host.
    Run { at: String, flags: Vec<String>, commands: String },
    /// A file or folder that goes from one host to another.
    Carry { from: (String, String), to: (String, String) },
}

/// The page.
pub fn text() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/integrating.md")).unwrap()
}

/// Every block that says where it is done.
pub fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
        let mut words = info.split(' ');
        match words.next() {
            Some("carry") => steps.extend(body.iter().map(|line| carry(line))),
            Some("sh") => {
                let flags: Vec<String> = words.map(ToOwned::to_owned).collect();
                if let Some(at) = flags.iter().find_map(|f| f.strip_prefix("at=")) {
                    let (at, commands) = (at.to_owned(), body.join("\n"));
                    steps.push(Step::Run { at, flags, commands });
                }
            }
            _ => {}
        }
    }
    steps
}

fn carry(line: &str) -> Step {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [from, file, "→", to, place] = words[..] else { panic!("no carry: {line}") };
    Step::Carry { from: (from.into(), file.into()), to: (to.into(), place.into()) }
}

/// The table between the two marks: from, to, what for.
pub fn links(page: &str) -> Vec<[String; 3]> {
    let table = page.split("<!-- links -->").nth(1).unwrap().split("<!-- end -->").next().unwrap();
    let row = |line: &str| {
        let cells: Vec<String> = line.trim_matches('|').split('|').map(|c| c.trim().replace('`', "")).collect();
        <[String; 3]>::try_from(cells).unwrap()
    };
    table.lines().filter(|l| l.starts_with('|')).skip(2).map(row).collect()
}
