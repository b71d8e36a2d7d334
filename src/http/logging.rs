//! Log output: one line an event, no times finer than the day's log shipper adds, nothing from a caller.

use tracing_subscriber::EnvFilter;

/// Starts logging to standard error. `TABIR_LOG` chooses the level; `warn` is the default.
pub fn start() {
    let filter = EnvFilter::try_from_env("TABIR_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    // Times would tell when a person acted; a second start (in tests) changes nothing.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().try_init();
}
