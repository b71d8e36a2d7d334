//! The proof of work: its rules, and that no rule can be passed by.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use tabir_crypto::token::puzzle::{CHALLENGE_LEN, Challenge, MAX_DIFFICULTY, Offer, SOLUTION_LEN, Solution};
use tabir_crypto::{Code, Secret, SecretBytes};

/// Counts up: nonces differ, nothing else matters here.
struct Counting(u8);

impl TryRng for Counting {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("a puzzle draws bytes only")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("a puzzle draws bytes only")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0 += 1;
        out.fill(self.0);
        Ok(())
    }
}

impl TryCryptoRng for Counting {}

const NOW: u64 = 1_800_000_000;

fn key() -> SecretBytes<32> {
    Secret::new([9; 32])
}

fn challenge(difficulty: u8) -> Challenge {
    Challenge::new(&mut Counting(0), &key(), difficulty, NOW + 600).unwrap()
}

fn solved(challenge: &Challenge) -> Solution {
    challenge.solve(0, 1 << 12).unwrap().expect("4,096 tries find four zero bits")
}

fn bytes(solution: &Solution) -> Vec<u8> {
    tabir_crypto::codec::unb64url(&solution.to_text()).unwrap()
}

fn parse(bytes: &[u8]) -> Result<Solution, tabir_crypto::Error> {
    Solution::parse(&tabir_crypto::codec::b64url(bytes))
}

fn code<T>(result: Result<T, tabir_crypto::Error>) -> Code {
    result.err().unwrap().code()
}

#[test]
fn a_solution_passes_and_is_known_by_its_challenge_alone() {
    let challenge = challenge(4);
    assert_eq!((challenge.difficulty(), challenge.expires()), (4, NOW + 600));
    let solution = solved(&challenge);
    let text = solution.to_text();
    assert_eq!(text.len(), 88);
    let authentic = Solution::parse(&text).unwrap().authenticate(&key(), NOW).unwrap();
    authentic.check_work().unwrap();
    assert_eq!(authentic.expires(), NOW + 600);
    assert_eq!(authentic.id(), tabir_crypto::codec::sha256(challenge.as_bytes()));

    // A second solution of the same puzzle is the same puzzle.
    let next = u64::from_be_bytes(bytes(&solution)[CHALLENGE_LEN..].try_into().unwrap()) + 1;
    let second = challenge.solve(next, 1 << 12).unwrap().expect("another solution");
    assert_ne!(second, solution);
    assert_eq!(second.authenticate(&key(), NOW).unwrap().id(), authentic.id());
}

#[test]
fn refuses_too_little_work() {
    let challenge = challenge(4);
    let mut wrong = bytes(&solved(&challenge));
    // Among 256 counters almost all have no four zero bits; take the first that has not.
    let refused = (0..=255u8).find_map(|last| {
        wrong[SOLUTION_LEN - 1] = last;
        let authentic = parse(&wrong).unwrap().authenticate(&key(), NOW).unwrap();
        authentic.check_work().err()
    });
    assert_eq!(refused.unwrap().code(), Code::Puzzle);
}

#[test]
fn refuses_a_puzzle_of_somebody_else() {
    let foreign = Challenge::new(&mut Counting(0), &Secret::new([8; 32]), 0, NOW + 600).unwrap();
    let solution = solved(&foreign);
    assert_eq!(code(solution.authenticate(&key(), NOW)), Code::Puzzle);
}

#[test]
fn refuses_a_changed_difficulty_expiry_or_nonce() {
    let right = bytes(&solved(&challenge(1)));
    assert!(parse(&right).unwrap().authenticate(&key(), NOW).is_ok());
    for at in 1..CHALLENGE_LEN {
        let mut changed = right.clone();
        changed[at] ^= 1;
        assert_eq!(code(parse(&changed).unwrap().authenticate(&key(), NOW)), Code::Puzzle, "byte {at}");
    }
}

#[test]
fn refuses_an_expired_puzzle() {
    let solution = solved(&challenge(0));
    assert!(solution.clone().authenticate(&key(), NOW + 599).is_ok());
    assert_eq!(code(solution.authenticate(&key(), NOW + 600)), Code::Puzzle);
}

#[test]
fn refuses_other_forms() {
    let right = bytes(&solved(&challenge(0)));
    assert_eq!(code(parse(&right[..SOLUTION_LEN - 1])), Code::Size);
    assert_eq!(code(parse(&[&right[..], &[0]].concat())), Code::Size);
    assert_eq!(code(parse(&right[..10])), Code::Size);
    assert_eq!(code(Solution::parse("not base64")), Code::Base64);
    let mut version = right.clone();
    version[0] = 2;
    assert_eq!(code(parse(&version)), Code::Version);
    let mut hard = right;
    hard[1] = MAX_DIFFICULTY + 1;
    assert_eq!(code(parse(&hard)), Code::Puzzle);
    assert_eq!(code(Challenge::new(&mut Counting(0), &key(), MAX_DIFFICULTY + 1, NOW)), Code::Puzzle);
}

#[test]
fn solving_stops_where_it_is_told_to() {
    assert!(challenge(MAX_DIFFICULTY).solve(0, 3).unwrap().is_none());
    assert!(challenge(MAX_DIFFICULTY).solve(u64::MAX, 3).unwrap().is_none());
}

#[test]
fn an_offer_must_name_its_own_difficulty() {
    let offer = Offer::new(&challenge(4));
    let text = serde_json::to_string(&offer).unwrap();
    let read = |text: &str| tabir_crypto::json::from_slice::<Offer>(text.as_bytes()).unwrap();
    assert_eq!(read(&text).challenge().unwrap(), challenge(4));
    assert_eq!(code(read(&text.replace("\"bits\":4", "\"bits\":5")).challenge()), Code::Puzzle);
}
