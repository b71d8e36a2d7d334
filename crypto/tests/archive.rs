//! A store's backup: what comes out is what went in, and nothing that was cut, changed, reordered or made by another passes.

mod common;

use common::Stream;
use tabir_crypto::archive::{BUCKET, CHUNK, Head, Manifest, SEALED_CHUNK, SIGNATURE, Sealing};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::statement::value::{CodeText, Hex, Hour, V1};
use tabir_crypto::{Code, Result, Secret};

fn signer(n: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([n; 32]))
}

fn recipient() -> KemSecretKey {
    KemSecretKey::from_seed(Secret::new([9; 32]))
}

fn manifest() -> Manifest {
    Manifest {
        v: V1,
        role: CodeText::new("gateway").unwrap(),
        schema: 11,
        trust: Hex([1; 32]),
        at: Hour::of(1_800_000_000),
        recipient: Hex(recipient().public_key().key_id()),
        signer: Hex(*signer(7).verifying_key().as_bytes()),
    }
}

fn plaintext() -> Vec<Vec<u8>> {
    (0..3u8).map(|n| vec![n; CHUNK]).collect()
}

fn sealed() -> Vec<u8> {
    let (mut sealing, mut file) =
        Sealing::begin(&manifest(), &recipient().public_key(), &mut Stream::new("a")).unwrap();
    let chunks = plaintext();
    for chunk in &chunks[..2] {
        file.extend(sealing.chunk(chunk).unwrap());
    }
    file.extend(sealing.last(&chunks[2], &signer(7)).unwrap());
    file
}

/// The signature, then every chunk.
fn open(file: &[u8]) -> Result<Vec<u8>> {
    let head = Head::parse(file)?;
    let body = file.get(head.length()..).unwrap_or_default();
    let (chunks, signature) = body.split_at_checked(body.len().saturating_sub(SIGNATURE)).ok_or(Code::Size)?;
    let mut checking = head.check();
    checking.take(chunks);
    checking.end(signature.try_into().map_err(|_| Code::Size)?, &signer(7).verifying_key())?;
    opened(&head, chunks)
}

/// Every chunk, whoever signed.
fn opened(head: &Head, chunks: &[u8]) -> Result<Vec<u8>> {
    let mut opening = head.open(&recipient())?;
    let (before, last) = chunks.split_at_checked(chunks.len() - SEALED_CHUNK).ok_or(Code::Size)?;
    let mut all = Vec::new();
    for chunk in before.chunks(SEALED_CHUNK) {
        all.extend_from_slice(opening.chunk(chunk)?.expose());
    }
    all.extend_from_slice(opening.last(last)?.expose());
    Ok(all)
}

#[test]
fn what_went_in_comes_out_and_the_manifest_can_be_read_without_a_secret() {
    let file = sealed();
    assert_eq!(Head::parse(&file).unwrap().manifest, manifest());
    assert_eq!(open(&file).unwrap(), plaintext().concat());
    assert_eq!(BUCKET % CHUNK as u64, 0);
}

#[test]
fn refuses_a_file_of_which_any_part_was_changed() {
    let file = sealed();
    let head = Head::parse(&file).unwrap().length();
    for at in [30, head - 600, head, head + SEALED_CHUNK, file.len() - SIGNATURE - 1, file.len() - 1] {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(open(&changed).is_err(), "{at}");
    }
}

#[test]
fn refuses_a_file_that_was_cut_or_reordered_whoever_signed_it() {
    let file = sealed();
    let head = Head::parse(&file).unwrap();
    let chunks = &file[head.length()..file.len() - SIGNATURE];
    let code = |chunks: &[u8]| opened(&head, chunks).err().map(|e| e.code());
    assert_eq!(code(&chunks[..2 * SEALED_CHUNK]), Some(Code::Aead), "the last is missing");
    assert_eq!(code(&chunks[SEALED_CHUNK..]), Some(Code::Aead), "the first is missing");
    let mut swapped = chunks.to_vec();
    let (first, rest) = swapped.split_at_mut(SEALED_CHUNK);
    first.swap_with_slice(&mut rest[..SEALED_CHUNK]);
    assert_eq!(code(&swapped), Some(Code::Aead));
    assert_eq!(code(&[chunks, &chunks[..SEALED_CHUNK]].concat()), Some(Code::Aead), "more behind the last");
    assert_eq!(code(chunks), None);
}

#[test]
fn refuses_a_backup_that_another_key_signed() {
    let (sealing, mut file) = Sealing::begin(&manifest(), &recipient().public_key(), &mut Stream::new("a")).unwrap();
    file.extend(sealing.last(&plaintext()[0], &signer(8)).unwrap());
    assert_eq!(open(&file).unwrap_err().code(), Code::Signature);
}

#[test]
fn refuses_a_manifest_of_another_backup() {
    let file = sealed();
    let text = String::from_utf8_lossy(&file[..1_000]).into_owned();
    assert!(text.contains("\"role\":\"gateway\""), "in clear");
    let at = text.find("\"schema\":11").unwrap();
    let mut changed = file.clone();
    changed[at + 9..at + 11].copy_from_slice(b"12");
    let head = Head::parse(&changed).unwrap();
    assert_eq!(head.manifest.schema, 12);
    assert_eq!(head.open(&recipient()).unwrap_err().code(), Code::Aead);
    assert_eq!(open(&changed).unwrap_err().code(), Code::Signature);
}

#[test]
fn refuses_another_key_another_kind_of_file_and_a_torn_head() {
    let file = sealed();
    let other = KemSecretKey::from_seed(Secret::new([8; 32]));
    assert_eq!(Head::parse(&file).unwrap().open(&other).unwrap_err().code(), Code::Context);
    assert_eq!(Head::parse(b"SQLite format 3\0").unwrap_err().code(), Code::Version);
    for length in [22, 25, 300, Head::parse(&file).unwrap().length() - 1] {
        assert_eq!(Head::parse(&file[..length]).unwrap_err().code(), Code::Size, "{length}");
    }
    let wrong = Manifest { recipient: Hex([0; 32]), ..manifest() };
    let begun = Sealing::begin(&wrong, &recipient().public_key(), &mut Stream::new("a"));
    assert_eq!(begun.unwrap_err().code(), Code::Field);
}
