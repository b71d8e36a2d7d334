//! A Rust file as tokens, and the paths in it, resolved as far as modules go.

use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One source file of the tree, or a planted one.
pub struct Source {
    /// From the top of the tree, with `/`.
    pub path: String,
    pub text: String,
}

/// A path of Rust as it stands in the text, `use` trees taken apart: `crate::{a::b, c}` makes two.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    pub line: usize,
    pub segments: Vec<String>,
    /// It stands in a `use`.
    pub used: bool,
    /// Names of the inline modules around it.
    pub inside: Vec<String>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Every `.rs` file under `folder`, sorted.
    pub fn under(top: &Path, folder: &str) -> Vec<Self> {
        let mut found = Vec::new();
        let mut open = vec![top.join(folder)];
        while let Some(dir) = open.pop() {
            for entry in std::fs::read_dir(&dir).expect("a folder of the tree") {
                let path = entry.expect("an entry of a folder").path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|e| e == "rs") {
                    let name = path.strip_prefix(top).expect("under the top").to_str().expect("a UTF-8 name");
                    found.push(Self::new(name, &std::fs::read_to_string(&path).expect("a readable file")));
                }
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }

    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Is this a file of tests alone?
    pub fn is_test(&self) -> bool {
        self.name() == "tests.rs" || self.path.split('/').any(|part| part == "tests")
    }

    /// The path of its module inside its crate: `src/gateway/store/spent.rs` is `gateway`, `store`, `spent`.
    pub fn module(&self) -> Vec<String> {
        let inner = self.path.split_once("src/").map_or(self.path.as_str(), |(_, rest)| rest);
        let mut parts: Vec<String> = inner.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
            parts.pop();
        }
        parts
    }

    fn tokens(&self) -> TokenStream {
        self.text.parse().unwrap_or_else(|e| panic!("{}: {e}", self.path))
    }

    /// String literals with their lines, doc comments, attributes and test modules left out.
    pub fn strings(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        strings(self.tokens(), &mut found);
        found
    }

    pub fn paths(&self) -> Vec<Named> {
        let mut found = Vec::new();
        paths(self.tokens(), &[], &mut found);
        found
    }
}

fn is_punct(token: Option<&TokenTree>, c: char) -> bool {
    matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == c)
}

fn ident(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(i)) => Some(i.to_string().trim_start_matches("r#").to_owned()),
        _ => None,
    }
}

/// Is the group at `i` the body of a `#[cfg(test)] mod name { … }`?
fn is_test_module(tokens: &[TokenTree], i: usize) -> bool {
    let [.., TokenTree::Group(attribute), TokenTree::Ident(word), TokenTree::Ident(_)] = &tokens[..i] else {
        return false;
    };
    word == "mod" && attribute.stream().to_string().replace(' ', "") == "cfg(test)"
}

fn strings(stream: TokenStream, found: &mut Vec<(usize, String)>) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    for (i, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Literal(l) if l.to_string().contains('"') => {
                found.push((l.span().start().line, l.to_string()));
            }
            // an attribute: `#[…]` or `#![…]`, the form of a doc comment too; `sqlx` has none with SQL in it
            TokenTree::Group(g) if g.delimiter() == Delimiter::Bracket && i > 0 => {
                let before = if is_punct(tokens.get(i - 1), '!') && i > 1 { i - 2 } else { i - 1 };
                if !is_punct(tokens.get(before), '#') {
                    strings(g.stream(), found);
                }
            }
            TokenTree::Group(g) if !is_test_module(&tokens, i) => strings(g.stream(), found),
            _ => {}
        }
    }
}

/// Collects the paths of a stream. `inside`: the inline modules around it.
fn paths(stream: TokenStream, inside: &[String], found: &mut Vec<Named>) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut used = false;
    let mut i = 0;
    while i < tokens.len() {
        if let (Some("mod"), Some(name), Some(TokenTree::Group(body))) =
            (ident(tokens.get(i)).as_deref(), ident(tokens.get(i + 1)), tokens.get(i + 2))
        {
            let mut inner = inside.to_vec();
            inner.push(name);
            paths(body.stream(), &inner, found);
            i += 3;
            continue;
        }
        match &tokens[i] {
            TokenTree::Ident(word) if word == "use" => {
                used = true;
                i = tree(&tokens, i + 1, &[], true, inside, found);
            }
            TokenTree::Ident(_) => i = tree(&tokens, i, &[], used, inside, found),
            TokenTree::Group(group) => {
                paths(group.stream(), inside, found);
                i += 1;
            }
            TokenTree::Punct(p) => {
                used = used && p.as_char() != ';';
                i += 1;
            }
            TokenTree::Literal(_) => i += 1,
        }
    }
}

/// Reads one path, or one branch of a `use` tree, that begins at `i` after `before`; gives where it ends.
fn tree(
    tokens: &[TokenTree],
    mut i: usize,
    before: &[String],
    used: bool,
    inside: &[String],
    found: &mut Vec<Named>,
) -> usize {
    let mut segments = before.to_vec();
    let mut line = 0;
    while is_punct(tokens.get(i), ':') {
        i += 1; // `::name`
    }
    loop {
        match tokens.get(i) {
            Some(TokenTree::Ident(word)) => {
                line = word.span().start().line;
                segments.extend(ident(tokens.get(i)));
                i += 1;
            }
            Some(TokenTree::Punct(p)) if p.as_char() == '*' => {
                line = p.span().start().line;
                segments.push("*".to_owned());
                i += 1;
                break;
            }
            Some(TokenTree::Group(group)) if used && group.delimiter() == Delimiter::Brace => {
                let branches: Vec<TokenTree> = group.stream().into_iter().collect();
                for branch in branches.split(|token| is_punct(Some(token), ',')) {
                    if !branch.is_empty() {
                        tree(branch, 0, &segments, used, inside, found);
                    }
                }
                return i + 1;
            }
            _ => break,
        }
        if is_punct(tokens.get(i), ':') && is_punct(tokens.get(i + 1), ':') {
            i += 2;
        } else {
            break;
        }
    }
    if segments.len() > before.len() {
        found.push(Named { line, segments, used, inside: inside.to_vec() });
    }
    i
}
