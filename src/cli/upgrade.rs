//! `tabir upgrade`: the stores of a configuration, brought to this program's schema before its roles start, or tried.

use std::path::PathBuf;

use serde_json::json;
use sqlx::migrate::Migrator;

use super::stores;
use super::{CliError, stores::RoleStore};
use crate::config::Config;
use crate::db::DbError;
use crate::db::schema::{self, Standing};

/// Arguments of `tabir upgrade`.
#[derive(clap::Args)]
#[command(after_help = "Example: tabir upgrade --config /etc/tabir/tabir.toml --dry-run\n         \
                  tabir upgrade --config /etc/tabir/tabir.toml\n\
                  Stop the process first, and make a backup. A role upgrades its store at its start as well. Each store gets all of\n\
                  its changes or none. A store that a later program wrote is refused.")]
pub struct Args {
    /// Configuration of the process
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
    /// Only this role's store
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Try it on a copy beside the store, which is removed again; change nothing
    #[arg(long)]
    dry_run: bool,
    /// One line of JSON a store
    #[arg(long)]
    json: bool,
}

/// The copy that a dry run works on.
const TRIAL: &str = "upgrade-trial.sqlite";

/// Runs the command.
pub async fn run(args: Args) -> Result<(), CliError> {
    let config = Config::load(&args.config)?;
    let stores = match &args.role {
        Some(name) => vec![stores::one(&config.roles, Some(name))?],
        None => stores::of(&config.roles),
    };
    let mut failed = None;
    for store in stores.into_iter().filter(|store| store.file().exists()) {
        match upgrade(&store, args.dry_run).await {
            Ok(standing) => println!("{}", told(&store, &standing, &args)),
            Err(error) => {
                eprintln!("{}: {error}", store.name);
                failed = Some(error);
            }
        }
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}

async fn upgrade(store: &RoleStore, dry_run: bool) -> Result<Standing, DbError> {
    if dry_run {
        schema::try_upgrade(&store.file(), &store.dir.join(TRIAL), store.migrations).await
    } else {
        schema::upgrade(&store.file(), store.migrations).await
    }
}

fn told(store: &RoleStore, standing: &Standing, args: &Args) -> String {
    let newest = schema::newest(store.migrations);
    let steps = steps(store.migrations, standing);
    if args.json {
        return json!({
            "role": store.name, "schema": standing.has, "newest": newest, "steps": steps, "changed": !args.dry_run && !steps.is_empty()
        })
        .to_string();
    }
    let from = standing.has.map_or_else(|| "none".to_owned(), |has| has.to_string());
    match (steps.is_empty(), args.dry_run) {
        (true, _) => format!("{}: schema {from} is the newest; nothing is to be done.", store.name),
        (false, true) => {
            format!("{}: schema {from}, would become {newest} by {}; tried on a copy.", store.name, steps.join(", "))
        }
        (false, false) => format!("{}: schema {from} became {newest} by {}.", store.name, steps.join(", ")),
    }
}

/// Names of the steps, as the files in `migrations/` have them.
fn steps(migrations: &Migrator, standing: &Standing) -> Vec<String> {
    let pending = migrations.iter().filter(|m| standing.pending.iter().any(|(version, _)| *version == m.version));
    pending.map(|m| format!("{:04} {}", m.version, m.description)).collect()
}
