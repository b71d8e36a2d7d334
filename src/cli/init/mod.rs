//! `tabir init`: folders, keys, configuration and the first trust root.
//!
//! ```text
//! demo        one command makes every party's folder; everything is signed at once and marked as a demo
//! town, city  outside body, auditors:  tabir init --profile town --part outside|auditor DIR     → DIR/card.json
//!             the city:                tabir init --profile town DIR --join CARD --join CARD …  → DIR/trust.json, unsigned
//!             each auditor:            tabir sign DIR/trust.json --key auditor.key
//! ```
//! An outside body whose warden is a machine of its own makes that machine's folder there (`tabir warden init`), which prints a
//! card too. Nobody's private key is made on another party's machine, but in the demo.
//!
//! What no flag says is asked, on a terminal, before anything is written. Everything is made in a folder beside the wanted
//! one, which gets its name at the very end: whoever stops before that, or makes a mistake, has changed nothing.

mod ask;
mod city;
pub mod files;
pub mod layout;
mod next;
mod outside;
mod places;
mod trust;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tabir_crypto::statement::value::{Hex32, Text, V1};

use super::CliError;
use crate::config::profile::{Profile, Values};
use ask::{Question, answer};

pub use city::demo;
pub use outside::{Warden, make_warden};
pub use places::both;

/// Arguments of `tabir init`.
#[derive(clap::Args)]
#[command(after_help = "Example: tabir init --profile demo ./tabir-demo\n         \
                        tabir init --profile town ./city --origin lapor.kota.example --join body.json --join dpo.json --join third.json")]
pub struct Args {
    /// Which deployment
    #[arg(long, value_enum)]
    profile: Option<Profile>,
    /// Whose part of it (not for a demo)
    #[arg(long, value_enum)]
    part: Option<Part>,
    /// Folder to make; it must not exist or be empty
    dir: Option<PathBuf>,
    /// Public keys of another party: the card.json that its `tabir init` made
    #[arg(long = "join", value_name = "FILE")]
    join: Vec<PathBuf>,
    /// A witness of another body: the key that its `tabir witness init` printed, and its address if it has one
    #[arg(long, value_name = "VKEY [URL]")]
    witness: Vec<String>,
    /// Name of the installation, or of the party, for people
    #[arg(long)]
    name: Option<String>,
    /// Name that tokens and logs carry for ever, whatever the address
    #[arg(long, value_parser = ask::host)]
    origin: Option<String>,
    /// The city's address for everybody, such as https://lapor.kota.example
    #[arg(long, value_name = "URL", value_parser = ask::base)]
    public: Option<String>,
    /// The city's address for signed calls of the inner network and the outside body
    #[arg(long, value_name = "URL", value_parser = ask::base)]
    internal: Option<String>,
    /// One address alone, by its key in [peers]
    #[arg(long, value_name = "KEY=URL")]
    address: Vec<String>,
    /// The complaint system: its GeoReport v2 address
    #[arg(long, value_name = "URL", value_parser = ask::address)]
    downstream: Option<String>,
    /// A rehearsal: the same parties and steps with delays of seconds, marked as a demo for ever
    #[arg(long, env = "TABIR_REHEARSAL")]
    rehearsal: bool,
}

impl Args {
    /// The folder that is to be made.
    fn folder(&self) -> Result<PathBuf, CliError> {
        self.dir.clone().ok_or_else(|| CliError::Usage("name the folder to make".into()))
    }
}

/// Which values an installation gets.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The profile.
    pub profile: Profile,
    /// With the delays of a demo.
    pub rehearsal: bool,
}

impl Terms {
    /// A demo.
    pub const DEMO: Self = Self { profile: Profile::Demo, rehearsal: false };

    /// Delays and intervals.
    #[must_use]
    pub const fn values(&self) -> Values {
        if self.rehearsal { Values::REHEARSAL } else { self.profile.values() }
    }

    /// Whether the trust root is marked: nothing that is reported there is protected.
    #[must_use]
    pub fn demo(&self) -> bool {
        self.rehearsal || self.profile == Profile::Demo
    }
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
pub fn run(mut args: Args) -> Result<(), CliError> {
    let choice = |v: &str, all: &[&str]| format!("{v}: choose one of {}", all.join(", "));
    let profile = Question {
        flag: "--profile",
        ask: "Which deployment: demo, town or city?",
        why: "A town is the smallest honest one, with two hosts of the city's and one of an outside body; a city has a host \
              a role and several witnesses; a demo protects nobody.",
        default: ask::somebody().then_some("town"),
    };
    let read = |v: &str| Profile::from_str(v, true).map_err(|_| choice(v, &["demo", "town", "city"]));
    let terms = Terms { profile: answer(args.profile, &profile, read)?, rehearsal: args.rehearsal };
    let part = if terms.profile == Profile::Demo {
        args.part.unwrap_or(Part::City)
    } else {
        let part = Question {
            flag: "--part",
            ask: "Whose part do you make: city, outside or auditor?",
            why: "Each party makes its own keys on its own machine; only cards with public keys travel.",
            default: Some("city"),
        };
        answer(args.part, &part, |v| Part::from_str(v, true).map_err(|_| choice(v, &["city", "outside", "auditor"])))?
    };
    let dir = Question {
        flag: "DIR",
        ask: "In which new folder?",
        why: "Keys are made there, so it must not exist yet, or be empty.",
        default: None,
    };
    let dir = answer(args.dir.clone(), &dir, |v| Ok(PathBuf::from(v)))?;
    args.dir = Some(dir.clone());
    files::must_be_free(&dir)?;
    if terms.profile != Profile::Demo && part == Part::City && args.join.is_empty() {
        let cards = Question {
            flag: "--join",
            ask: "Where are the other parties' cards? One line, with spaces between the files.",
            why: "The trust root names their keys: the outside body's warden and three auditors, at most one of them yours.",
            default: (!ask::somebody()).then_some(""),
        };
        args.join = answer(None, &cards, |v| Ok(v.split_whitespace().map(PathBuf::from).collect()))?;
    }
    match (terms.profile, part) {
        (Profile::Demo, Part::City) => files::made_whole(&dir, |made| demo_of(&args, made)),
        (Profile::Demo, _) => Err(CliError::Usage("a demo has one part: leave --part out".into())),
        (_, Part::City) => {
            let plan = city::Plan::of(&args, &terms)?;
            files::made_whole(&dir, |made| city::city(plan, &terms, (&dir, made)))
        }
        (_, part) => {
            let party = outside::Party::of(&args, part)?;
            files::made_whole(&dir, |made| outside::party(&party, &terms, (&dir, made)))
        }
    }
}

fn demo_of(args: &Args, made: &Path) -> Result<String, CliError> {
    let name = args.name.as_deref().unwrap_or("Tabir");
    let configs = city::demo(made, name, &layout::Ports::fixed())?.configs.len();
    let dir = args.folder()?;
    Ok(format!(
        "Made {0}: {configs} folders, a signed trust root. For tries only.\n\
         Next: tabir serve --config {0}/log/tabir.toml, and each other folder likewise.",
        dir.display()
    ))
}
