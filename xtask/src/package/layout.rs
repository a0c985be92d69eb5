//! Where what is published lies, and what each archive holds besides.

use crate::site::Site;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub fn directory_of(site: &Site) -> PathBuf {
    site.dist().join("release")
}

/// An empty directory with this name, to be packed.
pub fn staging(site: &Site, name: &str) -> Result<PathBuf> {
    let dir = site.own("staging").join(name);
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("remove {}", dir.display()))?;
    }
    fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    Ok(dir)
}

pub fn licences(site: &Site, to: &Path) -> Result<()> {
    super::LICENCES
        .iter()
        .try_for_each(|text| super::copy(&site.root.join(text), &to.join(text)))
}
