//! `tabir warden init` and `serve`: the outside body's machine, set up and run by its own people.

use std::path::PathBuf;

use super::init::{Warden, both, make_warden};
use super::{CliError, serve};
use crate::config::notify::{Alerts, Smtp, SmtpTls};
use crate::config::{Config, roles::Roles};

/// Arguments of `tabir warden init`.
#[derive(clap::Args)]
pub struct Init {
    /// Folder to make; it must not exist or be empty
    dir: PathBuf,
    /// Name of the outside body, for people
    #[arg(long)]
    name: String,
    /// The city's address for everybody: log, board
    #[arg(long, value_name = "URL", value_parser = base)]
    city: String,
    /// The city's address for signed calls
    #[arg(long, value_name = "URL", value_parser = base)]
    internal: String,
    /// Whom to tell that a request waits: a mail address or a webhook's URL; several times for several people
    #[arg(long, value_name = "ADDRESS")]
    notify: Vec<String>,
    /// Mail server, HOST:PORT, STARTTLS; for another way change [roles.warden.notify.smtp] in tabir.toml
    #[arg(long, value_name = "HOST:PORT", requires = "mail_from")]
    smtp: Option<String>,
    /// The sender of those mails
    #[arg(long, value_name = "ADDRESS")]
    mail_from: Option<String>,
    /// For a rehearsal: intervals of a fraction of a second
    #[arg(long, env = "TABIR_REHEARSAL")]
    rehearsal: bool,
}

/// Arguments of `tabir warden serve`.
#[derive(clap::Args)]
pub struct Serve {
    /// Configuration of the warden's process
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
}

/// An address without a path.
fn base(text: &str) -> Result<String, String> {
    let url = reqwest::Url::parse(text).map_err(|e| e.to_string())?;
    if !matches!(url.scheme(), "http" | "https") || url.path() != "/" || url.query().is_some() {
        return Err("an address such as https://lapor.kota.example, without a path".into());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn alerts(args: &Init) -> Result<Option<Alerts>, CliError> {
    let smtp = match (&args.smtp, &args.mail_from) {
        (Some(server), Some(from)) => {
            let wrong = || CliError::Usage("--smtp is HOST:PORT, such as mail.ombud.example:587".into());
            let (host, port) = server.rsplit_once(':').ok_or_else(wrong)?;
            Some(Smtp {
                host: host.to_owned(),
                port: port.parse().map_err(|_| wrong())?,
                tls: SmtpTls::StartTls,
                ca_file: None,
                from: from.clone(),
                user: None,
                password_file: None,
            })
        }
        _ => None,
    };
    if smtp.is_none() && args.notify.iter().any(|to| !to.contains("://")) {
        return Err(CliError::Usage("a mail address needs --smtp and --mail-from".into()));
    }
    Ok((!args.notify.is_empty()).then(|| Alerts { to: args.notify.clone(), smtp, retry_s: Alerts::RETRY_S }))
}

/// Makes the folder and prints the card.
pub(super) fn init(args: &Init) -> Result<(), CliError> {
    let peers = both(&args.city, &args.internal);
    let warden = Warden { name: &args.name, peers, notify: alerts(args)?, rehearsal: args.rehearsal };
    let card = make_warden(&args.dir, warden)?;
    let card = serde_json::to_string_pretty(&card).map_err(|e| CliError::Failed(e.to_string()))?;
    println!("{card}");
    let dir = args.dir.display();
    eprintln!(
        "Made {dir}. This card is what the city and the other auditors need of you; it stands in {dir}/card.json."
    );
    eprintln!(
        "identity.key and witness.key never leave this machine; there is no copy, and a lost one means a new trust root."
    );
    eprintln!("Next: put trust.json, signed by the auditors, into {dir}, compare its keys with your card, and run");
    eprintln!("  tabir warden serve --config {dir}/tabir.toml");
    Ok(())
}

/// Runs the warden of a configuration, and nothing else of it.
pub(super) async fn serve(args: &Serve) -> Result<(), CliError> {
    super::warden::section(&Config::load(&args.config)?)?;
    let keep = |roles: Roles| Roles { warden: roles.warden, ..Roles::default() };
    serve::until_ended(&|when| serve::load(&args.config, when, keep)).await
}
