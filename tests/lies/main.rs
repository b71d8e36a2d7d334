//! Dishonest logs: each lie is written as a whole copy of both logs, truly signed by all who must collude for it, and
//! `audit::verify` names that lie and nothing else. `threat-model/log.md` lists them all.

#[path = "../../crypto/tests/common/world.rs"]
mod world;

mod clean;
mod copies;
mod dropped;
#[path = "../common/folder.rs"]
mod folder;
mod forge;
mod keys;
mod long;
mod million;
mod openings;
mod scale;
mod times;
mod tree;
mod verdict;
mod windows;
