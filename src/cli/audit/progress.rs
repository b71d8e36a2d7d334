//! Progress of long work: a bar on a terminal, else a plain line at each tenth, both on standard error.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tabir_crypto::trust::root::LogName;

/// Entries below which nothing is said.
const SHORT: u64 = 10_000;

/// Whoever is told how far a log is: its name, how many entries of how many.
pub fn lines() -> impl FnMut(LogName, u64, u64) + Send {
    let bar =
        std::io::stderr().is_terminal().then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()));
    if let Some(bar) = &bar
        && let Ok(style) = ProgressStyle::with_template("{msg} {pos}/{len} {bar:30} {eta}")
    {
        bar.set_style(style);
    }
    let mut last = (LogName::Governance, 0);
    move |name, done, total| {
        if total < SHORT {
            return;
        }
        if let Some(bar) = &bar {
            bar.set_message(name.as_str());
            bar.set_length(total);
            bar.set_position(done);
            if done >= total {
                bar.finish_and_clear();
            }
            return;
        }
        let tenth = (name, done.saturating_mul(10) / total);
        if tenth != last {
            last = tenth;
            eprintln!("{}: {done} of {total} entries", name.as_str());
        }
    }
}
