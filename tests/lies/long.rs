//! A log longer than what is looked at together, on all cores: whatever is wrong in it is named at its place, in order.

use tabir_crypto::statement::Verb;
use tabir_crypto::statement::body::{RetentionCounts, Role};
use tabir_crypto::statement::value::{Hour, V1};

use crate::clean::{END, clean};
use crate::forge::{Forge, INTAKE};
use crate::verdict::said;
use crate::world::*;

/// More than two shares of 4,096.
const MORE: u64 = 9000;

fn counts(w: u64) -> RetentionCounts {
    RetentionCounts { v: V1, at: Hour::of(END), w, counts: Default::default() }
}

fn put(forge: &mut Forge, w: u64) -> u64 {
    forge.append(&sign(Verb::RetentionCounts, &counts(w), &[role(Role::Gateway)]))
}

#[tokio::test]
async fn lies_in_a_long_log_are_named_at_their_places_in_their_order() {
    let mut forge = clean();
    let mut lines = Vec::new();
    for w in 1..=MORE {
        put(&mut forge, w);
        // One in each share, the last one next to the end.
        if w % 2999 == 0 {
            let stranger = forge.append(&sign(Verb::RetentionCounts, &counts(w + MORE), &[auditor(0)]));
            lines.push(format!("intake.signatures unknown-key intake {stranger}"));
        }
    }
    let twice = put(&mut forge, 1);
    lines.push(format!("intake.once duplicate intake {twice}"));
    forge.keep(INTAKE);
    said(&forge, &lines).await;
}

/// What was taken of a log that can't be believed does not count: nothing of it is named, and nothing of it is relied on.
#[tokio::test]
async fn nothing_of_a_log_whose_end_does_not_fit_is_taken() {
    let mut forge = clean();
    put(&mut forge, 1);
    put(&mut forge, 1);
    // So many that the first ones are taken before the end is read.
    for w in 2..MORE {
        put(&mut forge, w);
    }
    forge.keep(INTAKE);
    let dir = forge.written();
    let size = forge.intake.size();
    let bundle = dir.path().join(format!("intake/tile/entries/{:03}.p/{}", size / 256, size % 256));
    let mut bytes = std::fs::read(&bundle).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    assert_eq!(crate::verdict::failures(dir.path()).await, ["log.tree tile intake"]);
}
