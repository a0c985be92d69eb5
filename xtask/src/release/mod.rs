//! `cargo xtask release VERSION`: one version in every manifest, the changelog's date, a commit and a
//! tag. Without `--yes` it only says what it would do. `cargo xtask publish` is what the tag starts.

mod changelog;
mod manifests;
pub mod publish;

use crate::command::Run;
use crate::header;
use crate::site::{Site, cargo};
use anyhow::{Context, Result, bail};
use std::fs;

const CURRENT: &str = env!("CARGO_PKG_VERSION");

#[derive(clap::Args)]
pub struct Options {
    /// The version to release, for example 0.2.0
    version: String,
    /// Write, commit and tag; without it nothing is changed
    #[arg(long)]
    yes: bool,
}

pub fn run(site: &Site, options: &Options) -> Result<()> {
    let version = options.version.as_str();
    let edits = edits(site, version)?;
    let hindrances = hindrances(site, version)?;
    for (path, before, after) in &edits {
        println!("{path}");
        for (old, new) in before.lines().zip(after.lines()).filter(|(a, b)| a != b) {
            println!("  - {}\n  + {}", old.trim(), new.trim());
        }
    }
    for hindrance in &hindrances {
        println!("! {hindrance}");
    }
    if !options.yes {
        println!(
            "nothing was changed; `cargo xtask release {version} --yes` does it, commits, and makes the tag v{version}"
        );
        return Ok(());
    }
    if !hindrances.is_empty() {
        bail!("{} things stand in the way, see above", hindrances.len());
    }
    for (path, _, after) in &edits {
        fs::write(site.root.join(path), after).with_context(|| format!("write {path}"))?;
    }
    Run::new(cargo())
        .args(["update", "--workspace", "--offline"])
        .dir(&site.root)
        .show()?;
    header::run(site)?;
    git(
        site,
        &[
            "commit",
            "--all",
            "--message",
            &format!("Release {version}"),
        ],
    )?;
    git(
        site,
        &[
            "tag",
            "--annotate",
            &format!("v{version}"),
            "--message",
            &format!("untorn {version}"),
        ],
    )?;
    println!("committed and tagged; `git push --follow-tags` starts the release");
    Ok(())
}

type Edit = (&'static str, String, String);

fn edits(site: &Site, version: &str) -> Result<Vec<Edit>> {
    let mut edits = Vec::new();
    for manifest in &manifests::ALL {
        let before = read(site, manifest.path)?;
        let after = manifest.raise(&before, CURRENT, version)?;
        edits.push((manifest.path, before, after));
    }
    let before = read(site, "CHANGELOG.md")?;
    let after = changelog::date(&before, version, &today()?)?;
    edits.push(("CHANGELOG.md", before, after));
    Ok(edits)
}

/// What must be settled first.
fn hindrances(site: &Site, version: &str) -> Result<Vec<String>> {
    let mut all = Vec::new();
    if numbers(version)? < numbers(CURRENT)? {
        all.push(format!("{version} is older than {CURRENT}"));
    }
    let read = |words: &[&str]| Run::new("git").args(words).dir(&site.root).read();
    if !read(&["status", "--porcelain"])?.trim().is_empty() {
        all.push("there are changes that are not committed".into());
    }
    if !read(&["tag", "--list", &format!("v{version}")])?
        .trim()
        .is_empty()
    {
        all.push(format!(
            "the tag v{version} exists; a version is released once"
        ));
    }
    let manifest: toml::Value = toml::from_str(&self::read(site, "Cargo.toml")?)?;
    if manifest["workspace"]["package"].get("repository").is_none() {
        all.push("`repository` is missing in Cargo.toml: npm refuses provenance without it".into());
    }
    Ok(all)
}

fn numbers(version: &str) -> Result<Vec<u32>> {
    let numbers: Option<Vec<u32>> = version.split('.').map(|n| n.parse().ok()).collect();
    numbers
        .filter(|numbers| numbers.len() == 3)
        .with_context(|| format!("`{version}` is no version: three numbers, as in 0.2.0"))
}

fn read(site: &Site, path: &str) -> Result<String> {
    fs::read_to_string(site.root.join(path)).with_context(|| format!("read {path}"))
}

fn git(site: &Site, words: &[&str]) -> Result<()> {
    Run::new("git").args(words).dir(&site.root).show()
}

fn today() -> Result<String> {
    let date = Run::new("date").args(["--utc", "+%Y-%m-%d"]).read()?;
    Ok(date.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_three_numbers_and_is_compared_by_number() {
        assert!(numbers("0.10.0").expect("one") > numbers("0.9.9").expect("another"));
        for wrong in ["1", "1.0", "v1.0.0", "1.0.0-rc1", "1.0.0.0", ""] {
            assert!(numbers(wrong).is_err(), "{wrong}");
        }
    }
}
