//! `cargo xtask header`: writes the C header again.

use crate::command::Run;
use crate::site::{Site, cargo};
use anyhow::Result;

pub fn run(site: &Site) -> Result<()> {
    // The test that compares the header with cbindgen's output is also what
    // writes it: one place that knows how, one pinned cbindgen.
    Run::new(cargo())
        .args(["test", "--package", "untorn-ffi", "--test", "header"])
        .env("UPDATE_HEADER", "1")
        .dir(&site.root)
        .show()
}
