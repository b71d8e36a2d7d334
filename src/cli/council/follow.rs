//! `tabir council refresh`, `reshare`, `remove` and `rotate`: manifests for a council that exists.

use std::path::PathBuf;

use tabir_crypto::json;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::body::CeremonyKind;
use tabir_crypto::threshold::Council;
use tabir_crypto::trust::state::LoggedCouncil;

use super::ceremony::say_manifest;
use crate::cli::connect::Connect;
use crate::cli::{CliError, read, write};
use crate::client::Session;
use crate::client::official::manifest::{self, cards_of};
use crate::client::official::{Card, OfficialError};

/// Which council, and where the manifest goes.
#[derive(clap::Args)]
pub struct Which {
    #[command(flatten)]
    connect: Connect,
    /// Which council: the first words of its fingerprint, or its id; without it the one that new reports are sealed to
    #[arg(long, value_name = "WORDS")]
    council: Option<String>,
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Arguments of `tabir council refresh`.
#[derive(clap::Args)]
pub struct Refresh {
    #[command(flatten)]
    which: Which,
    /// Who deals, by index; without it the first ones, as many as must agree
    #[arg(long, value_name = "INDEX", value_delimiter = ',')]
    dealers: Option<Vec<u16>>,
}

/// Arguments of `tabir council reshare`.
#[derive(clap::Args)]
pub struct Reshare {
    #[command(flatten)]
    which: Which,
    /// Who stays, by index; without it all
    #[arg(long, value_name = "INDEX", value_delimiter = ',')]
    keep: Option<Vec<u16>>,
    /// How many must agree from now on; without it as many as before
    #[arg(long)]
    threshold: Option<u16>,
    /// Who deals, by index in the council before; without it those who stay first, as many as must agree
    #[arg(long, value_name = "INDEX", value_delimiter = ',')]
    dealers: Option<Vec<u16>>,
    /// Cards of those who come
    cards: Vec<PathBuf>,
}

/// Arguments of `tabir council remove`.
#[derive(clap::Args)]
pub struct Remove {
    #[command(flatten)]
    which: Which,
    /// Who goes, by index
    #[arg(long, value_name = "INDEX", value_delimiter = ',', required = true)]
    member: Vec<u16>,
    /// How many must agree from now on; without it as many as before
    #[arg(long)]
    threshold: Option<u16>,
    /// Who deals, by index in the council before; without it those who stay first, as many as must agree
    #[arg(long, value_name = "INDEX", value_delimiter = ',')]
    dealers: Option<Vec<u16>>,
    /// Cards of those who come instead
    cards: Vec<PathBuf>,
}

/// Arguments of `tabir council rotate`.
#[derive(clap::Args)]
pub struct Rotate {
    #[command(flatten)]
    which: Which,
}

/// The council of the log that somebody means. Error: usage, when none or several fit.
pub fn council<'a>(session: &'a Session, words: Option<&str>) -> Result<&'a LoggedCouncil, CliError> {
    let state = &session.view.state;
    let Some(words) = words else {
        return state
            .active_council(&session.trust, session.now())
            .map_err(|_| CliError::Usage("no council counts now: say which one with --council".into()));
    };
    let wanted: String = words.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let fits = |c: &Council| {
        let fingerprint: String = c.fingerprint().chars().filter(char::is_ascii_alphanumeric).collect();
        fingerprint.starts_with(&wanted) || hex::encode(c.council_id()).starts_with(&wanted)
    };
    let is_current = |c: &&LoggedCouncil| {
        state.current(c.council.lineage()).is_some_and(|now| now.council.council_id() == c.council.council_id())
    };
    let mut found = state.councils().filter(is_current).filter(|c| wanted.len() >= 4 && fits(&c.council));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => {
            Err(CliError::Usage("no current council of the log is called so; `tabir council status` shows them".into()))
        }
        _ => Err(CliError::Usage("several councils begin like this: give more words".into())),
    }
}

fn newcomers(paths: &[PathBuf]) -> Result<Vec<Card>, CliError> {
    let card = |path: &PathBuf| -> Result<Card, CliError> {
        json::from_slice(&read(path)?).map_err(|e| CliError::Failed(format!("{}: {e}", path.display())))
    };
    paths.iter().map(card).collect()
}

/// Cards of the members whom `stays` keeps, by index. Error: `Refused` for an index that the council does not have.
fn staying(council: &Council, named: &[u16], stays: impl Fn(u16) -> bool) -> Result<Vec<Card>, CliError> {
    if let Some(wrong) = named.iter().find(|i| council.member(**i).is_err()) {
        return Err(CliError::Usage(format!("the council has no official {wrong}: it has 1 to {}", council.n())));
    }
    let cards = cards_of(council)?;
    Ok((1..).zip(cards).filter(|(index, _)| stays(*index)).map(|(_, card)| card).collect())
}

impl Which {
    async fn follow(
        &self,
        kind: CeremonyKind,
        people: impl FnOnce(&Council) -> Result<Vec<Card>, CliError>,
        (threshold, dealers): (Option<u16>, Option<Vec<u16>>),
    ) -> Result<(), CliError> {
        let session = self.connect.session().await?;
        let old = &council(&session, self.council.as_deref())?.council;
        let cards = people(old)?;
        let t = threshold.unwrap_or(old.t());
        let statement = manifest::follow(old, kind, (&cards, t), dealers, &session.clock).map_err(too_few)?;
        println!("From {} ({} of {}) to {t} of {}.", old.fingerprint(), old.t(), old.n(), cards.len());
        self.written(&statement, &cards)?;
        say_others(&session, old, kind);
        Ok(())
    }

    fn written(&self, statement: &Statement, cards: &[Card]) -> Result<(), CliError> {
        write(&self.out, &statement.to_bytes())?;
        say_manifest(&self.out, statement, cards);
        println!(
            "Next: the board's operator runs `tabir council admit`; then all who take part run `tabir council finish`."
        );
        Ok(())
    }
}

/// A manifest with impossible numbers, in words.
fn too_few(error: OfficialError) -> CliError {
    match error.code() {
        Some(tabir_crypto::Code::Threshold) => CliError::Usage(
            "at least two must agree, and no more can agree than there are: change --threshold or who stays".into(),
        ),
        _ => error.into(),
    }
}

/// Older keys of the same people are not touched: whoever leaves keeps shares of those.
fn say_others(session: &Session, old: &Council, kind: CeremonyKind) {
    if kind == CeremonyKind::Refresh {
        return;
    }
    let state = &session.view.state;
    let others = state.councils().filter(|c| {
        let current = state.current(c.council.lineage()).is_some_and(|now| now.entry == c.entry);
        let shared = c.council.members().iter().any(|m| old.member_by_key(&m.ed_vk).is_some());
        current && shared && !c.given_up && c.council.lineage() != old.lineage()
    });
    for other in others {
        println!(
            "! The same people hold another key, {}, for reports that were sealed to it: reshare that one too \
             (--council).",
            other.council.fingerprint()
        );
    }
}

/// Runs `tabir council refresh`.
pub async fn refresh(args: Refresh) -> Result<(), CliError> {
    let all = |council: &Council| staying(council, &[], |_| true);
    args.which.follow(CeremonyKind::Refresh, all, (None, args.dealers)).await
}

/// Runs `tabir council reshare`.
pub async fn reshare(args: Reshare) -> Result<(), CliError> {
    let people = |council: &Council| {
        let keep = args.keep.as_deref();
        let stay = staying(council, keep.unwrap_or_default(), |i| keep.is_none_or(|keep| keep.contains(&i)))?;
        Ok([stay, newcomers(&args.cards)?].concat())
    };
    args.which.follow(CeremonyKind::Reshare, people, (args.threshold, args.dealers)).await
}

/// Runs `tabir council remove`.
pub async fn remove(args: Remove) -> Result<(), CliError> {
    let people = |council: &Council| {
        let stay = staying(council, &args.member, |i| !args.member.contains(&i))?;
        Ok([stay, newcomers(&args.cards)?].concat())
    };
    args.which.follow(CeremonyKind::Remove, people, (args.threshold, args.dealers)).await
}

/// Runs `tabir council rotate`.
pub async fn rotate(args: Rotate) -> Result<(), CliError> {
    let session = args.which.connect.session().await?;
    let old = &council(&session, args.which.council.as_deref())?.council;
    let cards = cards_of(old)?;
    let statement = manifest::build(&cards, old.t(), &session.clock)?;
    println!(
        "A new key for new reports, held by the people of {}. The old key stays for old reports.",
        old.fingerprint()
    );
    args.which.written(&statement, &cards)
}
