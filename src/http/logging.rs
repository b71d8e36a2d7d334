//! Log output: one line an event, no times finer than the day's log shipper adds, nothing from a caller.
//!
//! `TABIR_LOG` chooses the level (`warn` if it is not set), for all of it (`debug`) or by part (`warn,tabir::forwarder=debug`);
//! `TABIR_LOG_FORMAT=json` makes each line a JSON object.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// What is said without a choice.
const DEFAULT: &str = "warn";

/// Starts logging to standard error.
pub fn start() {
    let chosen = std::env::var("TABIR_LOG").ok();
    let json = std::env::var("TABIR_LOG_FORMAT").is_ok_and(|format| format == "json");
    let filter = EnvFilter::new(directives(chosen.as_deref().unwrap_or(DEFAULT)));
    // Times would tell when a person acted; a second start (in tests) changes nothing.
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time();
    // A line that can't be written, on a full disk above all, is lost: the library would say so on the same stream, and panic.
    let lines = lines.log_internal_errors(false);
    let _ = if json { lines.json().flatten_event(true).try_init() } else { lines.try_init() };
}

/// Ours as it was chosen. Libraries say warnings at most: in their details stand addresses and headers.
fn directives(chosen: &str) -> String {
    let ours = |part: &str| match part.parse::<LevelFilter>() {
        Ok(level) => Some(format!("tabir={level}")),
        Err(_) => Some(part.to_owned()).filter(|part| part.starts_with("tabir")),
    };
    let parts = chosen.split(',').map(str::trim).filter(|part| !part.is_empty()).filter_map(ours);
    std::iter::once(DEFAULT.to_owned()).chain(parts).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::directives;

    #[test]
    fn a_level_is_for_our_own_lines_alone() {
        assert_eq!(directives("trace"), "warn,tabir=trace");
        assert_eq!(directives("warn, tabir::forwarder=debug"), "warn,tabir=warn,tabir::forwarder=debug");
        assert_eq!(directives("hyper=trace,info"), "warn,tabir=info");
        assert_eq!(directives(""), "warn");
    }
}
