//! Questions of `tabir init`: asked on a terminal for what no flag gave, each with its default and why it is asked.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use crate::cli::CliError;

/// One question.
pub struct Question<'a> {
    /// The flag that answers it.
    pub flag: &'a str,
    /// The question.
    pub ask: &'a str,
    /// One sentence why.
    pub why: &'a str,
    /// What an empty line means; none if there must be an answer.
    pub default: Option<&'a str>,
}

/// Whether somebody can be asked.
#[must_use]
pub fn somebody() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// The flag's answer, or the person's, or the default where nobody can be asked. Nothing has been written yet: whoever
/// presses Ctrl-C here leaves nothing behind.
pub fn answer<T>(
    given: Option<T>,
    question: &Question<'_>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, CliError> {
    if let Some(given) = given {
        return Ok(given);
    }
    if !somebody() {
        let wanted = || CliError::Usage(format!("give {}: {}", question.flag, question.why));
        return read(question.default.ok_or_else(wanted)?).map_err(CliError::Usage);
    }
    let default = question.default.map(|d| format!(" [{d}]")).unwrap_or_default();
    loop {
        eprint!("\n{}\n  {}\n{}{default}: ", question.ask, question.why, question.flag);
        std::io::stderr().flush().map_err(terminal)?;
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line).map_err(terminal)? == 0 {
            return Err(CliError::Usage("no answer: nothing was made".into()));
        }
        let text = match (line.trim(), question.default) {
            ("", Some(default)) => default,
            ("", None) => continue,
            (text, _) => text,
        };
        match read(text) {
            Ok(value) => return Ok(value),
            Err(why) => eprintln!("  {why}"),
        }
    }
}

fn terminal(error: std::io::Error) -> CliError {
    CliError::Failed(format!("the terminal: {error}"))
}

/// Any text that is not empty.
pub fn text(answer: &str) -> Result<String, String> {
    Ok(answer.to_owned())
}

/// An address without a path.
pub fn base(answer: &str) -> Result<String, String> {
    let url = reqwest::Url::parse(answer).map_err(|e| e.to_string())?;
    if !matches!(url.scheme(), "http" | "https") || url.path() != "/" || url.query().is_some() || !url.has_host() {
        return Err("an address such as https://lapor.kota.example, without a path".into());
    }
    Ok(answer.trim_end_matches('/').to_owned())
}

/// An address with or without a path.
pub fn address(answer: &str) -> Result<String, String> {
    match reqwest::Url::parse(answer) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            Ok(answer.trim_end_matches('/').to_owned())
        }
        _ => Err("an address such as https://pengaduan.kota.example/open311/v2".into()),
    }
}

/// A name of a host, without a scheme.
pub fn host(answer: &str) -> Result<String, String> {
    let word = |w: &str| !w.is_empty() && w.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if answer.contains('.') && answer.split('.').all(word) && answer.len() <= 200 {
        Ok(answer.to_ascii_lowercase())
    } else {
        Err("a name such as lapor.kota.example: letters, digits, hyphens and dots".into())
    }
}
