//! Backups of stores by the real commands: what is in one and what never is, and that none comes back that is not whole, ours
//! and of a known schema.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sqlx::Executor as _;
use sqlx::migrate::Migrator;
use tabir::cli::demo::ports::free_ports;
use tabir::cli::init;
use tabir::config::{Config, keys};
use tabir::db::Db;
use tabir::db::copy::{Keep, Plan, copy, tables_of};
use tabir_crypto::archive::{Manifest, SEALED_CHUNK, SIGNATURE};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::value::{CodeText, Hex, Hour, V1};

async fn tabir(args: &[&str]) -> (i32, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tabir"));
    let out = command.args(args).stdin(std::process::Stdio::null()).output().await.unwrap();
    (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap())
}

async fn done(args: &[&str]) -> String {
    let (code, said) = tabir(args).await;
    assert_eq!(code, 0, "{args:?}: {said}");
    said
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn plans() -> [(&'static str, &'static Plan); 5] {
    [
        ("issuer", &tabir::issuer::store_backup::PLAN),
        ("gateway", &tabir::gateway::store::backup::PLAN),
        ("forwarder", &tabir::forwarder::store::backup::PLAN),
        ("council", &tabir::council::PLAN),
        ("desk", &tabir::desk::PLAN),
    ]
}

/// Those that come back in another way.
fn others() -> [(&'static str, &'static Migrator); 4] {
    [
        ("facade, form", &tabir::sealing::MIGRATIONS),
        ("log", &tabir::log::MIGRATIONS),
        ("warden", &tabir::warden::MIGRATIONS),
        ("witness", &tabir::witness::MIGRATIONS),
    ]
}

/// Rows of the table in docs/operating.md: role, table, what is taken.
fn documented() -> Vec<(String, String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operating.md");
    let page = std::fs::read_to_string(path).unwrap();
    let table = page.split("| role | table | in a backup |").nth(1).expect("the table of what a backup takes");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(|c| c.trim().replace('`', "")).collect::<Vec<_>>());
    cells
        .map(|cells| {
            assert!(cells.len() == 4 && !cells[3].is_empty(), "a row without its reason: {cells:?}");
            (cells[0].clone(), cells[1].clone(), cells[2].clone())
        })
        .collect()
}

#[tokio::test]
async fn every_table_of_every_migration_is_in_its_roles_plan_and_in_the_documentation() {
    let mut all = BTreeSet::new();
    for (role, plan) in plans() {
        let planned: Vec<String> = plan.tables.iter().map(|t| t.name.to_owned()).collect();
        assert_eq!(planned, tables_of(plan.migrations).await.unwrap(), "{role}: decide what a backup takes, by name");
        for table in plan.tables {
            let taken = match table.keep {
                Keep::All => "yes".to_owned(),
                Keep::Nothing => "no".to_owned(),
                Keep::Without(columns) => {
                    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
                    format!("without {}", names.join(", "))
                }
            };
            all.insert((role.to_owned(), table.name.to_owned(), taken));
        }
    }
    for (role, migrations) in others() {
        let tables = tables_of(migrations).await.unwrap();
        all.extend(tables.into_iter().map(|table| (role.to_owned(), table, "no".to_owned())));
    }
    let documented = documented();
    let told: BTreeSet<_> = documented.iter().cloned().collect();
    assert_eq!(told.len(), documented.len(), "a row twice");
    let missing: Vec<_> = all.difference(&told).collect();
    let wrong: Vec<_> = told.difference(&all).collect();
    assert!(missing.is_empty() && wrong.is_empty(), "docs/operating.md lacks {missing:?}, and has {wrong:?}");
}

const MARK: &[u8] = b"this never leaves the store of its role";

fn found(file: &Path, bytes: &[u8]) -> bool {
    std::fs::read(file).unwrap().windows(bytes.len()).any(|w| w == bytes)
}

#[tokio::test]
async fn what_is_left_out_is_nowhere_in_the_copy() {
    let dir = tempfile::tempdir().unwrap();
    let mark = hex::encode(MARK);
    let left_out = [
        ("gateway", format!("INSERT INTO spent VALUES (x'01', x'02', x'{mark}', 5)")),
        ("issuer", format!("INSERT INTO puzzle_key VALUES (1, x'{mark}')")),
        ("issuer", format!("INSERT INTO account_keys VALUES (4, x'{mark}')")),
        ("issuer", format!("INSERT INTO accounts VALUES (4, x'02', 0, x'{mark}')")),
        ("issuer", format!("INSERT INTO puzzles VALUES (x'03', 1, x'{mark}', 4)")),
        ("issuer", format!("INSERT INTO token_keys VALUES (4, 1, 2, x'0506', x'{mark}', NULL)")),
        ("issuer", format!("INSERT INTO vouchers VALUES (x'07', 4, x'{mark}', NULL)")),
    ];
    for (n, (role, sql)) in left_out.into_iter().enumerate() {
        let plan = plans().into_iter().find(|(name, _)| *name == role).unwrap().1;
        let (store, copied) = (dir.path().join(format!("{n}.sqlite")), dir.path().join(format!("{n}-copy.sqlite")));
        let db = Db::open(&store, plan.migrations).await.unwrap();
        let put = sql.clone();
        db.write(move |tx| {
            Box::pin(async move {
                tx.execute(sqlx::AssertSqlSafe(put)).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
        // While the role runs.
        copy(&store, &copied, plan).await.unwrap();
        db.close().await;
        assert!(found(&store, MARK) && !found(&copied, MARK), "{sql}");
        // The rest of a row whose secret is left out is there.
        assert_eq!(found(&copied, &[5, 6]), sql.contains("token_keys"), "{sql}");
    }
}

/// A demo's folders, a store of its issuer with vouchers, and a key for backups.
struct Made {
    dir: tempfile::TempDir,
    config: PathBuf,
    trust: PathBuf,
    key: PathBuf,
    public: PathBuf,
}

impl Made {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = init::demo(&dir.path().join("city"), "Backup", &free_ports().unwrap()).unwrap();
        let config = made.configs.iter().find(|(role, _)| *role == "issuer").unwrap().1.clone();
        let issuer = Config::load(&config).unwrap().roles.issuer.unwrap();
        tabir::issuer::mint(&issuer, 3).await.unwrap();
        let key = dir.path().join("november.key");
        done(&["backup", "key", text(&key)]).await;
        let public = dir.path().join("november.key.pub");
        Self { config, trust: made.trust, key, public, dir }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn issuer_dir(&self) -> PathBuf {
        Config::load(&self.config).unwrap().roles.issuer.unwrap().dir
    }

    async fn create(&self, name: &str) -> PathBuf {
        let out = self.file(name);
        done(&["backup", "create", "--config", text(&self.config), "--to", text(&self.public), text(&out)]).await;
        out
    }

    async fn verify(&self, file: &Path, with_key: bool) -> (i32, String) {
        let mut args = vec!["backup", "verify", text(file), "--trust", text(&self.trust)];
        if with_key {
            args.extend(["--key", text(&self.key)]);
        }
        tabir(&args).await
    }

    async fn restore(&self, file: &Path, more: &[&str]) -> (i32, String) {
        let args = ["backup", "restore", text(file), "--config", text(&self.config), "--key", text(&self.key)];
        tabir(&[&args, more].concat()).await
    }

    /// The store is lost: moved aside.
    fn lose(&self) -> PathBuf {
        let aside = self.file("aside.sqlite");
        std::fs::rename(self.issuer_dir().join("store.sqlite"), &aside).unwrap();
        aside
    }

    fn is_lost(&self) -> bool {
        !self.issuer_dir().join("store.sqlite").exists() && !self.issuer_dir().join("recovering.sqlite").exists()
    }
}

async fn vouchers(store: &Path) -> i64 {
    use sqlx::Row as _;
    let db = Db::open(store, tabir::issuer::store_backup::PLAN.migrations).await.unwrap();
    let count =
        db.read(|c| Box::pin(async move { Ok(c.fetch_one("SELECT COUNT(*) FROM vouchers").await?.try_get(0)?) }));
    let count = count.await.unwrap();
    db.close().await;
    count
}

#[tokio::test]
async fn a_store_comes_back_from_a_backup_and_neither_is_ever_overwritten() {
    let made = Made::new().await;
    let file = made.create("a.backup").await;
    let again = ["backup", "create", "--config", text(&made.config), "--to", text(&made.public), text(&file)];
    let (code, said) = tabir(&again).await;
    assert!(code == 1 && said.contains("(exists)"), "{said}");
    assert!(!found(&file, b"vouchers") && found(&file, b"\"role\":\"issuer\""), "sealed, but for its manifest");
    for rest in ["backup.sqlite", "backup.sqlite-journal"] {
        assert!(!made.issuer_dir().join(rest).exists(), "{rest}");
    }
    assert_eq!(made.verify(&file, false).await.0, 0, "without a secret");
    let (code, said) = made.verify(&file, true).await;
    assert!(code == 0 && said.contains("would become a store"), "{said}");

    let (code, said) = made.restore(&file, &[]).await;
    assert!(code == 1 && said.contains("(store-exists)"), "{said}");
    let aside = made.lose();
    let (code, said) = made.restore(&file, &["--dry-run"]).await;
    assert!(code == 0 && made.is_lost(), "{said}");
    let (code, said) = made.restore(&file, &[]).await;
    assert!(code == 0 && said.contains("tabir keys renew"), "{said}");
    let store = made.issuer_dir().join("store.sqlite");
    assert_eq!((vouchers(&store).await, vouchers(&aside).await), (3, 3));
    use std::os::unix::fs::MetadataExt as _;
    for file in [&store, &file, &made.key] {
        assert_eq!(std::fs::metadata(file).unwrap().mode() & 0o077, 0, "{}", file.display());
    }
}

#[tokio::test]
async fn torn_changed_swapped_and_foreign_backups_are_refused_with_their_codes() {
    let made = Made::new().await;
    let good = std::fs::read(made.create("good.backup").await).unwrap();
    made.lose();
    let body = good.len() - 16 * SEALED_CHUNK - SIGNATURE;
    let change = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let swapped = {
        let mut bytes = good.clone();
        let (first, rest) = bytes[body..].split_at_mut(SEALED_CHUNK);
        first.swap_with_slice(&mut rest[..SEALED_CHUNK]);
        bytes
    };
    let cases = [
        ("one byte less", good[..good.len() - 1].to_vec(), "(torn)"),
        ("half of it", good[..good.len() / 2].to_vec(), "(torn)"),
        ("the head alone", good[..body].to_vec(), "(torn)"),
        ("half a head", good[..body / 2].to_vec(), "(torn)"),
        ("more behind it", [good.as_slice(), b"x"].concat(), "(torn)"),
        ("twice as much", [&good[..good.len() - SIGNATURE], &good[body..]].concat(), "(changed)"),
        ("a changed chunk", change(body + 70_000), "(changed)"),
        ("a changed signature", change(good.len() - 1), "(changed)"),
        ("a changed key", change(body - 100), "(changed)"),
        ("two chunks in each other's place", swapped, "(changed)"),
        ("a database", b"SQLite format 3\0 and so on".to_vec(), "(kind)"),
        ("nothing", Vec::new(), "(kind)"),
    ];
    for (what, bytes, code) in cases {
        let file = made.file("bad.backup");
        std::fs::write(&file, bytes).unwrap();
        for with_key in [false, true] {
            let (exit, said) = made.verify(&file, with_key).await;
            assert!(exit == 3 && said.contains(code), "{what}: {said}");
        }
        let (exit, said) = made.restore(&file, &[]).await;
        assert!(exit == 1 && said.contains(code) && made.is_lost(), "{what}: {said}");
    }

    // Another installation's, whole and well signed there.
    let stranger = Made::new().await;
    let file = stranger.create("theirs.backup").await;
    let (exit, said) = made.restore(&file, &[]).await;
    assert!(exit == 1 && said.contains("(trust)") && made.is_lost(), "{said}");
    // Ours, with another's key.
    std::fs::write(made.file("good-again.backup"), &good).unwrap();
    let (file, config) = (made.file("good-again.backup"), text(&made.config));
    let (exit, said) =
        tabir(&["backup", "restore", text(&file), "--config", config, "--key", text(&stranger.key)]).await;
    assert!(exit == 1 && said.contains("(recipient)") && made.is_lost(), "{said}");
    // A role that this configuration does not run.
    let gateway = made.config.parent().unwrap().parent().unwrap().join("gateway/tabir.toml");
    let (exit, said) =
        tabir(&["backup", "restore", text(&file), "--config", text(&gateway), "--key", text(&made.key)]).await;
    assert!(exit == 2 && said.contains("(role)"), "{said}");
}

/// A backup of any file, signed by any key.
fn forged(made: &Made, store: &Path, signer: &SigningKey, name: &str) -> PathBuf {
    let recipient = tabir::backup::read_public_key(&made.public).unwrap();
    let trust = tabir::cli::connect::load_trust(&made.trust).unwrap();
    let manifest = Manifest {
        v: V1,
        role: CodeText::new("issuer").unwrap(),
        schema: 11,
        trust: Hex(*trust.hash()),
        at: Hour::of(1_800_000_000),
        recipient: Hex(recipient.key_id()),
        signer: Hex(*signer.verifying_key().as_bytes()),
    };
    let out = made.file(name);
    tabir::backup::write(store, &out, &manifest, &recipient, signer, &mut |_, _| ()).unwrap();
    out
}

#[tokio::test]
async fn what_another_signed_a_later_program_wrote_or_a_disk_damaged_never_becomes_a_store() {
    let made = Made::new().await;
    let issuer = keys::read_signing_key(&made.issuer_dir().join(keys::IDENTITY)).unwrap();
    let store = made.lose();
    let other = keys::read_signing_key(&made.config.parent().unwrap().parent().unwrap().join("gateway/identity.key"));
    let file = forged(&made, &store, &other.unwrap(), "other.backup");
    let (exit, said) = made.restore(&file, &[]).await;
    assert!(exit == 1 && said.contains("(signer)") && made.is_lost(), "{said}");

    let change = |sql: &'static str, name: &'static str| {
        let (store, to) = (store.clone(), made.file(name));
        async move {
            std::fs::copy(store, &to).unwrap();
            let db = Db::open(&to, tabir::issuer::store_backup::PLAN.migrations).await.unwrap();
            db.write(move |tx| {
                Box::pin(async move {
                    tx.execute(sql).await?;
                    Ok(())
                })
            })
            .await
            .unwrap();
            db.close().await;
            to
        }
    };
    let later = "INSERT INTO _sqlx_migrations VALUES (9999, 'later', '2027-01-01', TRUE, x'00', -1)";
    let newer = change(later, "newer.sqlite").await;
    let file = forged(&made, &newer, &issuer, "newer.backup");
    let (exit, said) = made.restore(&file, &[]).await;
    assert!(exit == 1 && said.contains("schema 9999") && made.is_lost(), "{said}");
    assert_eq!(made.verify(&file, true).await.0, 3);

    let mut bytes = std::fs::read(&store).unwrap();
    bytes.chunks_mut(4096).skip(2).for_each(|page| page[..64].fill(0xa5));
    let damaged = made.file("damaged.sqlite");
    std::fs::write(&damaged, bytes).unwrap();
    let file = forged(&made, &damaged, &issuer, "damaged.backup");
    let (exit, said) = made.restore(&file, &[]).await;
    assert!(exit == 1 && said.contains("damaged") && made.is_lost(), "{said}");

    // The same way, a sound one comes back.
    let file = forged(&made, &store, &issuer, "sound.backup");
    let (exit, said) = made.restore(&file, &[]).await;
    assert_eq!(exit, 0, "{said}");
}

#[tokio::test]
async fn a_log_and_a_warden_have_no_such_backup_and_the_wardens_words_are_still_answered() {
    let made = Made::new().await;
    let city = made.config.parent().unwrap().parent().unwrap().to_owned();
    for (role, instead) in [("log", "tabir log recover"), ("warden", "tabir warden backup")] {
        let config = city.join(role).join("tabir.toml");
        let out = made.file("none.backup");
        let (exit, said) =
            tabir(&["backup", "create", "--config", text(&config), "--to", text(&made.public), text(&out)]).await;
        assert!(exit == 2 && said.contains(instead) && !out.exists(), "{said}");
    }
    let help = done(&["backup", "--help"]).await;
    assert!(help.contains("restore") && !help.contains("holder"), "{help}");
    let old = done(&["backup", "holder", "--help"]).await;
    assert!(old.contains("auditor's key file"), "{old}");
}
