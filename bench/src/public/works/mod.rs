//! The works, one file each. `growth.rs` does one of them at several sizes.

mod append;
mod contend;
mod files;
mod follow;
mod growth;
mod handles;
mod read;
mod save;
mod sessions;
mod size;
mod start;
mod tail;
mod update;

use super::field::Finding;
use crate::options::Options;
use anyhow::Result;

pub struct Work {
    pub name: &'static str,
    pub title: &'static str,
    /// What is measured, for the page. One sentence a line.
    pub method: &'static str,
    /// How the cases are drawn: points on one axis each, or lines over the cases.
    pub over: Option<&'static str>,
    pub run: fn(&Options) -> Result<Vec<Finding>>,
}

pub const ALL: &[Work] = &[
    append::FAST,
    append::DURABLE,
    contend::SPEED,
    contend::FAIR,
    save::WORK,
    update::WORK,
    tail::WORK,
    read::WORK,
    follow::WORK,
    start::TIME,
    start::MEMORY,
    size::WORK,
    files::WORK,
    sessions::WORK,
    handles::TIME,
    handles::MEMORY,
];
