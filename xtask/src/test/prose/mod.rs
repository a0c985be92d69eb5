//! The step `prose`: the worst habits of `docs/internals/style.md` do not come back.
//!
//! It reads the pages, and the comments of the sources. It judges words and
//! sentences, never meaning.

mod habits;
mod text;

use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// Pages that tell a history, or are quoted from elsewhere.
const EXEMPT: [&str; 2] = ["CHANGELOG.md", "docs/internals/style.md"];

/// Where comments are part of what a user reads.
const SOURCES: [&str; 6] = [
    "core/src/",
    "ffi/src/",
    "cli/src/",
    "engine/postgres/src/",
    "bindings/python/",
    "bindings/node/",
];

pub fn check(site: &Site, log: &Log) -> Result<()> {
    let mut found = 0;
    for file in files(site)? {
        let Some(text) = read(&site.root, &file)? else {
            continue;
        };
        for fault in habits::of(&text) {
            found += 1;
            log.line(&format!(
                "{}:{}: {}",
                file.display(),
                fault.line,
                fault.what
            ))?;
        }
    }
    if found > 0 {
        bail!("{found} sentences to write again; docs/internals/style.md says how");
    }
    Ok(())
}

/// All committed files.
fn files(site: &Site) -> Result<Vec<PathBuf>> {
    let names = Run::new("git")
        .args(["ls-files", "-z"])
        .dir(&site.root)
        .read()?;
    Ok(names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .collect())
}

/// The prose of a file; `None` if it has none that is judged.
fn read(root: &Path, file: &Path) -> Result<Option<text::Text>> {
    let name = file.to_str().unwrap_or_default();
    let kind = match file.extension().and_then(|end| end.to_str()) {
        Some("md") if !EXEMPT.contains(&name) => text::Kind::Page,
        Some("rs" | "ts" | "js") if SOURCES.iter().any(|dir| name.starts_with(dir)) => {
            text::Kind::Comments
        }
        _ => return Ok(None),
    };
    let path = root.join(file);
    let content =
        std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    Ok(Some(text::Text::of(kind, &content)))
}
