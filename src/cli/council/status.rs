//! `tabir council status`: what waits on the board.

use tabir_crypto::json;

use crate::cli::CliError;
use crate::cli::official::KeyArgs;
use crate::client::official::Board;
use crate::clock::Clock;
use crate::http::Client;

/// Arguments of `tabir council status`.
#[derive(clap::Args)]
pub struct Status {
    #[command(flatten)]
    key: KeyArgs,
    /// The board's address
    #[arg(long, value_name = "URL")]
    board: String,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs `tabir council status`.
pub async fn status(args: &Status) -> Result<(), CliError> {
    let file = args.key.open()?;
    let board = Board::new(Client::new(Clock::system()), &args.board, file.signing().clone());
    let all = board.proposals().await?;
    if args.json {
        println!("{}", String::from_utf8_lossy(&json::to_vec(&all)?));
        return Ok(());
    }
    for p in all.proposals {
        let state = if p.complete { "complete" } else { "waits" };
        println!("{}  {:<18} {} signature(s), {state}", hex::encode(p.id.0), p.verb.as_str(), p.signatures);
    }
    Ok(())
}
