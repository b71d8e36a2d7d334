//! The outside body can't be reached over a long weekend: reports go on, identities wait.

use tabir::client::report::{Draft, seal, send};
use tabir::client::{ClientError, Session};
use tabir_crypto::Code;
use tabir_crypto::content::IdentityRecord;
use tabir_crypto::statement::value::V1;

use crate::reporters::{Sent, ready};
use crate::simulated::{DAY_S, HOUR_S, SMALL_S, pass, some, start, to_the_deadline};
use crate::stage::draft;
use crate::{after, record};

fn named(session: &Session) -> Draft {
    let name = Some("Siti".to_owned());
    let identity = IdentityRecord { v: V1, name, contact: Vec::new(), national_id: None, note: None };
    Draft { identity: Some(identity), ..draft(session) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_outside_body_is_away_reports_go_on_and_identities_wait() {
    let mut stage = start(|_, _| ()).await;
    let mut sent = Vec::new();
    stage.end("warden");
    pass(&stage, 4 * DAY_S, 12 * HOUR_S).await;
    let session = stage.session().await;
    assert!(session.check_fresh().is_err(), "nobody has seen the log for four days");
    some(&stage, 3, &mut sent).await;
    let refused = seal(&session, &named(&session)).err();
    assert!(matches!(refused, Some(ClientError::Crypto(error)) if error.code() == Code::Stale), "an identity waits");

    stage.resume("warden").await;
    let fresh = || async { stage.session().await.check_fresh().is_ok() };
    stage.until("the log is seen again", fresh).await;
    let session = stage.session().await;
    let code = stage.vouchers(1).await.remove(0);
    let (sealed, token) = ready(&session, &code, &named(&session)).await.unwrap();
    let accepted = send(&session, &sealed, &token).await.unwrap();
    sent.push(Sent::of(&accepted, &token));
    to_the_deadline(&stage).await;
    record("outside_away", after::look(&stage, "outside_away", 1, &sent, SMALL_S).await);
}
