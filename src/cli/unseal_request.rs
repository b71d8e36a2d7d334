//! `tabir unseal request`: what an official states when he asks, and what of it becomes public.

use std::path::PathBuf;

use tabir_crypto::statement::value::Second;

use super::CliError;
use super::official::typed_reference;
use super::unseal::{Common, Desk};
use crate::client::official::request::{Ask, request};
use crate::config::keys::read_private;

/// Arguments of `tabir unseal request`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// The case
    #[arg(long, value_name = "REFERENCE")]
    case: String,
    /// Code of the legal basis, which becomes public
    #[arg(long, value_name = "CODE")]
    basis: String,
    /// Code of the reason, which becomes public
    #[arg(long, value_name = "CODE")]
    reason: String,
    /// Why, in words, for the officials and the outside body only
    #[arg(long, value_name = "TEXT", conflicts_with = "words_file", required_unless_present = "words_file")]
    words: Option<String>,
    /// The same from a file of mode 0600, which no list of processes shows
    #[arg(long, value_name = "FILE")]
    words_file: Option<PathBuf>,
    /// What the report is about, as you know it from the complaint system; for the officials and the outside body only
    #[arg(long, value_name = "CODE")]
    category: Option<String>,
    /// Leave out an official whom the case may concern; repeat for others
    #[arg(long, value_name = "INDEX=CODE", value_parser = recusal)]
    recuse: Vec<(u16, String)>,
    /// Tell the reporter only then, such as 2027-01-31T00:00:00Z, where the law demands it; the date becomes public
    #[arg(long, value_name = "TIME", requires = "deferral", value_parser = time)]
    defer_until: Option<Second>,
    /// Code of why the reporter is told later, which becomes public
    #[arg(long, value_name = "CODE", requires = "defer_until")]
    deferral: Option<String>,
    /// The case's reference again, instead of typing it
    #[arg(long, value_name = "REFERENCE")]
    confirm: Option<String>,
}

fn recusal(text: &str) -> Result<(u16, String), String> {
    let (index, code) = text.split_once('=').ok_or("INDEX=CODE, such as 3=concerned")?;
    Ok((index.parse().map_err(|_| "an official's number before the =")?, code.to_owned()))
}

fn time(text: &str) -> Result<Second, String> {
    Second::parse(text).map_err(|_| "a time in UTC to the second, such as 2027-01-31T00:00:00Z".into())
}

/// Asks.
pub(super) async fn run(args: &Args) -> Result<(), CliError> {
    let words = match (&args.words, &args.words_file) {
        (Some(words), _) => words.clone(),
        (None, Some(file)) => read_private(file)?.trim_end().to_owned(),
        (None, None) => return Err(CliError::Usage("give --words TEXT or --words-file FILE".into())),
    };
    let Desk { mut session, board, file } = args.common.start().await?;
    let mut what = format!(
        "You ask to open the identity of case {}. Legal basis, reason and your number become public for good.",
        args.case
    );
    if let Some(until) = args.defer_until {
        what += &format!(
            " The reporter is told at {until} only: by the outside body, whatever becomes of the request. That this was \
             put off, until when and by which code is public too."
        );
    }
    if typed_reference(&what, args.confirm.as_deref())? != args.case {
        return Err(CliError::Failed("you typed another case: nothing was signed".into()));
    }
    let ask = Ask {
        reference: args.case.clone(),
        legal_basis: args.basis.clone(),
        reason: args.reason.clone(),
        words,
        category: args.category.clone(),
        recused: args.recuse.clone(),
        deferral: args.defer_until.zip(args.deferral.clone()),
    };
    let hash = request(&mut session, &board, &file, &ask, &mut args.common.patience()).await?;
    args.common.say(&hash, "requested", "The others see it with `tabir unseal list`; you approve too, like everybody.");
    Ok(())
}
