//! `tabir facade`: a key for an app, and what is in stock.

use std::path::PathBuf;

use super::CliError;
use crate::config::Config;

/// `tabir facade …`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Make a key for an app, and print it with the lines for the configuration; the key itself is kept nowhere
    #[command(after_help = "Example: tabir facade key --name lapor-app")]
    Key(Key),
    /// Say how many tokens and vouchers are left, and how many reports have no answer of the gateway's yet
    #[command(after_help = "Example: tabir facade status --config facade/tabir.toml")]
    Status(Status),
}

/// Arguments of `tabir facade key`.
#[derive(clap::Args)]
pub struct Key {
    /// Which app, for the operator
    #[arg(long)]
    name: String,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `tabir facade status`.
#[derive(clap::Args)]
pub struct Status {
    /// Configuration of the process that runs the facade
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Key(args) => key(&args),
        Command::Status(args) => return status(&args).await,
    }
    Ok(())
}

fn key(args: &Key) {
    let (key, hash) = crate::facade::app_key();
    let hash = hex::encode(hash);
    if args.json {
        println!("{}", serde_json::json!({"name": args.name, "key": key.expose(), "key_hash": hash}));
        return;
    }
    println!("The app sends as api_key, and keeps secret:\n\n  {}\n", key.expose());
    println!("In the configuration of the facade:\n");
    println!("[[roles.facade.apps]]\nname = {}\nkey_hash = \"{hash}\"", toml::Value::from(args.name.as_str()));
}

async fn status(args: &Status) -> Result<(), CliError> {
    let facade = Config::load(&args.config)?.roles.facade.ok_or_else(|| {
        CliError::Usage("this configuration runs no facade: give --config with the file that has [roles.facade]".into())
    })?;
    let stock = crate::facade::stock(&facade.dir).await?;
    if args.json {
        let (tokens, vouchers, waiting) = (stock.tokens, stock.vouchers, stock.waiting);
        println!("{}", serde_json::json!({"tokens": tokens, "vouchers": vouchers, "waiting": waiting}));
        return Ok(());
    }
    println!(
        "Tokens in stock: {}\nVouchers left: {}\nReports without an answer: {}",
        stock.tokens, stock.vouchers, stock.waiting
    );
    if facade.vouchers_file.is_some() && stock.vouchers == 0 {
        println!("No vouchers are left: make new ones (`tabir voucher mint`) and add them to the file.");
    }
    Ok(())
}
