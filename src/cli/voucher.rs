//! `tabir voucher mint`: prints one-use codes that buy a token each. Works on the issuer's own store, also while it runs.

use std::path::PathBuf;

use super::CliError;
use crate::config::Config;
use crate::issuer::attester_voucher::VoucherCode;
use crate::issuer::error::StartError;

/// Arguments of `tabir voucher`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make codes and print them, one a line; only their hashes are kept, so they can't be shown again
    #[command(after_help = "Example: tabir voucher mint --count 50 --config issuer/tabir.toml > vouchers.txt")]
    Mint(Mint),
}

#[derive(clap::Args)]
struct Mint {
    /// How many
    #[arg(long)]
    count: u32,
    /// Configuration of the process that runs the issuer
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
    /// Print `{"v":1,"vouchers":["…"]}`
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: Args) -> Result<(), CliError> {
    let Command::Mint(mint) = args.command;
    let issuer = Config::load(&mint.config)?.roles.issuer.ok_or_else(|| {
        CliError::Usage("this configuration runs no issuer: give --config with the file that has [roles.issuer]".into())
    })?;
    let codes = crate::issuer::mint(&issuer, mint.count).await.map_err(|error| match error {
        StartError::Count(_) => CliError::Usage(error.to_string()),
        other => CliError::Failed(other.to_string()),
    })?;
    print!("{}", printed(&codes, mint.json));
    Ok(())
}

fn printed(codes: &[VoucherCode], json: bool) -> String {
    let codes: Vec<String> = codes.iter().map(VoucherCode::text).collect();
    if json { format!("{}\n", serde_json::json!({ "v": 1, "vouchers": codes })) } else { codes.join("\n") + "\n" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Random;

    #[test]
    fn codes_come_one_a_line_or_as_json() {
        let codes = [VoucherCode::random(&mut Random), VoucherCode::random(&mut Random)];
        let lines = printed(&codes, false);
        let read: Vec<_> = lines.lines().map(|l| VoucherCode::parse(l).unwrap()).collect();
        assert_eq!(read, codes);
        let json: serde_json::Value = serde_json::from_str(&printed(&codes, true)).unwrap();
        assert_eq!(json["vouchers"][1], codes[1].text());
    }
}
