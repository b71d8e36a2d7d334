//! `tabir init`: folders, keys, configuration and the first trust root.
//!
//! ```text
//! demo   one command makes every party's folder; everything is signed at once and marked as a demo
//! town   outside body, auditors:  tabir init --profile town --part outside|auditor DIR     → DIR/card.json
//!        the city:                tabir init --profile town DIR --join CARD --join CARD …  → DIR/trust.json, unsigned
//!        each auditor:            tabir sign DIR/trust.json --key auditor.key
//! ```
//! An outside body whose warden is a machine of its own makes that machine's folder there (`tabir warden init`), which prints a
//! card too. Nobody's private key is made on another party's machine, but in the demo.

mod city;
pub mod files;
pub mod layout;
mod outside;
mod trust;

use std::path::PathBuf;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tabir_crypto::statement::value::{Hex32, Text, V1};

use super::CliError;
use crate::config::profile::Profile;

pub use city::demo;
pub use outside::{Warden, make_warden};

/// Arguments of `tabir init`.
#[derive(clap::Args)]
#[command(after_help = "Example: tabir init --profile demo ./tabir-demo\n         \
                        tabir init --profile town ./city --origin lapor.kota.example --join body.json --join dpo.json --join third.json")]
pub struct Args {
    /// Which deployment
    #[arg(long, value_enum)]
    profile: Profile,
    /// Whose part of it (town only)
    #[arg(long, value_enum, default_value = "city")]
    part: Part,
    /// Folder to make; it must not exist or be empty
    dir: PathBuf,
    /// Public keys of another party: the card.json that its `tabir init` made
    #[arg(long = "join", value_name = "FILE")]
    join: Vec<PathBuf>,
    /// Name of the installation, for people
    #[arg(long, default_value = "Tabir")]
    name: String,
    /// Name that tokens and logs carry for ever, whatever the address
    #[arg(long, default_value = "tabir.example")]
    origin: String,
}

/// Whose folder is made.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub enum Part {
    /// Outer and inner network of the city
    City,
    /// The outside body: warden, witness and its auditor
    Outside,
    /// Another holder of the trust root
    Auditor,
}

/// A party's public keys, to be carried to the city by hand.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Version 1.
    pub v: V1,
    /// The party, for people.
    pub name: Text,
    /// Its auditor's key; a warden's machine has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auditor: Option<Hex32>,
    /// The warden's identity, from the outside body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warden: Option<Hex32>,
    /// The warden's witness key, C2SP verifier key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Text>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
    files::fresh_folder(&args.dir)?;
    match (args.profile, args.part) {
        (Profile::Demo, Part::City) => {
            let made = city::demo(&args.dir, &args.name, &layout::Ports::fixed())?;
            println!(
                "Made {}: {} folders, a signed trust root. For tries only.",
                args.dir.display(),
                made.configs.len()
            );
            println!(
                "Next: tabir serve --config {}/log/tabir.toml, and each other folder likewise.",
                args.dir.display()
            );
            Ok(())
        }
        (Profile::Demo, _) => Err(CliError::Usage("a demo has one part: leave --part out".into())),
        (Profile::Town, Part::City) => city::town(args),
        (Profile::Town, part) => outside::party(&args.dir, &args.name, part),
    }
}
