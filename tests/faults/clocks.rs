//! A role's clock jumps back and forth, one role after the other, while people report.

use tabir::client::report::send;

use crate::reporters::{Sent, ready};
use crate::simulated::{HOUR_S, SMALL_S, pass, some, start, to_the_deadline};
use crate::stage::draft;
use crate::{TURN, after, record};

/// Who jumps, and by how many seconds.
const JUMPS: [(&str, i64); 10] = [
    ("gateway", -7_200),
    ("gateway", 7_200),
    ("forwarder", -90_000),
    ("forwarder", 7_200),
    ("log", -7_200),
    ("log", 7_200),
    ("issuer", -7_200),
    ("issuer", 7_200),
    ("warden", -7_200),
    ("desk", -90_000),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_jump_lose_and_double_nothing() {
    let stage = start(|_, _| ()).await;
    // Keys have counted for a while when a clock jumps back.
    pass(&stage, 3 * HOUR_S, HOUR_S).await;
    let (mut sent, mut waiting) = (Vec::new(), Vec::new());
    for (role, by) in JUMPS {
        some(&stage, 1, &mut sent).await;
        let session = stage.session().await;
        let code = stage.vouchers(1).await.remove(0);
        let during = ready(&session, &code, &draft(&session)).await.unwrap();
        let clock = stage.clock_of(role);
        clock.set(stage.clock.now().saturating_add_signed(by));
        tokio::time::sleep(TURN).await;
        // It may be refused meanwhile, as long as it can be sent again afterwards. What is acknowledged counts.
        match send(&session, &during.0, &during.1).await {
            Ok(accepted) => sent.push(Sent::of(&accepted, &during.1)),
            Err(_) => waiting.push(during),
        }
        clock.set(stage.clock.now());
        pass(&stage, HOUR_S, HOUR_S).await;
    }
    let session = stage.session().await;
    for (sealed, token) in waiting {
        sent.push(Sent::of(&send(&session, &sealed, &token).await.unwrap(), &token));
    }
    to_the_deadline(&stage).await;
    record("clock", after::look(&stage, "clock", JUMPS.len() as u64, &sent, SMALL_S).await);
}
