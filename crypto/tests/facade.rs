//! What a facade hands out and keeps opens nothing without what it does not keep.

mod common;

use common::{Fixed, is_refused};
use tabir_crypto::codec::unb64url;
use tabir_crypto::facade::{Repeat, access_of, app_hash, request_id};
use tabir_crypto::receipt::Receipt;
use tabir_crypto::{Code, SecretBytes};

fn secret(n: u8) -> SecretBytes<32> {
    SecretBytes::new([n; 32])
}

#[test]
fn an_id_gives_its_access_key_to_the_facade_that_made_it_and_to_nobody_else() {
    let id = request_id(&secret(1), &secret(7)).unwrap();
    assert_eq!(id.len(), 96);
    assert_eq!(id, request_id(&secret(1), &secret(7)).unwrap(), "one case, one id");
    assert!(access_of(&secret(1), &id).unwrap() == secret(7));
    assert!(!unb64url(&id).unwrap().windows(8).any(|w| w == [7; 8]));
    is_refused(access_of(&secret(2), &id), Code::Aead);
    for at in [0, 23, 24, 60, 71] {
        let mut bytes = unb64url(&id).unwrap();
        bytes[at] ^= 1;
        is_refused(access_of(&secret(1), &tabir_crypto::codec::b64url(&bytes)), Code::Aead);
    }
    is_refused(access_of(&secret(1), ""), Code::Size);
    is_refused(access_of(&secret(1), "1"), Code::Base64);
    is_refused(access_of(&secret(1), &id[..93]), Code::Base64);
    assert_ne!(id, request_id(&secret(1), &secret(8)).unwrap());
    assert_ne!(id, request_id(&secret(2), &secret(7)).unwrap());
}

#[test]
fn a_receipt_is_opened_by_the_same_request_of_the_same_app_only() {
    let receipt = Receipt::from(SecretBytes::new([9; 16]));
    let repeat = Repeat::of(b"key", b"request");
    let kept = repeat.seal_receipt(&receipt, &mut Fixed::new(vec![3; 24])).unwrap();
    assert_eq!(kept.len(), 24 + 16 + 16);
    assert!(!kept.windows(8).any(|w| w == [9; 8]));
    assert_eq!(Repeat::of(b"key", b"request").open_receipt(&kept).unwrap(), receipt);
    assert_eq!(repeat.id(), Repeat::of(b"key", b"request").id());
    for (app, request) in
        [(&b"key"[..], &b"Request"[..]), (b"kez", b"request"), (b"key\0r", b"equest"), (b"", b"key\0request")]
    {
        let other = Repeat::of(app, request);
        assert_ne!(other.id(), repeat.id());
        is_refused(other.open_receipt(&kept), Code::Aead);
    }
    is_refused(repeat.open_receipt(&kept[..23]), Code::Size);
    is_refused(repeat.open_receipt(&kept[..55]), Code::Aead);
    assert_ne!(app_hash(b"key"), app_hash(b"kez"));
}
