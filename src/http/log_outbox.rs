//! Brings what waits in a role's log outbox to the log, for as long as the process runs.
//!
//! At least once: the log takes each statement once, and says as which entry. The statement leaves the outbox when that
//! entry is in a checkpoint that a quorum of witnesses cosigned. Until then the log can still lose it: a log that was
//! rebuilt from a mirror has nothing beyond its last such checkpoint, and what it lost is sent again.
//! What waits since before the role's key changed is signed anew: the log would refuse the old key for ever.
//! One that the log refuses stays, and is an error in the operator's log at every round: it is never dropped.

use std::time::Duration;

use axum::http::Method;
use serde::{Deserialize, Serialize};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::V1;
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::{Signer, Trust};
use tabir_crypto::{B32, Code};
use tokio::time::Instant;

use super::call;
use super::client::{Client, HttpError};
use crate::client::log_reader::LogReader;
use crate::client::log_source::{HttpLog, ReadError};
use crate::clock::Clock;
use crate::config::Setup;
use crate::db::outbox::{self, Waiting};
use crate::db::{Db, DbError};
use crate::ledger;

/// Between two looks at the outbox while all is well: well below a log's checkpoint interval.
const PAUSE: Duration = Duration::from_millis(500);
/// Between two looks at what witnesses have seen, while something waits for that.
const SETTLE: Duration = Duration::from_secs(5);
/// Between two questions to the log whether it still has what it took and no witness has seen yet.
const ASK: Duration = Duration::from_secs(60);
/// The longest pause while the log can't be reached.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// What the operator reads about a log that came back from a mirror.
const LOST: &str = "the log lost entries that no witness had seen: they are sent again";

/// Why a round did not empty the outbox.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The store.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The log, or the way to it.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// What the log shows.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// The log's answer to an entry.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Taken {
    v: V1,
    index: u64,
}

/// Delivers until the process ends.
pub async fn run(db: Db, identity: SigningKey, mut setup: Setup) {
    let log = setup.peers.log_internal.clone();
    let former = former(&identity, &setup.trust);
    let mut pause = PAUSE;
    let (mut settle_at, mut ask_at) = (Instant::now() + SETTLE, Instant::now() + ASK);
    while setup.pause(pause).await {
        let mut done = round(&db, &identity, &former, &log, &setup.client, &setup.clock).await;
        if done.is_ok() && Instant::now() >= settle_at {
            settle_at = Instant::now() + SETTLE;
            done = settle(&db, &setup.trust, &setup.client, &setup.peers.log).await;
        }
        if done.is_ok() && Instant::now() >= ask_at {
            ask_at = Instant::now() + ASK;
            done = ask(&db, &identity, &former, &log, &setup.client, &setup.clock).await;
        }
        match done {
            Ok(()) => pause = PAUSE,
            Err(error) => {
                tracing::warn!(%error, "log outbox");
                pause = (pause * 2).min(MAX_PAUSE);
            }
        }
    }
}

/// One round: everything that waits now. One refused statement does not hold up the others.
pub async fn round(
    db: &Db,
    identity: &SigningKey,
    former: &[B32],
    log: &str,
    client: &Client,
    clock: &Clock,
) -> Result<(), DeliveryError> {
    let mut failed = None;
    for waiting in outbox::waiting(db).await? {
        let id = waiting.id;
        match send(waiting, identity, former, log, client, clock).await {
            Ok(index) => outbox::delivered(db, id, index).await?,
            Err(error @ HttpError::Unreachable(_)) => return Err(error.into()),
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// Gives a statement to the log; the entry number that it has there.
async fn send(
    waiting: Waiting,
    identity: &SigningKey,
    former: &[B32],
    log: &str,
    client: &Client,
    clock: &Clock,
) -> Result<u64, HttpError> {
    let path = format!("/internal/log/{}/entries", waiting.log.as_str());
    let statement = signed_now(waiting.statement, identity, former);
    let header = call::sign(identity, Role::Log, "POST", &path, &statement, clock)?;
    let headers = [(call::HEADER, header.as_str()), ("content-type", "application/json")];
    let answer = client.send(Method::POST, &format!("{log}{path}"), &headers, statement).await?;
    Ok(answer.json::<Taken>()?.index)
}

/// Forgets what a witnessed checkpoint has, by its own proof and not by the log's word. What stands where this role's
/// statement was to stand and is another one shows that the log lost the statement: it waits again.
pub async fn settle(db: &Db, trust: &Trust, client: &Client, log: &str) -> Result<(), DeliveryError> {
    let taken = outbox::taken(db).await?;
    for name in LogName::ALL {
        let rows: Vec<_> = taken.iter().filter(|(waiting, _)| waiting.log == name).cloned().collect();
        if !rows.is_empty() {
            let reader = ledger::reader(trust, name, client.clone(), log).map_err(HttpError::from)?;
            settle_log(db, name, &reader, rows).await?;
        }
    }
    Ok(())
}

async fn settle_log(
    db: &Db,
    name: LogName,
    reader: &LogReader<HttpLog>,
    rows: Vec<(Waiting, u64)>,
) -> Result<(), DeliveryError> {
    let head = match reader.checkpoint().await {
        // Before the first quorum there is nothing to settle.
        Err(error) if error.code() == Some(Code::Quorum) => return Ok(()),
        checkpoint => checkpoint?.head(),
    };
    for (waiting, index) in rows {
        if index >= head.size {
            break;
        }
        let stands = Statement::parse(&reader.entry(index, head).await?).map(|s| s.pae_hash());
        let ours = Statement::parse(&waiting.statement).map(|s| s.pae_hash());
        if ours.is_ok() && stands.ok() == ours.ok() {
            outbox::forget(db, waiting.id).await?;
        } else {
            tracing::warn!(log = name.as_str(), "{LOST}");
            outbox::again(db, name, index).await?;
            break;
        }
    }
    Ok(())
}

/// Gives the log the last statement that it took of this role once more. If it does not know it, it was rebuilt from a
/// mirror: all that it took and no witness has seen waits again.
pub async fn ask(
    db: &Db,
    identity: &SigningKey,
    former: &[B32],
    log: &str,
    client: &Client,
    clock: &Clock,
) -> Result<(), DeliveryError> {
    for (waiting, index) in outbox::last_taken(db).await? {
        let name = waiting.log;
        // Refused, too: what it had taken it would know.
        let stands = match send(waiting, identity, former, log, client, clock).await {
            Ok(stands) => Some(stands),
            Err(HttpError::Problem { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        if stands != Some(index) {
            tracing::warn!(log = name.as_str(), "{LOST}");
            outbox::again(db, name, 0).await?;
        }
    }
    Ok(())
}

/// Key ids of this role in earlier versions of the trust root, which are nobody's now.
fn former(identity: &SigningKey, trust: &Trust) -> Vec<B32> {
    let Some(Signer::Role(role)) = trust.signer(&identity.verifying_key().key_id()) else { return Vec::new() };
    let ids = trust.versions().skip(1).map(|version| version.identity(role).key_id());
    ids.filter(|id| trust.signer(id).is_none()).collect()
}

/// The statement as it waits, or, if a former identity of the role alone signed it, signed by the present one. What is
/// signed is the same, so that the log takes it once.
fn signed_now(waiting: Vec<u8>, identity: &SigningKey, former: &[B32]) -> Vec<u8> {
    // What can't be read is the log's to refuse, and holds up nothing behind it.
    let Ok(statement) = Statement::parse(&waiting) else { return waiting };
    match (statement.signers().as_slice(), Statement::from_payload(statement.verb(), statement.payload().to_vec())) {
        ([signer], Ok(mut anew)) if former.contains(signer) => {
            anew.sign(identity);
            anew.to_bytes()
        }
        _ => waiting,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::body::Bytes;
    use axum::extract::{Path, State};
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::post;
    use sqlx::migrate::{Migration, MigrationType, Migrator};
    use tabir_crypto::Secret;
    use tabir_crypto::statement::Verb;
    use tabir_crypto::statement::body::KeyRetired;
    use tabir_crypto::statement::value::{CodeText, Hex, Hour, V1};
    use tabir_crypto::trust::root::LogName;

    use super::*;
    use crate::http::{Calls, Problem, server};

    /// A log that takes statements by the right caller; it can be told to refuse what names a certain key.
    struct Log {
        calls: Calls,
        caller: SigningKey,
        refuse: Mutex<Option<Vec<u8>>>,
        taken: Mutex<Vec<(String, Vec<u8>)>>,
    }

    async fn entries(
        State(log): State<Arc<Log>>,
        Path(name): Path<String>,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(StatusCode, String), Problem> {
        let header = headers[call::HEADER].to_str().unwrap();
        let path = format!("/internal/log/{name}/entries");
        log.calls.check(header, "POST", &path, &body, &[log.caller.verifying_key()])?;
        if log.refuse.lock().unwrap().as_deref() == Some(&body[..]) {
            return Err(Problem::new(StatusCode::FORBIDDEN, "insufficient-signatures", "no"));
        }
        let mut taken = log.taken.lock().unwrap();
        taken.push((name, body.to_vec()));
        Ok((StatusCode::CREATED, format!("{{\"v\":1,\"index\":{}}}", taken.len() - 1)))
    }

    fn statement(key: &SigningKey, id: B32) -> Statement {
        let reason = CodeText::new("lost").unwrap();
        let body = KeyRetired { v: V1, at: Hour::of(0), key_id: Hex(id), reason };
        Statement::signed(Verb::KeyRetired, &body, key).unwrap()
    }

    async fn store(dir: &std::path::Path) -> Db {
        let sql =
            "CREATE TABLE log_outbox (id INTEGER PRIMARY KEY, log TEXT NOT NULL, statement BYTEA NOT NULL, idx BIGINT)";
        let sql = sqlx::SqlSafeStr::into_sql_str(sql);
        let one = Migration::new(1, "outbox".into(), MigrationType::Simple, sql, false);
        let migrator = Migrator { migrations: vec![one].into(), ..Migrator::DEFAULT };
        Db::open(&dir.join("x.sqlite"), &migrator).await.unwrap()
    }

    async fn enqueue(db: &Db, statement: &Statement) {
        let statement = statement.clone();
        db.write(|tx| Box::pin(async move { outbox::enqueue(tx, LogName::Governance, &statement).await }))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_statement_waits_until_the_log_has_it_and_stays_until_witnesses_have_seen_it() {
        let dir = tempfile::tempdir().unwrap();
        let (db, clock) = (store(dir.path()).await, Clock::manual(1_800_000_000));
        let key = SigningKey::from_seed(&Secret::new([7; 32]));
        let (first, second) = (statement(&key, [1; 32]), statement(&key, [2; 32]));
        enqueue(&db, &first).await;
        enqueue(&db, &second).await;
        let client = Client::new(clock.clone());

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Log {
            calls: Calls::new(Role::Log, clock.clone()),
            caller: key.clone(),
            refuse: Mutex::new(Some(first.to_bytes())),
            taken: Mutex::default(),
        });
        let routes = Router::new().route("/internal/log/{name}/entries", post(entries)).with_state(Arc::clone(&log));
        let (_running, stop) = tokio::sync::watch::channel(false);
        tokio::spawn(server::serve(listener, routes, stop));

        // Nobody there: nothing leaves.
        let gone = round(&db, &key, &[], "http://127.0.0.1:1", &client, &clock).await;
        assert!(matches!(gone, Err(DeliveryError::Http(HttpError::Unreachable(_)))));
        assert_eq!(outbox::waiting(&db).await.unwrap().len(), 2);

        // Refused: it stays, and the other one goes all the same.
        let refused = round(&db, &key, &[], &url, &client, &clock).await;
        assert!(matches!(refused, Err(DeliveryError::Http(HttpError::Problem { status: 403, .. }))));
        let waiting = outbox::waiting(&db).await.unwrap();
        assert_eq!(waiting.iter().map(|w| w.statement.clone()).collect::<Vec<_>>(), [first.to_bytes()]);

        *log.refuse.lock().unwrap() = None;
        round(&db, &key, &[], &url, &client, &clock).await.unwrap();
        assert!(outbox::waiting(&db).await.unwrap().is_empty());
        let taken: Vec<_> = [&second, &first].map(|s| ("governance".to_owned(), s.to_bytes())).into();
        assert_eq!(*log.taken.lock().unwrap(), taken);
        let kept = outbox::taken(&db).await.unwrap();
        let kept: Vec<_> = kept.into_iter().map(|(waiting, index)| (waiting.statement, index)).collect();
        assert_eq!(kept, [(second.to_bytes(), 0), (first.to_bytes(), 1)]);
    }

    #[test]
    fn what_a_former_key_of_the_role_signed_is_signed_anew_and_nothing_else() {
        let key = |seed| SigningKey::from_seed(&Secret::new([seed; 32]));
        let (old, new, other) = (key(1), key(2), key(3));
        let former = [old.verifying_key().key_id()];
        let anew = |s: &Statement| Statement::parse(&signed_now(s.to_bytes(), &new, &former)).unwrap();
        let waits = statement(&old, [1; 32]);
        let now = anew(&waits);
        assert_eq!((now.pae_hash(), now.signers()), (waits.pae_hash(), vec![new.verifying_key().key_id()]));
        now.verify(&[new.verifying_key()]).unwrap();
        let mut shared = waits.clone();
        shared.sign(&other);
        for unchanged in [shared, statement(&other, [1; 32]), statement(&new, [1; 32])] {
            assert_eq!(anew(&unchanged), unchanged);
        }
    }
}
