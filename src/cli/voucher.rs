//! `tabir voucher`: one-use codes that buy a batch of tokens each. Works on the issuer's own store, also while it runs.

use std::path::PathBuf;

use comfy_table::{Table, presets};
use serde_json::json;
use tabir_crypto::statement::value::Second;

use super::CliError;
use super::voucher_sheet::Sheet;
use crate::clock::Clock;
use crate::config::keys::write_private;
use crate::config::{Config, roles};
use crate::issuer::attester_voucher::VoucherCode;
use crate::issuer::batches::{self, Listed, SMALLEST_COUNTED};
use crate::issuer::error::StartError;

/// Arguments of `tabir voucher`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make codes without an end and print them, one a line; only their hashes are kept, so they can't be shown again
    #[command(after_help = "Example: tabir voucher mint --count 50 --config issuer/tabir.toml > vouchers.txt")]
    Mint(Mint),
    /// Make a sheet of codes for one desk, which end together and can be revoked together
    #[command(
        after_help = "Example: tabir voucher batch --desk 'Balai Kota' --count 50 --days 90 --format html --out sheet.html"
    )]
    Batch(Batch),
    /// Show the batches, with counts that are rounded so that they tell of nobody
    List(List),
    /// Revoke a batch: its unused codes buy nothing any more
    #[command(after_help = "Example: tabir voucher revoke 3 --config issuer/tabir.toml")]
    Revoke(Revoke),
}

#[derive(clap::Args)]
struct Issuer {
    /// Configuration of the process that runs the issuer
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
}

#[derive(clap::Args)]
struct Mint {
    /// How many
    #[arg(long)]
    count: u32,
    #[command(flatten)]
    issuer: Issuer,
    /// Print `{"v":1,"vouchers":["…"]}`
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Batch {
    /// What you call the desk: up to 64 characters, kept with the batch
    #[arg(long)]
    desk: String,
    /// How many codes
    #[arg(long)]
    count: u32,
    /// How long they can be used
    #[arg(long, default_value_t = 90)]
    days: u64,
    /// The gateway's address for people, to stand on each slip
    #[arg(long)]
    url: Option<String>,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// A new file for it (mode 0600) instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    issuer: Issuer,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// Slips in plain text
    Text,
    /// A page to print
    Html,
    /// `{"v":1,"batch":3,"until":"…","vouchers":["…"]}`
    Json,
}

#[derive(clap::Args)]
struct List {
    #[command(flatten)]
    issuer: Issuer,
    /// Print `{"v":1,"batches":[…]}`
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Revoke {
    /// The batch's number, as `tabir voucher list` shows it
    batch: u64,
    #[command(flatten)]
    issuer: Issuer,
}

impl Issuer {
    fn load(&self) -> Result<roles::Issuer, CliError> {
        Config::load(&self.config)?.roles.issuer.ok_or_else(|| {
            CliError::Usage(
                "this configuration runs no issuer: give --config with the file that has [roles.issuer]".into(),
            )
        })
    }
}

fn failed(error: StartError) -> CliError {
    match error {
        StartError::Count(_) | StartError::Desk(_) | StartError::Days(_) => CliError::Usage(error.to_string()),
        other => CliError::Failed(other.to_string()),
    }
}

/// Runs the command.
pub async fn run(args: Args) -> Result<(), CliError> {
    match args.command {
        Command::Mint(mint) => {
            let codes = crate::issuer::mint(&mint.issuer.load()?, mint.count).await.map_err(failed)?;
            print!("{}", printed(&codes, mint.json));
        }
        Command::Batch(batch) => make(batch).await?,
        Command::List(list) => {
            let batches = batches::list(&list.issuer.load()?).await.map_err(failed)?;
            print!("{}", listed(&batches, Clock::system().now(), list.json));
        }
        Command::Revoke(revoke) => {
            if !batches::revoke(&revoke.issuer.load()?, revoke.batch).await.map_err(failed)? {
                return Err(CliError::Usage(format!(
                    "there is no batch {}; `tabir voucher list` shows them",
                    revoke.batch
                )));
            }
            println!("Batch {} is revoked: its unused codes buy nothing any more.", revoke.batch);
        }
    }
    Ok(())
}

async fn make(batch: Batch) -> Result<(), CliError> {
    let (issuer, clock) = (batch.issuer.load()?, Clock::system());
    let made = batches::make(&issuer, &clock, &batch.desk, batch.count, batch.days).await.map_err(failed)?;
    let until = last_day(made.expires);
    let codes: Vec<String> = made.codes.iter().map(VoucherCode::text).collect();
    let url = batch.url.as_deref();
    let sheet = Sheet { desk: &batch.desk, id: made.id, until: &until, url, codes: &codes };
    let text = match batch.format {
        Format::Text => sheet.text(),
        Format::Html => sheet.html(),
        Format::Json => format!("{}\n", json!({ "v": 1, "batch": made.id, "until": until, "vouchers": codes })),
    };
    match &batch.out {
        Some(file) => {
            write_private(file, text.as_bytes())?;
            println!("Batch {} is in {}. Print it, then delete it: it is shown once.", made.id, file.display());
        }
        None => print!("{text}"),
    }
    Ok(())
}

/// The day before a batch's end, `YYYY-MM-DD`.
fn last_day(expires: u64) -> String {
    Second(expires.saturating_sub(1)).to_string().chars().take(10).collect()
}

fn printed(codes: &[VoucherCode], json: bool) -> String {
    let codes: Vec<String> = codes.iter().map(VoucherCode::text).collect();
    if json { format!("{}\n", json!({ "v": 1, "vouchers": codes })) } else { codes.join("\n") + "\n" }
}

fn listed(batches: &[Listed], now: u64, json: bool) -> String {
    let state = |b: &Listed| match (b.revoked, b.expires <= now) {
        (true, _) => "revoked",
        (false, true) => "expired",
        (false, false) => "valid",
    };
    if json {
        let each = |b: &Listed| {
            json!({
                "batch": b.id, "desk": b.desk, "codes": b.made, "used_at_least": b.used_at_least,
                "until": last_day(b.expires), "state": state(b),
            })
        };
        return format!("{}\n", json!({ "v": 1, "batches": batches.iter().map(each).collect::<Vec<_>>() }));
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["batch", "codes", "used", "until", "state", "desk"]);
    for b in batches {
        let used = b.used_at_least.map_or_else(|| "not said".to_owned(), |n| format!("{n} or more"));
        let row =
            [b.id.to_string(), b.made.to_string(), used, last_day(b.expires), state(b).to_owned(), b.desk.clone()];
        table.add_row(row);
    }
    format!(
        "{table}\nUse is told in steps, never of all, and not of batches below {SMALLEST_COUNTED} codes: else it told who \
         has reported.\n"
    )
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

    #[test]
    fn a_list_says_which_batches_hold_and_no_exact_use() {
        let of = |id, expires, revoked, used_at_least| {
            let desk = format!("desk {id}");
            Listed { id, desk, expires, revoked, made: 50, used_at_least }
        };
        let batches = [of(1, 86_400, false, Some(5)), of(2, 86_400_000, true, None), of(3, 86_400_000, false, Some(0))];
        let json: serde_json::Value = serde_json::from_str(&listed(&batches, 86_400, true)).unwrap();
        let states: Vec<_> = json["batches"].as_array().unwrap().iter().map(|b| b["state"].clone()).collect();
        assert_eq!(states, ["expired", "revoked", "valid"]);
        assert_eq!(
            (&json["batches"][0]["until"], &json["batches"][1]["used_at_least"]),
            (&json!("1970-01-01"), &json!(null))
        );
        let text = listed(&batches, 86_400, false);
        assert!(text.contains("5 or more") && text.contains("not said") && text.contains("desk 3"), "{text}");
    }
}
