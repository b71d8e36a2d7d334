//! `tabir audit page`: does a site serve the page that auditors signed?

use tabir_crypto::codec::sha256;
use tabir_crypto::statement::body::PageBuilt;
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::trust::rule;

use crate::cli::CliError;
use crate::cli::connect::Connect;
use crate::client::Session;
use crate::client::log_reader::Growth;
use crate::http::HttpError;
use crate::page::INDEX;

/// Arguments of `tabir audit page`.
#[derive(clap::Args)]
pub struct Args {
    /// Where the page is served: the address that people open
    url: String,
    #[command(flatten)]
    connect: Connect,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: &Args) -> Result<(), CliError> {
    let (session, log) = args.connect.session_with_log().await?;
    let (entry, page) = newest(&session, &log).ok_or_else(|| {
        CliError::Audit(
            "the governance log has no page that the auditors' quorum signed: nothing to compare with".into(),
        )
    })?;
    let mut wrong = Vec::new();
    for file in &page.files {
        let name = file.path.as_str();
        let base = args.url.trim_end_matches('/');
        let url = if name == INDEX { format!("{base}/") } else { format!("{base}/page/{name}") };
        match session.http.get(&url).await {
            Ok(answer) if sha256(&answer.body) == file.sha256.0 => {}
            Ok(_) => wrong.push(format!("{name}: served otherwise than signed")),
            Err(HttpError::Problem { status, .. } | HttpError::Refused { status, .. }) => {
                wrong.push(format!("{name}: not served ({status})"))
            }
            Err(error) => return Err(error.into()),
        }
    }
    let (version, files) = (page.version.as_str(), page.files.len());
    if args.json {
        let line = serde_json::json!({"v": 1, "ok": wrong.is_empty(), "entry": entry, "version": version, "files": files, "wrong": wrong});
        println!("{line}");
    } else {
        wrong.iter().for_each(|line| println!("FAILED {line}"));
    }
    if !wrong.is_empty() {
        return Err(CliError::Audit(format!("{} does not serve page {version} of entry {entry}", args.url)));
    }
    if !args.json {
        println!("ok     all {files} files are those of page {version}, which the auditors signed (entry {entry})");
        println!("       What was served to somebody else, or at another time, nobody can tell from here.");
    }
    Ok(())
}

/// The last page of the log that the auditors' quorum signed, with its entry.
fn newest(session: &Session, log: &Growth) -> Option<(u64, PageBuilt)> {
    log.entries.iter().rev().find_map(|entry| {
        let statement = Statement::parse(&entry.leaf).ok().filter(|s| s.verb() == Verb::PageBuilt)?;
        match rule::check(&session.trust, &session.view.state, &statement).ok()?.body {
            Body::PageBuilt(body) => Some((entry.index, body)),
            _ => None,
        }
    })
}
