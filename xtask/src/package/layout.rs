//! Where what is published lies, and what each archive holds besides.

use crate::site::Site;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub fn directory_of(site: &Site) -> PathBuf {
    site.dist().join("release")
}

/// The files of dist/release whose names begin and end so, in the order of names.
pub fn files(site: &Site, begin: &str, end: &str) -> Result<Vec<PathBuf>> {
    let dir = directory_of(site);
    let mut found = Vec::new();
    let entries = std::fs::read_dir(&dir).with_context(|| {
        format!(
            "read {}: run `cargo xtask package --platform` first",
            dir.display()
        )
    })?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(begin) && name.ends_with(end) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
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
