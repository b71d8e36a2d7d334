//! One case as it crosses, and what each decoder makes of its bytes. `web/test/interop/case.ts` has the same.

use std::collections::BTreeMap;

use serde_json::Value;
use tabir_crypto::codec::{B32, unhex};
use tabir_crypto::content::{
    Content, IdentityRecord, SealedReply, content_hash, pad_content, pad_record, unpad_content, unpad_message,
};
use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::envelope::{CaseBinding, Handout, Inner, Outer, Released};
use tabir_crypto::hpke::{KemPublicKey, KemSecretKey, Use, uses};
use tabir_crypto::log::{CosignedCheckpoint, LogVerifier, Witnesses};
use tabir_crypto::receipt::{Receipt, ReceiptKeys};
use tabir_crypto::request::RequestText;
use tabir_crypto::statement::body::{CouncilFormed, UnsealRequested};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::submission::Submission;
use tabir_crypto::threshold::{Council, OpeningContext, Share, combine, open, recipients_hash, verify};
use tabir_crypto::{Code, Result, SecretBytes, json};

/// What a decoder says of bytes: taken, or the code of the refusal, with the culprit where one is named.
pub fn says<T>(got: Result<T>) -> String {
    match got {
        Ok(_) => "taken".into(),
        Err(e) => e.culprit().map_or_else(|| e.code().as_str().into(), |at| format!("{} at {at}", e.code().as_str())),
    }
}

type Read<'a> = Box<dyn Fn(&[u8]) -> Result<()> + 'a>;

/// A decoder with bytes that it takes.
pub struct Decoder<'a> {
    pub good: Vec<u8>,
    pub read: Read<'a>,
}

pub struct Case<'a> {
    node: &'a Value,
    keys: ReceiptKeys,
    council: Council,
    warden: KemSecretKey,
    intake: KemSecretKey,
    binding: CaseBinding,
    released: Released,
    entry: UnsealRequested,
    submission: Submission,
}

fn text<'a>(node: &'a Value, key: &str) -> &'a str {
    node[key].as_str().unwrap_or_else(|| panic!("no {key}"))
}

fn bytes(node: &Value, key: &str) -> Vec<u8> {
    hex::decode(text(node, key)).unwrap()
}

fn fixed<const N: usize>(node: &Value, key: &str) -> [u8; N] {
    unhex(text(node, key)).unwrap()
}

fn list(node: &Value, key: &str) -> Vec<Vec<u8>> {
    node[key].as_array().unwrap().iter().map(|v| hex::decode(v.as_str().unwrap()).unwrap()).collect()
}

fn formed(payload: &[u8]) -> Result<CouncilFormed> {
    match Body::parse(Verb::CouncilFormed, payload)? {
        Body::Council(body) => Ok(body),
        _ => Err(Code::Verb.into()),
    }
}

fn entry<'c>(good: &[u8], read: impl Fn(&[u8]) -> Result<()> + 'c) -> Decoder<'c> {
    Decoder { good: good.to_vec(), read: Box::new(read) }
}

impl<'a> Case<'a> {
    pub fn new(node: &'a Value) -> Self {
        let keys = Receipt::from(SecretBytes::new(fixed::<16>(node, "receipt"))).keys();
        let council = Council::from_body(&formed(text(node, "formed").as_bytes()).unwrap()).unwrap();
        let kem = |key| KemSecretKey::from_seed(SecretBytes::new(fixed(node, key)));
        let (warden, intake) = (kem("warden_seed"), kem("intake_seed"));
        let binding = CaseBinding {
            lineage: *council.lineage(),
            case_id: keys.case_id(),
            access_hash: keys.access_hash(),
            content_hash: content_hash(&bytes(node, "content")).unwrap(),
            notice_hash: keys.notice_hash(),
        };
        let released = Outer::parse(&bytes(node, "envelope")).unwrap().open(&warden, &binding).unwrap();
        let Ok(Body::UnsealRequested(entry)) =
            Body::parse(Verb::UnsealRequested, text(node, "request_entry").as_bytes())
        else {
            panic!("not a request")
        };
        let submission = json::from_slice(text(node, "submission").as_bytes()).unwrap();
        Self { node, keys, council, warden, intake, binding, released, entry, submission }
    }

    fn context(&self) -> OpeningContext<'_> {
        let keys = list(self.node, "recipients");
        let keys: BTreeMap<u16, KemPublicKey> =
            (1..).zip(&keys).map(|(i, key)| (i, KemPublicKey::from_bytes(key).unwrap())).collect();
        OpeningContext {
            council: &self.council,
            case_id: self.keys.case_id(),
            envelope_hash: fixed(self.node, "envelope_hash"),
            inner: self.released.inner(),
            request_hash: fixed(self.node, "request_hash"),
            checkpoint_hash: fixed(self.node, "checkpoint_hash"),
            recipients: recipients_hash(&keys),
        }
    }

    fn warden_key_id(&self) -> B32 {
        self.warden.public_key().key_id()
    }

    fn content_place(&self) -> Use {
        Use::Content { case_id: self.keys.case_id(), intake_key_id: self.intake.public_key().key_id() }
    }

    fn reply_place(&self) -> Use {
        Use::Mailbox { case_id: self.keys.case_id(), seq: 1 }
    }

    /// Every decoder by name.
    pub fn decoders(&self) -> BTreeMap<&'static str, Decoder<'_>> {
        let node = self.node;
        let label = self.binding.label(&self.warden_key_id());
        let context = self.context();
        let log = LogVerifier::new(text(node, "log_origin"), text(node, "log_vkey")).unwrap();
        let vkeys: Vec<&str> = node["witnesses"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
        let witnesses = Witnesses::new(vkeys, node["quorum"].as_u64().unwrap()).unwrap();
        let utf8 =
            |x: &[u8]| std::str::from_utf8(x).map(ToOwned::to_owned).map_err(|_| tabir_crypto::Error::from(Code::Utf8));
        BTreeMap::from([
            ("receipt", entry(text(node, "receipt_text").as_bytes(), move |x| Receipt::parse(&utf8(x)?).map(drop))),
            ("key", entry(self.warden.public_key().as_bytes(), |x| KemPublicKey::from_bytes(x).map(drop))),
            ("council", entry(text(node, "formed").as_bytes(), |x| Council::from_body(&formed(x)?).map(drop))),
            ("share", entry(&list(node, "shares")[0], |x| Share::from_bytes(x)?.check(&self.council))),
            (
                "content",
                entry(&bytes(node, "content"), |x| {
                    let opened = uses::open(&self.intake, &self.content_place(), x)?;
                    json::from_slice::<Content>(unpad_content(opened.expose())?.expose()).map(drop)
                }),
            ),
            (
                "padded_content",
                entry(pad_content(text(node, "content_json").as_bytes()).unwrap().expose(), |x| {
                    json::from_slice::<Content>(unpad_content(x)?.expose()).map(drop)
                }),
            ),
            (
                "record",
                entry(pad_record(text(node, "record_json").as_bytes()).unwrap().expose(), |x| {
                    IdentityRecord::from_padded(x).map(drop)
                }),
            ),
            (
                "outer",
                entry(&bytes(node, "envelope"), |x| Outer::parse(x)?.open(&self.warden, &self.binding).map(drop)),
            ),
            (
                "inner",
                entry(&self.released.inner().inner().to_bytes(), move |x| Inner::parse(x)?.verify(&label).map(drop)),
            ),
            (
                "handout",
                entry(&bytes(node, "handout"), |x| {
                    Handout::parse(x)?.check(&self.warden_key_id(), &self.binding).map(drop)
                }),
            ),
            ("partial", entry(&list(node, "partials")[0], move |x| verify(&context, x).map(drop))),
            (
                "request",
                entry(&bytes(node, "request_sealed"), |x| RequestText::open(&self.entry, &self.warden, x).map(drop)),
            ),
            (
                "reply",
                entry(&bytes(node, "reply_sealed"), |x| {
                    let opened = uses::open(&self.keys.mailbox, &self.reply_place(), x)?;
                    json::from_slice::<SealedReply>(unpad_message(opened.expose())?.expose()).map(drop)
                }),
            ),
            (
                "submission",
                entry(text(node, "submission").as_bytes(), |x| json::from_slice::<Submission>(x)?.verify().map(drop)),
            ),
            (
                "statement",
                entry(&self.submission.statement.to_bytes(), |x| {
                    Statement::parse(x)?.verify(&[self.keys.case_vk()]).map(drop)
                }),
            ),
            (
                "checkpoint",
                entry(text(node, "note").as_bytes(), move |x| CosignedCheckpoint::open(x, &log, &witnesses).map(drop)),
            ),
        ])
    }

    /// Everything that the other side made opens here, and says what it said there.
    pub fn opens(&self) {
        let node = self.node;
        for (name, Decoder { good, read }) in self.decoders() {
            assert_eq!(says(read(&good)), "taken", "{name}");
        }
        let opened = uses::open(&self.intake, &self.content_place(), &bytes(node, "content")).unwrap();
        let content = unpad_content(opened.expose()).unwrap();
        assert_eq!(content.expose().as_slice(), text(node, "content_json").as_bytes());
        let read: Content = json::from_slice(content.expose()).unwrap();
        assert_eq!(json::to_vec(&read).unwrap(), *content.expose());
        let handout = self.released.handout(fixed(node, "salt"));
        assert_eq!(*handout.to_bytes().expose(), bytes(node, "handout"));
        let dh = combine(&self.context(), &list(node, "partials")).unwrap();
        let identity = open(self.council.key(), self.released.inner(), &dh).unwrap();
        assert_eq!(
            identity.record.expose().as_slice(),
            *pad_record(text(node, "record_json").as_bytes()).unwrap().expose()
        );
        assert_eq!(identity.salt.expose().as_slice(), bytes(node, "opened_salt"));
        let reply = uses::open(&self.keys.mailbox, &self.reply_place(), &bytes(node, "reply_sealed")).unwrap();
        let reply: SealedReply = json::from_slice(unpad_message(reply.expose()).unwrap().expose()).unwrap();
        let forwarder = VerifyingKey::from_bytes(&bytes(node, "forwarder_vk")).unwrap();
        reply.statement.verify(&[forwarder]).unwrap();
        assert_eq!(reply.message.0, text(node, "reply_message").as_bytes());
        assert_eq!(self.keys.case_id(), fixed(node, "case_id"));
    }
}
