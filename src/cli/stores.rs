//! The stores of a configuration's roles, for commands that work on the files themselves.

use std::path::PathBuf;

use sqlx::migrate::Migrator;

use super::CliError;
use crate::config::roles::Roles;
use crate::db::copy::Plan;
use crate::db::part_file::STORE;
use crate::{council, desk, forwarder, gateway, issuer, log, sealing, warden};

/// A role's store.
pub(super) struct RoleStore {
    /// The role's name.
    pub(super) name: &'static str,
    /// Its folder.
    pub(super) dir: PathBuf,
    /// Its schema.
    pub(super) migrations: &'static Migrator,
    /// What a backup takes of it; none for those that come back in another way.
    pub(super) plan: Option<&'static Plan>,
}

impl RoleStore {
    /// The file.
    pub(super) fn file(&self) -> PathBuf {
        self.dir.join(STORE)
    }
}

/// The stores of the roles that stand in a configuration.
pub(super) fn of(roles: &Roles) -> Vec<RoleStore> {
    let planned = |name, dir: Option<&PathBuf>| {
        let (dir, plan) = (dir?.clone(), plan_of(name).ok()?);
        Some(RoleStore { name, dir, migrations: plan.migrations, plan: Some(plan) })
    };
    let other =
        |name, dir: Option<&PathBuf>, migrations| Some(RoleStore { name, dir: dir?.clone(), migrations, plan: None });
    let all = [
        planned("issuer", roles.issuer.as_ref().map(|r| &r.dir)),
        planned("gateway", roles.gateway.as_ref().map(|r| &r.dir)),
        planned("forwarder", roles.forwarder.as_ref().map(|r| &r.dir)),
        planned("council", roles.council.as_ref().map(|r| &r.dir)),
        planned("desk", roles.desk.as_ref().map(|r| &r.dir)),
        other("facade", roles.facade.as_ref().map(|r| &r.dir), &sealing::MIGRATIONS),
        other("form", roles.form.as_ref().map(|r| &r.dir), &sealing::MIGRATIONS),
        other("log", roles.log.as_ref().map(|r| &r.dir), &log::MIGRATIONS),
        other("warden", roles.warden.as_ref().map(|r| &r.dir), &warden::MIGRATIONS),
    ];
    all.into_iter().flatten().collect()
}

/// One of them: that of a name, or the only one that there is.
pub(super) fn one(roles: &Roles, name: Option<&str>) -> Result<RoleStore, CliError> {
    let mut stores = of(roles);
    let names = stores.iter().map(|s| s.name).collect::<Vec<_>>().join(", ");
    if let Some(name) = name {
        stores.retain(|s| s.name == name);
    }
    match (stores.pop(), stores.pop()) {
        (Some(store), None) => Ok(store),
        _ => Err(CliError::Usage(format!("this configuration runs {names}: name one of them with --role"))),
    }
}

/// The plan of a role by its name.
pub(super) fn plan_of(name: &str) -> Result<&'static Plan, CliError> {
    Ok(match name {
        "issuer" => &issuer::store_backup::PLAN,
        "gateway" => &gateway::store::backup::PLAN,
        "forwarder" => &forwarder::store::backup::PLAN,
        "council" => &council::PLAN,
        "desk" => &desk::PLAN,
        _ => return Err(CliError::Usage(format!("this program knows no backup of a store of the role {name}"))),
    })
}
