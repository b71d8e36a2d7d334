//! An installation without its servers: a trust root, the keys that it pins, and a governance log in which every key, a
//! council of 2 of 3 and a policy stand, all active at [`NOW`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use tabir::api::gateway::Services;
use tabir::client::Session;
use tabir::client::log_reader::{Entry, Growth};
use tabir::clock::{Clock, Random};
use tabir::config::{Peers, Setup};
use tabir::http::Client;
use tabir::ledger::{Ledger, View, verifiers};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::log::tile::Edge;
use tabir_crypto::log::{Checkpoint, CosignedCheckpoint, Cosigner, NoteSigner, SignedCheckpoint, leaf_hash};
use tabir_crypto::statement::body::{
    CeremonyKind, CouncilManifest, KeyAnnounced, KeyKind, ManifestMember, PolicySet, Role,
};
use tabir_crypto::statement::value::{Bytes, Hex, Hour, Second, Text, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::dkg::{Ceremony, Public, Round1};
use tabir_crypto::token::{IssuerKey, Token, TokenChallenge, blind};
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::{Activation, LogKey, LogName, TrustRoot};
use tabir_crypto::{Code, Secret, SecretBytes};
use tokio::sync::watch;

/// When everything here happens: a full hour, and a full day plus 8 hours.
pub const NOW: u64 = 1_800_000_000;
pub const DAY: u64 = 86_400;
pub const ISSUER: &str = "issuer.example";
pub const ORIGIN: &str = "gateway.example";
/// Last second of the token key.
pub const TOKEN_END: u64 = NOW + 20 * DAY;

fn seed(n: u8) -> SecretBytes<32> {
    Secret::new([n; 32])
}

/// Seed of the intake key.
pub fn intake_seed() -> SecretBytes<32> {
    seed(60)
}

/// A key of a small family: 10 to 15 identities, 20 and 21 auditors, 31 to 33 officials.
pub fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&seed(n))
}

pub fn identity_seed(role: Role) -> SecretBytes<32> {
    seed(10 + Role::ALL.iter().position(|r| *r == role).unwrap() as u8)
}

pub fn identity(role: Role) -> SigningKey {
    SigningKey::from_seed(&identity_seed(role))
}

pub fn official(index: u16) -> SigningKey {
    key(30 + u8::try_from(index).unwrap())
}

/// One RSA key for all tests of a binary: making one takes a second.
pub fn issuer_key() -> &'static IssuerKey {
    static KEY: OnceLock<IssuerKey> = OnceLock::new();
    KEY.get_or_init(|| IssuerKey::generate(&mut Random).unwrap())
}

/// Mints a token as issuer and client would together.
pub fn mint(key: &IssuerKey, issuer: &str, origin: &str) -> Token {
    let challenge = TokenChallenge::new(issuer, origin).unwrap();
    let (request, pending) = blind(&mut Random, key.public(), &challenge).unwrap();
    pending.finalize(&key.blind_sign(&mut Random, &request).unwrap()).unwrap()
}

/// A good token.
pub fn token() -> Token {
    mint(issuer_key(), ISSUER, ORIGIN)
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn trust_root() -> TrustRoot {
    let log = |name: LogName, n| {
        let origin = format!("log.example/{}", name.as_str());
        let vkey = NoteSigner::from_seed(&origin, &seed(n)).unwrap().verifier_key().to_string();
        LogKey { name, origin: text(&origin), vkey: text(&vkey), follows: None }
    };
    let witness = Cosigner::from_seed("witness.example", &seed(42)).unwrap().verifier_key().to_string();
    TrustRoot {
        v: V1,
        at: Hour::of(NOW - DAY),
        version: 1,
        demo: false,
        name: text("Test city"),
        issuer_name: text(ISSUER),
        origin: text(ORIGIN),
        logs: vec![log(LogName::Governance, 40), log(LogName::Intake, 41)],
        witnesses: vec![text(&witness)],
        witness_quorum: 1,
        identities: Role::ALL.into_iter().map(|r| (r, Hex(*identity(r).verifying_key().as_bytes()))).collect(),
        auditors: [20, 21].map(|n| Hex(*key(n).verifying_key().as_bytes())).to_vec(),
        auditor_quorum: 2,
        activation_s: Activation { token: 0, intake: 0, warden: 0, council: 0 },
        freshness_s: 3 * DAY,
        cooling_off_s: 60,
        release_cap_per_day: 3,
        deferral_max_s: 90 * DAY,
        previous: None,
    }
}

pub fn signed(verb: Verb, body: &impl serde::Serialize, keys: &[SigningKey]) -> Statement {
    let mut statement = Statement::new(verb, body).unwrap();
    keys.iter().for_each(|key| statement.sign(key));
    statement
}

fn announced(kind: KeyKind, key: &[u8], not_after: u64) -> Statement {
    let (v, at, role) = (V1, Hour::of(NOW), kind.role());
    let (not_before, not_after) = (Second(NOW - DAY), Second(not_after));
    let body = KeyAnnounced { v, at, role, kind, epoch: 1, key: Bytes(key.to_vec()), not_before, not_after };
    let beside = if kind == KeyKind::Warden { auditors() } else { Vec::new() };
    signed(Verb::KeyAnnounced, &body, &[vec![identity(role)], beside].concat())
}

pub fn auditors() -> Vec<SigningKey> {
    vec![key(20), key(21)]
}

fn council() -> Statement {
    let member = |index| ManifestMember {
        index,
        ed_vk: Hex(*official(index).verifying_key().as_bytes()),
        kem_pk: Bytes(KemSecretKey::generate(&mut Random).public_key().as_bytes().to_vec()),
    };
    let (kind, zeros) = (CeremonyKind::Form, Hex([0; 32]));
    let members = (1..=3).map(member).collect();
    let (dealers, nonce) = (Vec::new(), Hex([5; 32]));
    let manifest =
        CouncilManifest { v: V1, at: Hour::of(NOW), kind, t: 2, n: 3, members, previous: zeros, dealers, nonce };
    let ceremony = Ceremony::from_payload(&tabir_crypto::json::to_vec(&manifest).unwrap()).unwrap();
    let round1 = |i| (i, Round1::start(&ceremony, i, &mut Random).unwrap().message().to_vec());
    let messages: BTreeMap<_, _> = (1..=3).map(round1).collect();
    let formed = ceremony.formed(&Public::of(&ceremony, &messages).unwrap(), Hour::of(NOW));
    let keys = [official(1), official(2), official(3), identity(Role::Warden), key(20)];
    signed(Verb::CouncilFormed, &formed, &keys)
}

/// The installation. Its secrets are only those that a test may use.
pub struct World {
    pub trust: Arc<Trust>,
    pub view: View,
    pub intake: KemSecretKey,
    /// The governance log's entries.
    pub leaves: Vec<Vec<u8>>,
}

impl World {
    /// With this policy, or with none.
    pub fn new(policy: Option<PolicySet>) -> Self {
        Self::with(policy, |_| ())
    }

    /// The same with another trust root.
    pub fn with(policy: Option<PolicySet>, change: impl FnOnce(&mut TrustRoot)) -> Self {
        let mut root = trust_root();
        change(&mut root);
        let root = signed(Verb::TrustRoot, &root, &auditors());
        let trust = Arc::new(Trust::pinned(&root).unwrap());
        let (intake, warden) = (KemSecretKey::from_seed(intake_seed()), KemSecretKey::generate(&mut Random));
        let mut world = Self { trust, view: View::default(), intake, leaves: Vec::new() };
        world.view.witnessed = NOW;
        world.log(&announced(KeyKind::Token, issuer_key().public().spki(), TOKEN_END));
        world.log(&announced(KeyKind::Intake, world.intake.public_key().as_bytes(), NOW + 400 * DAY));
        world.log(&announced(KeyKind::Warden, warden.public_key().as_bytes(), NOW + 400 * DAY));
        world.log(&council());
        if let Some(policy) = policy {
            world.log(&signed(Verb::PolicySet, &policy, &[identity(Role::Gateway), key(20)]));
        }
        world
    }

    /// Appends to the governance log, witnessed at [`NOW`].
    pub fn log(&mut self, statement: &Statement) {
        self.put(statement).unwrap();
    }

    /// The same for one that readers may refuse.
    pub fn put(&mut self, statement: &Statement) -> tabir_crypto::Result<()> {
        let (index, leaf) = (self.leaves.len() as u64, statement.to_bytes());
        let taken = self.view.take(&self.trust, index, &leaf, NOW);
        self.leaves.push(leaf);
        let checkpoint = self.checkpoint(NOW);
        (self.view.head, self.view.checkpoint) = (checkpoint.head(), Some(checkpoint));
        taken
    }

    /// The checkpoint of all that is logged, cosigned at that time.
    pub fn checkpoint(&self, time: u64) -> CosignedCheckpoint {
        let mut edge = Edge::load(0, |_| Err(Code::Tile.into())).unwrap();
        self.leaves.iter().for_each(|leaf| edge.push(leaf).unwrap());
        let log = self.trust.log(LogName::Governance);
        let signer = NoteSigner::from_seed(log.origin.as_str(), &seed(40)).unwrap();
        let text = Checkpoint { origin: log.origin.as_str().into(), head: edge.head() };
        let mut signed = SignedCheckpoint::sign(text, &signer).unwrap();
        signed.add(Cosigner::from_seed("witness.example", &seed(42)).unwrap().cosign(&signed, time));
        let (_, witnesses) = verifiers(&self.trust, LogName::Governance).unwrap();
        CosignedCheckpoint::check(signed, &witnesses).unwrap()
    }

    /// What a reader of this log gets.
    pub fn growth(&self) -> Growth {
        let checkpoint = self.checkpoint(NOW);
        let entry = |(index, leaf): (u64, &Vec<u8>)| Entry {
            index,
            leaf: leaf.clone(),
            hash: leaf_hash(leaf),
            witnessed_time: NOW,
        };
        let entries = (0..).zip(&self.leaves).map(entry).collect();
        Growth { entries, kept: vec![checkpoint.clone()], checkpoint }
    }

    /// What a role's `start` gets. The process never ends: nobody holds the other side of `stop`.
    pub fn setup(&self, clock: &Clock, peers: Peers) -> Setup {
        Setup {
            trust: Arc::clone(&self.trust),
            clock: clock.clone(),
            client: Client::new(clock.clone()),
            peers,
            ledger: Ledger::fixed(self.view.clone()),
            stop: watch::channel(false).1,
        }
    }

    /// A reporter's session with a gateway.
    pub async fn session(&self, server: &str, clock: &Clock) -> Session {
        let http = Client::new(clock.clone());
        let services = http.get_json(&format!("{server}/v1/services")).await.unwrap();
        let (trust, server, view) = (Arc::clone(&self.trust), server.to_owned(), self.view.clone());
        Session { http, clock: clock.clone(), trust, server, services, view, heads: None }
    }
}

/// A reporter's or an official's session with this server at that time; it reads no log.
pub fn session_with(world: World, server: String, now: u64) -> Session {
    let clock = Clock::manual(now);
    let [issuer, log, council] = [(); 3].map(|()| server.clone());
    let services =
        Services { v: V1, name: text("Test city"), demo: false, issuer, log, council, categories: Vec::new() };
    Session {
        http: Client::new(clock.clone()),
        clock,
        trust: world.trust,
        server,
        services,
        view: world.view,
        heads: None,
    }
}

/// Puts a role's identity key into its folder.
pub fn write_identity(dir: &Path, role: Role) {
    let file = dir.join(tabir::config::keys::IDENTITY);
    let line = format!("{}\n", hex::encode(identity_seed(role).expose()));
    if !file.exists() {
        tabir::config::keys::write_private(&file, line.as_bytes()).unwrap();
    }
}
