//! What `docs/integrating.md` says that can be compared.

/// The page.
pub fn text() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/integrating.md")).unwrap()
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
