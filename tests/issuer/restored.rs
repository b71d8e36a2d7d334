//! An issuer whose store came back from a backup: it has no private key, and makes none whose number the log may know.

use tabir::db::copy::{copy, revive};
use tabir::issuer::epochs::{Span, announcement, new_key};
use tabir::issuer::store_backup::PLAN;

use super::*;

#[tokio::test]
async fn an_issuer_that_came_back_signs_nothing_and_makes_no_key_before_its_keys_are_renewed() {
    let (dir, lost) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let before = Issuer::start(lost.path()).await;
    let (voucher, known) = (before.voucher().await, before.announced().await.len());
    let file = dir.path().join("store.sqlite");
    copy(&lost.path().join("store.sqlite"), &file, &PLAN).await.unwrap();
    before.clock.set(START + EPOCH);
    before.service.maintain().await.unwrap();
    assert_eq!(before.announced().await.len(), known + 1, "since the backup another epoch stands in the log");

    revive(&file, &PLAN, START + EPOCH).await.unwrap();
    let issuer = Issuer::start_with(dir.path(), START + EPOCH, None).await;
    assert!(issuer.service.is_restored());
    assert_eq!(issuer.announced().await.len(), known, "what waited in the backup, and no key of that number");
    let refusal = refused(issuer.ask(&voucher, &request(&issuer.key().await).0).await);
    assert_eq!(refusal.0, 503, "{refusal:?}");

    let (epoch, now) = (before.announced().await[known].epoch + 1, START + EPOCH);
    let span = Span { epoch, not_before: now, not_after: now + EPOCH };
    let key = new_key(&[]).unwrap();
    let announced = announcement(span, key.public(), &identity(), now).unwrap();
    issuer.store.renew(span, &key, announced, false, Vec::new()).await.unwrap();
    issuer.service.maintain().await.unwrap();
    assert!(!issuer.service.is_restored());
    let epochs: Vec<u64> = issuer.announced().await[known..].iter().map(|key| key.epoch).collect();
    assert_eq!(epochs, [epoch, epoch + 1], "the renewed one, and the next by itself again");
    let (body, pending) = request(&issuer.key().await);
    pending.finalize(&issuer.ask(&voucher, &body).await.unwrap()).unwrap();
}
