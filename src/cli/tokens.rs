//! `tabir tokens`: fetches tokens ahead of time; and how `tabir report` and `tabir follow` get the one that they spend.

use std::path::PathBuf;
use std::time::Duration;

use tabir_crypto::token::Token;

use super::CliError;
use super::connect::Connect;
use crate::client::Session;
use crate::client::token_file::{TokenFile, TokenFileError};
use crate::client::token_pool::Taken;
use crate::client::tokens::{self, Attestation};
use crate::config::keys::read_private;
use crate::words::Language;

/// Arguments of `tabir tokens`.
#[derive(clap::Args)]
#[command(after_help = "Example: tabir tokens --server URL --trust trust.json --tokens tokens.json")]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    pay: Pay,
    /// The file to put them into, made if it is not there (mode 0600); whoever finds it sees that you were going to report
    #[arg(long, value_name = "FILE")]
    tokens: PathBuf,
    /// Print `{"v":1,"tokens":8}`
    #[arg(long)]
    json: bool,
}

/// What pays.
#[derive(clap::Args)]
pub struct Pay {
    /// Pay with a voucher in this file (mode 0600) instead of a puzzle
    #[arg(long, value_name = "FILE")]
    voucher: Option<PathBuf>,
    /// Pay with your login of the city's app: a file (mode 0600) with the JWT that it gave you for this
    #[arg(long, value_name = "FILE", conflicts_with = "voucher")]
    account: Option<PathBuf>,
}

/// Tokens that were fetched ahead.
#[derive(clap::Args)]
pub struct Ahead {
    /// Use a token of this file; if there is none, a batch is bought, and the first use waits up to ten minutes
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// With --tokens: do not wait; who sees both issuer and gateway may match purchase and use by their time
    #[arg(long, requires = "tokens")]
    no_wait: bool,
}

impl From<TokenFileError> for CliError {
    fn from(error: TokenFileError) -> Self {
        match error {
            TokenFileError::File(e) => e.into(),
            TokenFileError::Client(e) => e.into(),
        }
    }
}

impl Pay {
    fn attestation(&self) -> Result<Attestation, CliError> {
        let text = |file: &PathBuf| Ok::<_, CliError>(read_private(file)?.trim().to_owned());
        Ok(match (&self.voucher, &self.account) {
            (Some(file), _) => Attestation::Voucher(text(file)?),
            (None, Some(file)) => Attestation::Account(text(file)?),
            (None, None) => Attestation::Puzzle,
        })
    }
}

/// A token to spend now: of the file, or bought for this one use.
pub async fn token(session: &Session, pay: &Pay, ahead: &Ahead) -> Result<Token, CliError> {
    let Some(path) = &ahead.tokens else {
        return Ok(tokens::fetch(session, &pay.attestation()?).await?);
    };
    let mut file = TokenFile::open(path)?;
    loop {
        if ahead.no_wait {
            file.no_wait(session)?;
        }
        match file.take(session)? {
            Taken::Token(token) => return Ok(*token),
            Taken::Empty => file.buy(session, &pay.attestation()?).await?,
            Taken::Wait(seconds) => {
                let l = Language::or_environment(None);
                eprintln!(
                    "{}",
                    l.pick(
                        format!("Menunggu {seconds} detik, supaya waktu mengambil dan memakai token tidak bisa dicocokkan (--no-wait: langsung)."),
                        format!("Waiting {seconds} seconds, so that fetching and using a token can't be matched by time (--no-wait: at once)."),
                    )
                );
                tokio::time::sleep(Duration::from_secs(seconds)).await;
            }
        }
    }
}

/// Runs the command.
pub async fn run(args: Args) -> Result<(), CliError> {
    let session = args.connect.session().await?;
    let mut file = TokenFile::open(&args.tokens)?;
    file.buy(&session, &args.pay.attestation()?).await?;
    if args.json {
        println!("{}", serde_json::json!({ "v": 1, "tokens": file.len() }));
    } else {
        println!("{} tokens are ready. Use them with --tokens; each pays for one report or message.", file.len());
    }
    Ok(())
}
