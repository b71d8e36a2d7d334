//! What a role says about itself to its operator: a name and whether it is so at this moment. Nothing that depends on what
//! a person does belongs here: these are asked every few seconds, and kept.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::db::{Db, outbox};

/// One that takes longer is not so: a store on a disk that hangs.
const PATIENCE: Duration = Duration::from_secs(2);

type Probe = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// Something that can be so or not.
#[derive(Clone)]
pub struct Check {
    /// The role, or `process`.
    pub role: &'static str,
    /// A stable name.
    pub what: &'static str,
    /// Without it this process can't do its work.
    pub vital: bool,
    probe: Probe,
}

impl Check {
    /// Something that is known at once.
    pub fn new(
        role: &'static str,
        what: &'static str,
        vital: bool,
        is: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            role,
            what,
            vital,
            probe: Arc::new(move || {
                let is = is();
                Box::pin(async move { is })
            }),
        }
    }

    /// `store`, vital: it takes a write at this moment.
    #[must_use]
    pub fn store(role: &'static str, db: &Db) -> Self {
        let db = db.clone();
        let probe: Probe = Arc::new(move || {
            let db = db.clone();
            Box::pin(async move { db.touch().await.is_ok() })
        });
        Self { role, what: "store", vital: true, probe }
    }

    /// `logged`: nothing waits for the log. It is not so for some seconds at the close of each window, and for as long as
    /// the log can't be reached or refuses something.
    #[must_use]
    pub fn logged(role: &'static str, db: &Db) -> Self {
        let db = db.clone();
        let probe: Probe = Arc::new(move || {
            let db = db.clone();
            Box::pin(async move { outbox::waiting(&db).await.is_ok_and(|waiting| waiting.is_empty()) })
        });
        Self { role, what: "logged", vital: false, probe }
    }

    /// Whether it is so now.
    pub async fn is(&self) -> bool {
        tokio::time::timeout(PATIENCE, (self.probe)()).await.unwrap_or(false)
    }
}
