//! What the demo says: one line a step, for people or as JSON.

use serde_json::{Value, json};

/// Collects steps; the demo fails if one of them is not ok.
pub struct Steps {
    json: bool,
    failed: u32,
    started: tokio::time::Instant,
}

impl Steps {
    /// Starts counting the time.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self { json, failed: 0, started: tokio::time::Instant::now() }
    }

    /// Says how a step went. `figures` is a JSON object.
    pub fn say(&mut self, step: &str, ok: bool, figures: &Value, words: &str) {
        self.failed += u32::from(!ok);
        if self.json {
            // The step's name first, for people who read the lines too.
            let figures = figures.to_string();
            let more = figures.strip_prefix('{').filter(|f| *f != "}").map_or("}".to_owned(), |f| format!(",{f}"));
            println!("{{\"step\":{},\"ok\":{ok}{more}", json!(step));
        } else {
            let mark = if ok { "ok    " } else { "FAILED" };
            let seconds = self.started.elapsed().as_secs_f32();
            println!("{mark} {seconds:6.1} s  {step:<18} {words}");
        }
    }

    /// A line for people only.
    pub fn note(&self, words: &str) {
        if !self.json {
            println!("                 {words}");
        }
    }

    /// How many steps were not ok.
    #[must_use]
    pub const fn failed(&self) -> u32 {
        self.failed
    }
}
