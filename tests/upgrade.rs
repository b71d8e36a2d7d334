//! Stores of the program before this one (`tests/data/stores-before`, by the schema of that time) come to the newest schema
//! whole, and a dry run changes nothing.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, Connection as _, Executor as _, Row as _};
use tabir::cli::demo::ports::free_ports;
use tabir::cli::init;
use tabir::db::{Db, DbError, schema};

fn roles() -> [(&'static str, &'static Migrator, &'static str); 8] {
    [
        ("issuer", tabir::issuer::store_backup::PLAN.migrations, "SELECT COUNT(*) FROM vouchers"),
        ("gateway", tabir::gateway::store::backup::PLAN.migrations, "SELECT COUNT(*) FROM tombstones"),
        ("forwarder", tabir::forwarder::store::backup::PLAN.migrations, "SELECT COUNT(*) FROM seen_update"),
        ("council", tabir::council::PLAN.migrations, "SELECT COUNT(*) FROM alerts"),
        ("desk", tabir::desk::PLAN.migrations, "SELECT COUNT(*) FROM request_update"),
        ("log", &tabir::log::MIGRATIONS, "SELECT COUNT(*) FROM lease"),
        ("warden", &tabir::warden::MIGRATIONS, "SELECT COUNT(*) FROM seen"),
        ("witness", &tabir::witness::MIGRATIONS, "SELECT COUNT(*) FROM heads"),
    ]
}

/// A store as that program left it.
async fn before(role: &str, file: &Path) {
    sqlx::any::install_default_drivers();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/stores-before/{role}.sql"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut c = AnyConnection::connect(&format!("sqlite://{}?mode=rwc", file.display())).await.unwrap();
    c.execute(sqlx::AssertSqlSafe(text)).await.unwrap();
    c.close().await.unwrap();
    // As a role makes it: nothing starts on one that others can read.
    std::fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn a_store_of_the_program_before_comes_to_the_newest_schema_with_all_that_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    for (role, migrations, query) in roles() {
        let file = dir.path().join(format!("{role}.sqlite"));
        before(role, &file).await;
        let standing = schema::look(&file, migrations).await.unwrap();
        let lacks: Vec<i64> = standing.pending.iter().map(|(version, _)| *version).collect();
        assert!(lacks.iter().all(|version| Some(*version) > standing.has), "{role}: a step before the last one");
        let db = Db::open(&file, migrations).await.unwrap();
        let rows = db
            .read(move |c| Box::pin(async move { Ok(c.fetch_one(query).await?.try_get::<i64, _>(0)?) }))
            .await
            .unwrap();
        assert_eq!(rows, 1, "{role}");
        db.close().await;
        assert!(schema::look(&file, migrations).await.unwrap().pending.is_empty(), "{role}");

        // The program before would now be wrong here, and is told.
        let mut old = Vec::new();
        old.extend(migrations.iter().filter(|m| Some(m.version) <= standing.has).cloned());
        let old = Migrator { migrations: old.into(), ..Migrator::DEFAULT };
        let refused = schema::look(&file, &old).await;
        assert!(lacks.is_empty() || matches!(refused, Err(DbError::Newer(..))), "{role}: {refused:?}");
    }
}

async fn tabir(args: &[&str]) -> (i32, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tabir"));
    let out = command.args(args).stdin(std::process::Stdio::null()).output().await.unwrap();
    (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap())
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_done_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let made = init::demo(&dir.path().join("city"), "Upgrade", &free_ports().unwrap()).unwrap();
    let config: PathBuf = made.configs.iter().find(|(role, _)| *role == "gateway").unwrap().1.clone();
    let folder = config.parent().unwrap();
    let file = folder.join("store.sqlite");
    before("gateway", &file).await;
    let (bytes, names) = (std::fs::read(&file).unwrap(), std::fs::read_dir(folder).unwrap().count());
    let config = config.to_str().unwrap();
    let (code, said) = tabir(&["upgrade", "--config", config, "--dry-run"]).await;
    assert!(code == 0 && said.contains("gateway: schema 5, would become") && said.contains("0011 restored"), "{said}");
    assert_eq!((std::fs::read(&file).unwrap(), std::fs::read_dir(folder).unwrap().count()), (bytes, names));
    let (code, said) = tabir(&["upgrade", "--config", config]).await;
    assert!(code == 0 && said.contains("gateway: schema 5 became"), "{said}");
    let (code, said) = tabir(&["upgrade", "--config", config, "--json"]).await;
    assert!(code == 0 && said.contains("\"changed\":false") && said.contains("\"steps\":[]"), "{said}");

    let later = "INSERT INTO _sqlx_migrations VALUES (9999, 'later', '2027-01-01', TRUE, x'00', -1)";
    let mut c = AnyConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    c.execute(later).await.unwrap();
    c.close().await.unwrap();
    for args in [
        vec!["upgrade", "--config", config, "--dry-run"],
        vec!["upgrade", "--config", config],
        vec!["serve", "--config", config],
    ] {
        let (code, said) = tabir(&args).await;
        assert!(code == 1 && said.contains("schema 9999"), "{args:?}: {said}");
    }
}
