//! `tabir report`: seals a report on this device and sends it.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use serde_json::json;
use tabir_crypto::content::{IdentityRecord, Latitude, Location, Longitude, Precision};
use tabir_crypto::statement::body::{Category, Release};
use tabir_crypto::statement::value::CodeText;

use super::connect::Connect;
use super::official::ask;
use super::tokens::{Ahead, Pay, token};
use super::{CliError, read};
use crate::client::Session;
use crate::client::consent::Consent;
use crate::client::report::{Draft, seal_as_shown, send};
use crate::client::warnings;
use crate::config::keys::{read_private, write_private};
use crate::words::{self, Language};

/// Arguments of `tabir report`.
#[derive(clap::Args)]
#[command(
    after_help = "Example: echo 'The officer asked for money.' | tabir report --server URL --trust trust.json --category bribery --text -"
)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    /// Category code; `tabir report --list` shows them
    #[arg(long, required_unless_present = "list")]
    category: Option<String>,
    /// File with the text, or - for standard input
    #[arg(long, required_unless_present = "list", value_name = "FILE")]
    text: Option<PathBuf>,
    /// Show the categories and end
    #[arg(long)]
    list: bool,
    /// Language of the text (id if not given), and of what is said about your identity where that is id or en
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<String>,
    /// Place in words
    #[arg(long, default_value = "")]
    place: String,
    /// Latitude in decimal degrees, with --lon
    #[arg(long, requires = "lon", allow_hyphen_values = true)]
    lat: Option<String>,
    /// Longitude in decimal degrees, with --lat
    #[arg(long, requires = "lat", allow_hyphen_values = true)]
    lon: Option<String>,
    /// Leave at once, or shuffled with others (the category's default if not given)
    #[arg(long, value_enum)]
    release: Option<ReleaseArg>,
    /// Your identity, sealed so that two officials and the outside body must agree before anybody reads it: a JSON file, mode 0600
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// What the text says of phone numbers, names and the like is meant to be there, so nothing is asked
    #[arg(long)]
    as_is: bool,
    /// With --identity: who can open it was read and is agreed to, so nothing is asked
    #[arg(long, requires = "identity")]
    yes: bool,
    #[command(flatten)]
    pay: Pay,
    #[command(flatten)]
    ahead: Ahead,
    /// Write the receipt into a new file (mode 0600) instead of showing it
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// `--release`.
#[derive(Clone, Copy, clap::ValueEnum)]
enum ReleaseArg {
    /// At once: faster, and the downstream's clock tells when you wrote
    Urgent,
    /// Shuffled with others: slower, and hides when you wrote
    Batched,
}

/// Runs the command.
pub async fn run(args: Args) -> Result<(), CliError> {
    let session = args.connect.session().await?;
    if args.list {
        for c in &session.services.categories {
            println!("{:<32} {} / {}", c.code.as_str(), c.id.as_str(), c.en.as_str());
        }
        return Ok(());
    }
    let wanted = args.category.clone().unwrap_or_default();
    let known = session.services.categories.iter().find(|c| c.code.as_str() == wanted);
    let category = known
        .ok_or_else(|| CliError::Usage(format!("there is no category {wanted:?}; `tabir report --list` shows them")))?;
    let draft = draft(&args, category)?;
    warn(&args, &draft)?;
    if session.check_fresh().is_err() {
        eprintln!(
            "The outside body's last word is {} hours old; a report without an identity is still taken.",
            session.age() / 3600
        );
    }
    let shown = if draft.identity.is_some() { Some(consent(&args, &session)?) } else { None };
    let token = token(&session, &args.pay, &args.ahead).await?;
    let sealed = seal_as_shown(&session, &draft, shown.as_ref())?;
    // The receipt is safe before the report is sent: an accepted report whose receipt is lost is lost to its author.
    if let Some(file) = &args.receipt {
        write_private(file, format!("{}\n", sealed.receipt.text().expose()).as_bytes())?;
    }
    let accepted = send(&session, &sealed, &token).await?;
    let receipt = args.receipt.is_none().then(|| sealed.receipt.text());
    if args.json {
        let text = receipt.as_ref().map(|r| r.expose().as_str());
        println!(
            "{}",
            json!({"reference": accepted.reference, "receipt": text, "window": accepted.acceptance.w, "deadline": accepted.acceptance.deadline, "council": shown.as_ref().map(|c| &c.fingerprint)})
        );
        return Ok(());
    }
    println!("Accepted: {}", accepted.reference);
    if let Some(text) = receipt {
        println!("\n  {}\n", text.expose());
        println!("Write these nine groups down. They are shown once: nobody can recover the case without them,");
        println!("and whoever has them can read and write as you. Then clear this screen.");
    }
    println!(
        "By {} it must stand in the log that it went on; `tabir follow --prove` checks.",
        accepted.acceptance.deadline
    );
    Ok(())
}

/// The language that is spoken to the reporter.
fn spoken(args: &Args) -> Language {
    match args.language.as_deref() {
        Some("id") => Language::Id,
        Some("en") => Language::En,
        _ => Language::or_environment(None),
    }
}

/// Shows what in the text may give its author away, and asks before anything is paid or sealed. Without a terminal nobody can
/// be asked: then `--as-is` must say that it is meant.
fn warn(args: &Args, draft: &Draft) -> Result<(), CliError> {
    let l = spoken(args);
    let parts = [(l.pick("teks", "text"), draft.text.as_str()), (l.pick("tempat", "place"), args.place.as_str())];
    let said: String = parts.map(|(part, text)| words::warnings(l, part, text, &warnings::find(text))).concat();
    if said.is_empty() {
        return Ok(());
    }
    eprintln!("{}\n{said}", words::warned(l));
    if args.as_is {
        return Ok(());
    }
    let (question, answers) = words::send_as_is(l);
    let instead = l
        .pick("--as-is, jika memang harus begitu, atau teks tanpa itu", "--as-is if it is meant, or a text without it");
    let answer = ask(question, instead)?;
    if answers.iter().any(|a| answer.eq_ignore_ascii_case(a)) {
        return Ok(());
    }
    Err(CliError::Failed(l.pick("tidak ada yang disegel atau dikirim", "nothing was sealed or sent").into()))
}

/// Shows who can open the identity, and asks before anything is paid or sealed. Without a terminal nobody can be asked:
/// then `--yes` must say that it was read.
fn consent(args: &Args, session: &Session) -> Result<Consent, CliError> {
    session.check_fresh()?;
    let consent = Consent::of(session)?;
    let l = spoken(args);
    // Not on standard output, where `--json` has its one line.
    eprintln!("{}", words::consent(l, &consent));
    if args.yes {
        return Ok(consent);
    }
    let (question, answers) = words::confirm(l);
    let answer = ask(question, l.pick("--yes, setelah Anda membaca ini", "--yes, once you have read this"))?;
    if answers.iter().any(|a| answer.eq_ignore_ascii_case(a)) {
        return Ok(consent);
    }
    Err(CliError::Failed(l.pick("tidak ada yang disegel atau dikirim", "nothing was sealed or sent").into()))
}

fn draft(args: &Args, category: &Category) -> Result<Draft, CliError> {
    let text = match args.text.as_deref() {
        Some(path) if path.as_os_str() == "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|e| CliError::Usage(format!("standard input: {e}")))?;
            text
        }
        Some(path) => String::from_utf8(read(path)?).map_err(|_| CliError::Usage("the text is not UTF-8".into()))?,
        None => String::new(),
    };
    let place = match (&args.lat, &args.lon) {
        (Some(lat), Some(lon)) => Some((Latitude::new(lat)?, Longitude::new(lon)?)),
        _ => None,
    };
    let precision = match (&place, args.place.is_empty()) {
        (Some(_), _) => Precision::Point,
        (None, false) => Precision::Ward,
        (None, true) => Precision::None,
    };
    let release = match args.release {
        Some(ReleaseArg::Urgent) => Release::Urgent,
        Some(ReleaseArg::Batched) => Release::Batched,
        None => category.release,
    };
    let identity = args.identity.as_deref().map(|f| -> Result<_, CliError> {
        Ok(tabir_crypto::json::from_slice::<IdentityRecord>(read_private(f)?.as_bytes())?)
    });
    Ok(Draft {
        category: category.code.clone(),
        text: text.trim_end().to_owned(),
        language: CodeText::new(args.language.as_deref().unwrap_or("id"))?,
        location: Location::new(precision, place, args.place.clone())?,
        attributes: BTreeMap::new(),
        release,
        identity: identity.transpose()?,
    })
}
