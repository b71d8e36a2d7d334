//! Refresh and reshare: the key stays, the shares change, and what a dealer or a stranger tries fails.

mod council;

use std::collections::BTreeMap;

use council::*;
use curve25519_dalek::{EdwardsPoint, Scalar};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::{CeremonyKind, CouncilManifest};
use tabir_crypto::statement::value::{Hex, Hour};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::dkg::Ceremony;
use tabir_crypto::threshold::reshare::{Dealing, Dealings, VerifiedManifest, deal};
use tabir_crypto::threshold::{Council, Drill, Share, combine, open};
use tabir_crypto::{Code, Result, Secret, SecretBytes, json};

type Board = BTreeMap<u16, Vec<u8>>;
type Inbox = BTreeMap<u16, BTreeMap<u16, SecretBytes<32>>>;

/// Three officials, two of them needed, and a case of theirs.
struct Old {
    town: Town,
    who: Officials,
}

fn old() -> Old {
    let mut rng = seeded(40);
    let who = officials(3, &mut rng);
    let ceremony = Ceremony::from_payload(&json::to_vec(&manifest(2, 3, &who, &mut rng)).unwrap()).unwrap();
    let (shares, public) = run(&ceremony, &mut rng);
    let council = Council::from_body(&ceremony.formed(&public, Hour::of(0))).unwrap();
    let warden = tabir_crypto::hpke::KemSecretKey::generate(&mut rng);
    Old { town: Town { council, shares, warden }, who }
}

impl Old {
    fn council(&self) -> &Council {
        &self.town.council
    }

    fn manifest(&self, kind: CeremonyKind, t: u16, new: &Officials, dealers: &[u16]) -> CouncilManifest {
        let n = u16::try_from(new.ed.len()).unwrap();
        let previous = Hex(*self.council().council_id());
        CouncilManifest { kind, previous, dealers: dealers.to_vec(), ..manifest(t, n, new, &mut seeded(41)) }
    }

    fn signed(&self, body: &CouncilManifest, new: &Officials) -> Statement {
        let dealers = body.dealers.iter().filter_map(|i| self.who.ed.get(usize::from(*i).checked_sub(1)?));
        let mut statement = Statement::new(Verb::CouncilManifest, body).unwrap();
        let mut keys: Vec<&SigningKey> = new.ed.iter().chain(dealers).collect();
        keys.sort_by_key(|k| k.verifying_key().key_id());
        keys.dedup_by_key(|k| k.verifying_key().key_id());
        keys.iter().for_each(|key| statement.sign(key));
        statement
    }

    fn verified(&self, body: &CouncilManifest, new: &Officials) -> Result<VerifiedManifest> {
        VerifiedManifest::verify(&self.signed(body, new), self.council())
    }

    /// To five new people, three of them needed; dealers 1 and 3.
    fn reshare(&self) -> (VerifiedManifest, Officials) {
        let new = officials(5, &mut seeded(42));
        let body = self.manifest(CeremonyKind::Reshare, 3, &new, &[1, 3]);
        (self.verified(&body, &new).unwrap(), new)
    }

    fn refresh(&self) -> VerifiedManifest {
        self.verified(&self.manifest(CeremonyKind::Refresh, 2, &self.who, &[1, 2]), &self.who).unwrap()
    }

    fn deal(&self, manifest: &VerifiedManifest) -> (Board, Inbox) {
        let (mut board, mut inbox) = (Board::new(), Inbox::new());
        for dealer in manifest.dealers() {
            let Dealing { message, shares } = deal(manifest, self.town.share(*dealer), &mut seeded(43)).unwrap();
            board.insert(*dealer, message);
            for (to, share) in shares {
                inbox.entry(to).or_default().insert(*dealer, share);
            }
        }
        (board, inbox)
    }

    fn finish(&self, manifest: &VerifiedManifest) -> (Council, Vec<Share>) {
        let (board, inbox) = self.deal(manifest);
        let dealings = Dealings::read(manifest, &board).unwrap();
        let shares = inbox.iter().map(|(to, shares)| dealings.finish(*to, shares).unwrap()).collect();
        (dealings.council().clone(), shares)
    }
}

fn blamed_at<T>(result: Result<T>, code: Code, culprit: u16) {
    assert_eq!(blamed(result), (code, culprit));
}

#[test]
fn after_a_reshare_the_new_ones_open_what_was_sealed_before() {
    let old = old();
    let sealed = sealed(&old.town, 7, "Siti");
    let (manifest, _) = old.reshare();
    let (council, shares) = old.finish(&manifest);
    assert_eq!((council.t(), council.n(), council.epoch()), (3, 5, 2));
    assert_eq!(council.lineage(), old.council().lineage());
    assert_eq!(council.key(), old.council().key());
    assert_eq!(council.shares_id(), manifest.ceremony().id());
    assert_eq!(council.ceremony_id(), old.council().ceremony_id());
    assert_eq!(old.council().ceremony_id(), old.council().shares_id());
    assert_ne!(council.council_id(), old.council().council_id());

    let town = Town { council, shares, warden: old.town.warden.clone() };
    let context = sealed.context(&town);
    for three in [[1, 2, 3], [1, 3, 5], [2, 4, 5]] {
        let dh = combine(&context, &town.partials(&context, &three)).unwrap();
        let opened = open(town.council.key(), &sealed.inner, &dh).unwrap();
        assert_eq!(opened.record, record("Siti"));
    }
    assert_eq!(code(combine(&context, &town.partials(&context, &[1, 2]))), Code::TooFew);
}

#[test]
fn after_a_refresh_the_old_shares_help_no_more() {
    let old = old();
    let manifest = old.refresh();
    let (council, shares) = old.finish(&manifest);
    assert_eq!((council.t(), council.n()), (2, 3));
    for (new, was) in shares.iter().zip(&old.town.shares) {
        new.check(&council).unwrap();
        assert_eq!(blamed(was.check(&council)), (Code::Share, was.index()));
        assert_eq!(blamed(new.check(old.council())), (Code::Share, new.index()));
    }
    // One old and one new share of the same key lie on no common line.
    let sealed = sealed(&old.town, 7, "Siti");
    let new_town = Town { council, shares, warden: old.town.warden.clone() };
    let (before, after) = (sealed.context(&old.town), sealed.context(&new_town));
    let mixed = [old.town.partials(&before, &[1]), new_town.partials(&after, &[2])].concat();
    assert_eq!(blamed(combine(&after, &mixed)), (Code::Context, 1));
}

#[test]
fn every_size_can_follow_every_size() {
    let old = old();
    for (t, n) in [(2, 2), (2, 3), (4, 5), (2, 15), (15, 15)] {
        let new = officials(n, &mut seeded(u64::from(100 * t + n)));
        let manifest = old.verified(&old.manifest(CeremonyKind::Reshare, t, &new, &[2, 3]), &new).unwrap();
        let (council, shares) = old.finish(&manifest);
        assert_eq!((council.t(), council.n(), shares.len()), (t, n, usize::from(n)));
    }
}

#[test]
fn a_threshold_of_one_is_never_dealt_to() {
    let (old, new) = (old(), officials(3, &mut seeded(42)));
    let body = old.manifest(CeremonyKind::Reshare, 1, &new, &[1, 2]);
    assert_eq!(code(old.verified(&body, &new)), Code::Threshold);
}

#[test]
fn index_0_a_missing_and_a_repeated_one_are_never_dealt_to() {
    let (old, new) = (old(), officials(3, &mut seeded(42)));
    let body = old.manifest(CeremonyKind::Reshare, 2, &new, &[1, 2]);
    for indices in [[0, 1, 2], [1, 2, 4], [1, 2, 2]] {
        let mut hostile = body.clone();
        hostile.members.iter_mut().zip(indices).for_each(|(m, index)| m.index = index);
        assert_eq!(code(old.verified(&hostile, &new)), Code::Index, "{indices:?}");
    }
}

#[test]
fn a_member_who_is_not_signed_for_is_never_dealt_to() {
    let (old, new) = (old(), officials(3, &mut seeded(42)));
    let body = old.manifest(CeremonyKind::Reshare, 2, &new, &[1, 2]);
    for left_out in 0..3 {
        let mut some = officials(3, &mut seeded(42));
        some.ed.remove(left_out);
        let index = u16::try_from(left_out).unwrap() + 1;
        blamed_at(old.verified(&body, &some), Code::Insufficient, index);
    }
}

#[test]
fn dealers_are_exactly_t_of_the_council_before_and_all_sign() {
    let (old, new) = (old(), officials(3, &mut seeded(42)));
    let with = |dealers: &[u16]| old.manifest(CeremonyKind::Reshare, 2, &new, dealers);
    assert_eq!(code(old.verified(&with(&[1]), &new)), Code::TooFew);
    assert_eq!(code(old.verified(&with(&[1, 2, 3]), &new)), Code::TooFew);
    assert_eq!(code(old.verified(&with(&[1, 4]), &new)), Code::Index);
    assert_eq!(code(old.verified(&with(&[0, 1]), &new)), Code::Index);
    assert_eq!(code(old.verified(&with(&[2, 2]), &new)), Code::Index);
    assert_eq!(code(old.verified(&with(&[2, 1]), &new)), Code::Index);
    assert_eq!(code(old.verified(&with(&[]), &new)), Code::Field);

    let mut statement = Statement::new(Verb::CouncilManifest, &with(&[1, 2])).unwrap();
    new.ed.iter().chain([&old.who.ed[0]]).for_each(|key| statement.sign(key));
    blamed_at(VerifiedManifest::verify(&statement, old.council()), Code::Insufficient, 2);
    statement.sign(&old.who.ed[2]);
    assert_eq!(code(VerifiedManifest::verify(&statement, old.council())), Code::UnknownKey);
}

#[test]
fn a_manifest_for_another_council_or_a_new_key_is_never_dealt_to() {
    let (old, new) = (old(), officials(3, &mut seeded(42)));
    let (manifest, _) = old.reshare();
    let (later, _) = old.finish(&manifest);
    let body = old.manifest(CeremonyKind::Reshare, 2, &new, &[1, 2]);
    assert_eq!(code(VerifiedManifest::verify(&old.signed(&body, &new), &later)), Code::Context);
    let form = CouncilManifest { kind: CeremonyKind::Form, previous: Hex([0; 32]), dealers: vec![], ..body };
    assert_eq!(code(old.verified(&form, &new)), Code::Context);
    let statement = Statement::new(Verb::CouncilFormed, &old.council().to_body(Hour::of(0))).unwrap();
    assert_eq!(code(VerifiedManifest::verify(&statement, old.council())), Code::Verb);
}

#[test]
fn a_refresh_changes_neither_people_nor_threshold() {
    let (old, new) = (old(), officials(3, &mut seeded(42)));
    let other_people = old.manifest(CeremonyKind::Refresh, 2, &new, &[1, 2]);
    assert_eq!(code(old.verified(&other_people, &new)), Code::Field);
    let other_threshold = old.manifest(CeremonyKind::Refresh, 3, &old.who, &[1, 2]);
    assert_eq!(code(old.verified(&other_threshold, &old.who)), Code::Field);
}

#[test]
fn what_came_of_it_is_said_by_its_own_verb() {
    let old = old();
    let verb = |manifest: &VerifiedManifest| Dealings::read(manifest, &old.deal(manifest).0).unwrap().verb();
    assert_eq!(verb(&old.refresh()), Verb::CouncilRefreshed);
    assert_eq!(verb(&old.reshare().0), Verb::CouncilReshared);
}

#[test]
fn only_a_dealer_deals_and_only_a_share_of_the_council_before() {
    let old = old();
    let (manifest, _) = old.reshare();
    assert_eq!(code(deal(&manifest, old.town.share(2), &mut seeded(1))), Code::Index);
    let (_, shares) = old.finish(&old.refresh());
    assert_eq!(blamed(deal(&manifest, &shares[0], &mut seeded(1)).map(|_| ())), (Code::Share, 1));
}

#[test]
fn a_dealer_of_another_secret_is_named() {
    let old = old();
    let (manifest, _) = old.reshare();
    let (mut board, _) = old.deal(&manifest);
    let other = EdwardsPoint::mul_base(&Scalar::from(5u8)).compress().0;
    board.get_mut(&3).unwrap()[..32].copy_from_slice(&other);
    blamed_at(Dealings::read(&manifest, &board), Code::Share, 3);
}

#[test]
fn a_dealer_of_a_share_that_does_not_fit_is_named() {
    let old = old();
    let (manifest, _) = old.reshare();
    let (board, inbox) = old.deal(&manifest);
    let dealings = Dealings::read(&manifest, &board).unwrap();
    let given = |from: u16, bytes: [u8; 32]| {
        let mut shares = inbox[&2].clone();
        shares.insert(from, Secret::new(bytes));
        shares
    };
    blamed_at(dealings.finish(2, &given(3, Scalar::from(5u8).to_bytes())), Code::Share, 3);
    blamed_at(dealings.finish(2, &given(1, [0xff; 32])), Code::Scalar, 1);
    // What was dealt to another member does not fit this one.
    blamed_at(dealings.finish(3, &inbox[&2]), Code::Share, 1);
    let mut missing = inbox[&2].clone();
    missing.remove(&1);
    blamed_at(dealings.finish(2, &missing), Code::Ceremony, 1);
    blamed_at(dealings.finish(2, &given(2, [0; 32])), Code::Ceremony, 2);
    assert_eq!(code(dealings.finish(6, &inbox[&2])), Code::Index);
}

#[test]
fn dealings_are_complete_and_of_one_form() {
    let old = old();
    let (manifest, _) = old.reshare();
    let (board, _) = old.deal(&manifest);
    let with = |from: u16, bytes: Vec<u8>| {
        let mut board = board.clone();
        board.insert(from, bytes);
        Dealings::read(&manifest, &board)
    };
    blamed_at(with(2, board[&1].clone()), Code::Ceremony, 2);
    blamed_at(with(3, board[&3][..64].to_vec()), Code::Size, 3);
    blamed_at(with(3, [board[&3].as_slice(), &[0; 32]].concat()), Code::Size, 3);
    let identity = EdwardsPoint::default().compress().0;
    blamed_at(with(3, [&board[&3][..64], &identity].concat()), Code::LowOrder, 3);
    blamed_at(
        Dealings::read(&manifest, &board.iter().take(1).map(|(i, b)| (*i, b.clone())).collect()),
        Code::Ceremony,
        3,
    );
}

/// Two dealers whose highest coefficients cancel: then two of the new council would do instead of three.
#[test]
fn dealers_who_cancel_each_other_make_no_council() {
    let old = old();
    let (manifest, _) = old.reshare();
    let (mut board, _) = old.deal(&manifest);
    // λ_1 = 3/2 and λ_3 = -1/2: with a_3 = 3·a_1 the sum at x² is zero.
    let three = Scalar::from(3u8);
    let point = |bytes: &[u8]| curve25519_dalek::edwards::CompressedEdwardsY(bytes.try_into().unwrap()).decompress();
    let highest = point(&board[&1][64..]).unwrap() * three;
    board.get_mut(&3).unwrap()[64..].copy_from_slice(&highest.compress().0);
    assert_eq!(code(Dealings::read(&manifest, &board)), Code::Threshold);
}

#[test]
fn the_transcript_holds_the_ceremony_and_every_dealing() {
    let old = old();
    let (manifest, new) = old.reshare();
    let (board, _) = old.deal(&manifest);
    let transcript = *Dealings::read(&manifest, &board).unwrap().council().transcript();
    let mut nonce = manifest.ceremony().manifest().clone();
    nonce.nonce = Hex([9; 32]);
    let other = old.verified(&nonce, &new).unwrap();
    assert_ne!(*Dealings::read(&other, &board).unwrap().council().transcript(), transcript);
    let mut changed = board;
    let again = deal(&manifest, old.town.share(1), &mut seeded(44)).unwrap();
    changed.insert(1, again.message);
    assert_ne!(*Dealings::read(&manifest, &changed).unwrap().council().transcript(), transcript);
}

#[test]
fn two_dealings_of_one_share_are_different_polynomials() {
    let old = old();
    let (manifest, _) = old.reshare();
    let dealing = |seed| deal(&manifest, old.town.share(1), &mut seeded(seed)).unwrap();
    let (one, other) = (dealing(1), dealing(2));
    assert_eq!(one.message[..32], other.message[..32], "the constant term is the dealer's verifying share");
    assert_ne!(one.message[32..], other.message[32..]);
    assert_ne!(one.shares[&1], other.shares[&1]);
}

#[test]
fn a_drill_shows_that_shares_work_and_opens_nothing_else() {
    let old = old();
    let drill = Drill::new(old.council(), &[7; 32]).unwrap();
    let partial = |i| drill.partial(old.town.share(i), &mut seeded(i.into())).unwrap();
    let all: Vec<_> = (1..=3).map(partial).collect();
    for (index, partial) in (1..).zip(&all) {
        drill.check(index, partial).unwrap();
    }
    drill.open(&all[..2]).unwrap();
    drill.open(&all[1..]).unwrap();
    assert_eq!(code(drill.open(&all[..1])), Code::TooFew);

    blamed_at(drill.check(2, &all[0]), Code::Context, 2);
    let mut forged = all[0].clone();
    forged[99 + 70] ^= 1;
    assert!(drill.check(1, &forged).is_err());
    let other = Drill::new(old.council(), &[8; 32]).unwrap();
    blamed_at(other.check(1, &all[0]), Code::Context, 1);
    assert_ne!(other.inner(), drill.inner());

    // In an opening, even one that names the drill's nonce as its request, it is of no use.
    let sealed = sealed(&old.town, 7, "Siti");
    let mut context = sealed.context(&old.town);
    (context.request_hash, context.checkpoint_hash) = ([7; 32], [0; 32]);
    blamed_at(combine(&context, &all[..2]), Code::Dleq, 1);
}

#[test]
fn a_drill_of_the_council_before_is_none_of_the_new_one() {
    let old = old();
    let (council, shares) = old.finish(&old.refresh());
    let drill = Drill::new(&council, &[7; 32]).unwrap();
    assert_eq!(blamed(drill.partial(old.town.share(1), &mut seeded(1))), (Code::Share, 1));
    let stale = Drill::new(old.council(), &[7; 32]).unwrap().partial(old.town.share(1), &mut seeded(1)).unwrap();
    blamed_at(drill.check(1, &stale), Code::Context, 1);
    drill.check(1, &drill.partial(&shares[0], &mut seeded(1)).unwrap()).unwrap();
}
