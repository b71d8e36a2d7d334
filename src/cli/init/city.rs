//! Making the folders of each party.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use tabir_crypto::ed25519::{SigningKey, VerifyingKey};
use tabir_crypto::log::{Cosigner, NoteSigner};
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::Text;
use tabir_crypto::trust::root::LogName;
use tabir_crypto::{Secret, SecretBytes};

use super::files::{write_json, write_toml};
use super::layout::{self, Ports};
use super::places::Places;
use super::trust::{self, Parties, log_origin};
use super::{Args, Card, Terms, ask, next, places};
use crate::cli::{CliError, make_dir, read, write};
use crate::clock::{Clock, Random};
use crate::config::keys::{IDENTITY, create_seed, write_private};
use crate::config::profile::{Profile, Values, default_categories};
use crate::config::roles::LogWitness;

/// How many auditors a demo has; two of them sign.
const DEMO_AUDITORS: usize = 3;

/// What was made.
pub struct Made {
    /// One configuration file a process.
    pub configs: Vec<(&'static str, PathBuf)>,
    /// The trust root.
    pub trust: PathBuf,
    /// The auditors' key files.
    pub auditors: Vec<PathBuf>,
}

pub(super) fn identity(dir: &Path) -> Result<SigningKey, CliError> {
    // Keys and store of a role stand in it.
    let mut private = DirBuilder::new();
    private.recursive(true).mode(0o700).create(dir).map_err(|e| CliError::File(dir.into(), e))?;
    Ok(SigningKey::from_seed(&create_seed(&dir.join(IDENTITY))?))
}

fn log_keys(dir: &Path, origin: &str) -> Result<[String; 2], CliError> {
    let key = |log: LogName| -> Result<String, CliError> {
        let seed = create_seed(&dir.join(format!("{}.key", log.as_str())))?;
        Ok(NoteSigner::from_seed(&log_origin(origin, log), &seed)?.verifier_key().to_string())
    };
    Ok([key(LogName::Governance)?, key(LogName::Intake)?])
}

pub(super) fn witness(dir: &Path, name: &str) -> Result<Text, CliError> {
    let seed = create_seed(&dir.join("witness.key"))?;
    Ok(Text::new(&Cosigner::from_seed(name, &seed)?.verifier_key().to_string())?)
}

fn api_key(files: [&Path; 2]) -> Result<(), CliError> {
    let key = Secret::new(hex::encode(SecretBytes::<16>::random(&mut Random).expose()));
    for file in files {
        write_private(file, key.expose().as_bytes())?;
    }
    Ok(())
}

/// Every party of a demo, on one machine, signed at once.
pub fn demo(dir: &Path, name: &str, ports: &Ports) -> Result<Made, CliError> {
    const ORIGIN: &str = "demo.tabir.example";
    let mut identities = BTreeMap::new();
    for role in Role::ALL {
        identities.insert(role, identity(&dir.join(role.as_str()))?.verifying_key());
    }
    make_dir(&dir.join("desk"))?;
    make_dir(&dir.join("form"))?;
    api_key([&dir.join("desk/api.key"), &dir.join("forwarder/api.key")])?;
    let logs = log_keys(&dir.join("log"), ORIGIN)?;
    let witnesses = vec![witness(&dir.join("warden"), "warden.demo.tabir.example")?];
    make_dir(&dir.join("auditors"))?;
    let (mut auditors, mut keys) = (Vec::new(), Vec::new());
    for n in 1..=DEMO_AUDITORS {
        let file = dir.join(format!("auditors/auditor-{n}.key"));
        keys.push(SigningKey::from_seed(&create_seed(&file)?));
        auditors.push(file);
    }
    let auditor_keys: Vec<VerifyingKey> = keys.iter().map(SigningKey::verifying_key).collect();
    let parties = Parties { identities, logs, witnesses, auditors: auditor_keys };
    let now = Clock::system().now();
    let mut root = trust::statement(&Terms::DEMO, name, ORIGIN, now, &parties)?;
    for key in &keys {
        root.sign(key);
    }
    let trust = dir.join("trust.json");
    write(&trust, &root.to_bytes())?;
    let mut configs = Vec::new();
    for (role, config) in layout::demo(ports) {
        let file = dir.join(role).join("tabir.toml");
        write_toml(&file, &config)?;
        configs.push((role, file));
    }
    policy(dir, &Profile::Demo.values(), now)?;
    Ok(Made { configs, trust, auditors })
}

fn policy(dir: &Path, values: &Values, now: u64) -> Result<(), CliError> {
    write_json(&dir.join("policy.json"), &values.policy(now, default_categories()?)?)
}

/// The cards of all other parties.
struct Cards {
    /// The outside body's warden.
    warden: VerifyingKey,
    /// Its witness key, then those of others.
    witnesses: Vec<Text>,
    /// Holders of the trust root.
    auditors: Vec<VerifyingKey>,
}

fn cards(args: &Args, terms: &Terms, others: &[LogWitness]) -> Result<Cards, CliError> {
    let cards = args.join.iter().map(|f| Ok(tabir_crypto::json::from_slice::<Card>(&read(f)?)?));
    let cards = cards.collect::<Result<Vec<_>, CliError>>()?;
    let outside: Vec<_> = cards.iter().filter_map(|c| Some((c.warden?, c.witness.clone()?))).collect();
    let [(warden, witness)] = outside.as_slice() else {
        return Err(CliError::Usage(
            "give --join exactly one card of an outside body with its warden's keys (tabir warden init, or tabir init --profile town \
             --part outside), made on its machine, not on yours"
                .into(),
        ));
    };
    let auditors: Vec<_> = cards.iter().filter_map(|card| card.auditor).collect();
    if auditors.len() < 3 {
        return Err(CliError::Usage(
            "three holders of the trust root are needed: give --join cards of three auditors, at most one of them the operator's"
                .into(),
        ));
    }
    let mut witnesses = vec![witness.clone()];
    witnesses.extend(others.iter().map(|w| Text::new(&w.vkey)).collect::<tabir_crypto::Result<Vec<_>>>()?);
    if terms.profile == Profile::City && witnesses.len() < 3 {
        return Err(CliError::Usage(
            "a city has three witnesses or more: beside the outside body's, give --witness two of other bodies (tabir witness init)"
                .into(),
        ));
    }
    let auditors = auditors.iter().map(|key| VerifyingKey::from_bytes(&key.0)).collect::<tabir_crypto::Result<_>>()?;
    Ok(Cards { warden: VerifyingKey::from_bytes(&warden.0)?, witnesses, auditors })
}

/// All that must be known before anything is made.
pub struct Plan {
    cards: Cards,
    places: Places,
    /// Witnesses that the log asks.
    asked: Vec<LogWitness>,
}

impl Plan {
    /// From the flags, or from the person. Errors: cards that are missing, answers that nobody gives.
    pub fn of(args: &Args, terms: &Terms) -> Result<Self, CliError> {
        let others = args.witness.iter().map(|text| log_witness(text)).collect::<Result<Vec<_>, _>>()?;
        let cards = cards(args, terms, &others)?;
        let places = places::of(args, terms.profile)?;
        let asked = others.into_iter().filter(|w| !w.url.is_empty()).collect();
        Ok(Self { cards, places, asked })
    }
}

/// The city's folders and the unsigned trust root, in a folder `dir` that will have another name. Gives what is to be said then.
pub fn city(plan: Plan, terms: &Terms, (will_be, dir): (&Path, &Path)) -> Result<String, CliError> {
    let Plan { cards, places, asked } = plan;
    let processes = match terms.profile {
        Profile::City => layout::city(terms, &places, asked),
        _ => layout::town_city(terms, &places),
    };
    let mut identities = BTreeMap::from([(Role::Warden, cards.warden)]);
    let mut log_keys_of = None;
    for (folder, config) in &processes {
        let folder = dir.join(folder);
        for (name, role_dir) in config.roles.folders() {
            let Some(role) = Role::ALL.into_iter().find(|r| r.as_str() == name) else { continue };
            let role_dir = folder.join(role_dir);
            identities.insert(role, identity(&role_dir)?.verifying_key());
            if role == Role::Log {
                log_keys_of = Some(log_keys(&role_dir, &places.origin)?);
            }
        }
        write_toml(&folder.join("tabir.toml"), config)?;
    }
    let logs = log_keys_of.ok_or_else(|| CliError::Failed("no log".into()))?;
    let holders = cards.auditors.len();
    let parties = Parties { identities, logs, witnesses: cards.witnesses, auditors: cards.auditors };
    let now = Clock::system().now();
    let root = trust::statement(terms, &places.name, &places.origin, now, &parties)?;
    write(&dir.join("trust.json"), &root.to_bytes())?;
    policy(dir, &terms.values(), now)?;
    Ok(next::city(will_be, terms, &processes, holders, now))
}

/// `VKEY` or `VKEY URL`: a witness with an address is asked, one without polls.
fn log_witness(text: &str) -> Result<LogWitness, CliError> {
    let (vkey, url) = text.split_once(' ').unwrap_or((text, ""));
    let url = if url.is_empty() { String::new() } else { ask::address(url.trim()).map_err(CliError::Usage)? };
    Ok(LogWitness { vkey: vkey.to_owned(), url })
}
