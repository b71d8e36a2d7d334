//! The outside body's people are told of each request, by a real mail server and a real webhook on loopback; nothing that
//! hangs there keeps a checkpoint waiting.

mod log_support;
#[path = "common/mail.rs"]
mod mail;
mod warden_support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use tabir::config::notify::Alerts;
use tabir::config::roles;
use tokio::net::TcpListener;

use log_support::counts;
use mail::{MailServer, Mood};
use warden_support::*;

type Hooked = Arc<Mutex<Vec<String>>>;

async fn webhook() -> (String, Hooked) {
    let taken = Hooked::default();
    let route = post(|State(taken): State<Hooked>, body: String| async move { taken.lock().unwrap().push(body) });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let routes = Router::new().route("/hook", route).with_state(Arc::clone(&taken));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, taken)
}

/// The warden's background work, until the test ends it.
struct Work(Vec<tokio::task::JoinHandle<()>>);

impl Work {
    async fn start(city: &City, notify: &Alerts) -> Self {
        let dir = city.dir.path().to_owned();
        let config = roles::Warden { dir, poll_ms: 20, epoch_s: QUARTER, notify: Some(notify.clone()) };
        let parts = tabir::warden::start(&config, &city.setup).await.unwrap();
        Self(parts.background.into_iter().map(tokio::spawn).collect())
    }

    async fn end(self) {
        for task in self.0 {
            task.abort();
            let _ = task.await;
        }
    }
}

async fn until(what: &str, mut is: impl FnMut() -> bool) {
    for _ in 0..600 {
        if is() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} did not happen");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_is_told_once_with_its_public_hash_and_no_more_and_a_mail_server_that_hangs_delays_no_checkpoint()
{
    let (mail, (url, hooked)) = (MailServer::start().await, webhook().await);
    let to = vec!["duty@ombud.example".to_owned(), url];
    let notify = Alerts { to, smtp: Some(mail.smtp()), retry_s: 1 };
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let asked = city.ask(&warden, &case).await;
    drop(warden);

    *mail.mood.lock().unwrap() = Mood::Refuses;
    let work = Work::start(&city, &notify).await;
    until("the webhook", || hooked.lock().unwrap().len() == 1).await;
    until("two tries", || *mail.refused.lock().unwrap() >= 2).await;
    *mail.mood.lock().unwrap() = Mood::Hangs;
    tokio::time::sleep(Duration::from_secs(3)).await;
    // The mail waits on a server that says nothing; checkpoints do not.
    let before = city.tree(|t| t.posts);
    city.append(&counts(1));
    let size = city.tree(|t| t.head().size);
    until("a cosignature", || city.tree(|t| t.posts > before && t.kept.contains_key(&size))).await;
    work.end().await;

    // It is told after a restart, once; and a request that the board keeps back is told as well.
    *mail.mood.lock().unwrap() = Mood::Takes;
    city.world.ready.lock().unwrap().clear();
    let work = Work::start(&city, &notify).await;
    until("the mail", || !mail.to("duty@").is_empty()).await;
    work.end().await;
    let warden = city.warden().await;
    let second = city.case(&warden, 2).await;
    let other = city.ask(&warden, &second).await;
    drop(warden);
    city.world.ready.lock().unwrap().clear();
    let work = Work::start(&city, &notify).await;
    until("the second mail", || mail.to("duty@").len() == 2 && hooked.lock().unwrap().len() == 2).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    work.end().await;
    let (mails, hooks) = (mail.to("duty@"), hooked.lock().unwrap().clone());
    assert_eq!((mails.len(), hooks.len()), (2, 2), "once each");
    for (told, hash) in mails.iter().zip([asked, other]).chain(hooks.iter().zip([asked, other])) {
        let hash = hex::encode(hash);
        assert!(told.contains(&hash) && told.contains("A request waits"), "{told}");
        for secret in ["court", "danger", "official", "case", &hex::encode(case.keys.case_id())] {
            assert!(!told.contains(secret), "{secret}: {told}");
        }
    }
}
