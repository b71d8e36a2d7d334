//! Names of issuer and origin are constants of the trust root: other addresses break no token.

use std::sync::Arc;

use tabir::client::tokens::{self, Attestation};
use tabir::client::{Session, report};
use tabir::clock::Clock;
use tabir_crypto::token::Token;

use crate::stage::{Stage, draft};
use crate::{PROGRAM, ports};

#[tokio::test(flavor = "multi_thread")]
async fn issuer_and_gateway_move_and_every_token_of_before_is_still_taken() {
    let mut stage = Stage::start(PROGRAM).await;
    let before = stage.session().await;
    let token = tokens::fetch(&before, &Attestation::Puzzle).await.unwrap();

    let [gateway, issuer] = ports();
    for role in ["gateway", "issuer"] {
        stage.end(role);
        let file = stage.folder().join(role).join("tabir.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.replace(&format!("127.0.0.1:{}\"", stage.ports.gateway), &format!("127.0.0.1:{gateway}\""));
        let text = text.replace(&format!("127.0.0.1:{}\"", stage.ports.issuer), &format!("127.0.0.1:{issuer}\""));
        std::fs::write(&file, text).unwrap();
        stage.resume(role).await;
    }
    let moved = format!("http://localhost:{gateway}");
    let open =
        async || Session::open(stage.client.clone(), Clock::system(), Arc::clone(&stage.trust), &moved).await.ok();
    stage.until("the gateway answers at its new address", || async { open().await.is_some() }).await;
    let after = open().await.unwrap();
    assert_eq!(after.services.issuer, format!("http://127.0.0.1:{issuer}"));
    let accepted = async |token: &Token| {
        let sealed = report::seal(&after, &draft(&after)).unwrap();
        report::send(&after, &sealed, token).await
    };
    accepted(&token).await.expect("a token of before");
    let fresh = tokens::fetch(&after, &Attestation::Puzzle).await.unwrap();
    accepted(&fresh).await.expect("a token of the issuer at its new address");
    assert!(accepted(&token).await.is_err(), "it was spent");
}
