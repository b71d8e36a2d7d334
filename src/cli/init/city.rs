//! Making the folders of each party.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tabir_crypto::ed25519::{SigningKey, VerifyingKey};
use tabir_crypto::log::{Cosigner, NoteSigner};
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::Text;
use tabir_crypto::trust::root::LogName;
use tabir_crypto::{Secret, SecretBytes};

use super::files::{write_json, write_toml};
use super::layout::{self, Ports};
use super::trust::{self, Parties, log_origin};
use super::{Args, Card};
use crate::cli::{CliError, make_dir, read, write};
use crate::clock::{Clock, Random};
use crate::config::keys::{IDENTITY, create_seed, write_private};
use crate::config::profile::{Profile, default_categories};

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
    make_dir(dir)?;
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
    let mut root = trust::statement(Profile::Demo, name, ORIGIN, now, &parties)?;
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
    policy(dir, Profile::Demo, now)?;
    Ok(Made { configs, trust, auditors })
}

fn policy(dir: &Path, profile: Profile, now: u64) -> Result<(), CliError> {
    write_json(&dir.join("policy.json"), &profile.policy(now, default_categories()?)?)
}

/// The city's folders and the unsigned trust root, from the cards of all other parties.
pub fn town(args: &Args) -> Result<(), CliError> {
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
    let holders: Vec<_> = cards.iter().filter_map(|card| card.auditor).collect();
    if holders.len() < 3 {
        return Err(CliError::Usage(
            "a town needs three holders of the trust root: give --join cards of three auditors, at most one of them the operator's"
                .into(),
        ));
    }
    let dir = &args.dir;
    let mut identities = BTreeMap::from([(Role::Warden, VerifyingKey::from_bytes(&warden.0)?)]);
    for role in [Role::Issuer, Role::Gateway, Role::Council, Role::Log] {
        identities.insert(role, identity(&dir.join("outer").join(role.as_str()))?.verifying_key());
    }
    identities.insert(Role::Forwarder, identity(&dir.join("inner/forwarder"))?.verifying_key());
    let logs = log_keys(&dir.join("outer/log"), &args.origin)?;
    let auditors = holders.iter().map(|key| VerifyingKey::from_bytes(&key.0)).collect::<tabir_crypto::Result<_>>()?;
    let parties = Parties { identities, logs, witnesses: vec![witness.clone()], auditors };
    let now = Clock::system().now();
    let root = trust::statement(Profile::Town, &args.name, &args.origin, now, &parties)?;
    write(&dir.join("trust.json"), &root.to_bytes())?;
    for (folder, config) in layout::town_city() {
        write_toml(&dir.join(folder).join("tabir.toml"), &config)?;
    }
    policy(dir, Profile::Town, now)?;
    let delay = Profile::Town.values().activation.council / 3600;
    println!("Made {}. Nothing runs before two of the {} auditors signed:", dir.display(), holders.len());
    println!("  1. each auditor: tabir sign {}/trust.json --key auditor.key", dir.display());
    println!("  2. write the complaint system's address and key into inner/tabir.toml and inner/api.key");
    println!("  3. tabir serve --config outer/tabir.toml; inner likewise; the outside body likewise");
    println!("  4. the council's ceremony: tabir council --help");
    println!("Reports can begin {delay} hours after council, warden, intake and token keys are in the log.");
    Ok(())
}
