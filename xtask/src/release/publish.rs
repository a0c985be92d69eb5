//! `cargo xtask publish`: the last steps of `.github/workflows/release.yml`, each with the rights of
//! its job alone. None of them builds anything: what was tried is what is published.

use super::changelog;
use crate::command::Run;
use crate::package::{self, CRATES};
use crate::site::{Site, cargo};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Options {
    #[arg(value_enum)]
    place: Place,
    /// Print the commands instead of running them
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Place {
    /// crates.io, with CARGO_REGISTRY_TOKEN
    Crates,
    /// npm: the packages of the platforms, then the one that asks for them
    Npm,
    /// A release with the files of dist/release and the changelog's section
    Github,
}

pub fn run(site: &Site, options: &Options) -> Result<()> {
    let commands = match options.place {
        Place::Crates => vec![crates()],
        Place::Npm => npm(tarballs(site)?)?,
        Place::Github => vec![github(site)?],
    };
    for words in commands {
        if options.dry_run {
            println!("{}", words.join(" "));
        } else {
            Run::new(&words[0])
                .args(&words[1..])
                .dir(&site.root)
                .show()?;
        }
    }
    Ok(())
}

/// cargo waits for each before it publishes the next.
fn crates() -> Vec<String> {
    let mut words = vec![cargo(), "publish".into(), "--locked".into()];
    for name in CRATES {
        words.extend(["--package".into(), name.into()]);
    }
    words
}

fn tarballs(site: &Site) -> Result<Vec<PathBuf>> {
    let dir = package::release_directory(site);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&dir).with_context(|| format!("read {}", dir.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tgz") {
            found.push(path);
        }
    }
    Ok(found)
}

/// `untorn` last: an installation of it finds the others.
fn npm(mut tarballs: Vec<PathBuf>) -> Result<Vec<Vec<String>>> {
    let main = format!("untorn-{}.tgz", super::CURRENT);
    tarballs.sort_by_key(|path| (path.ends_with(&main), path.clone()));
    if !tarballs.last().is_some_and(|last| last.ends_with(&main)) {
        bail!("dist/release has no {main}");
    }
    let publish = |path: PathBuf| {
        let path = path.to_string_lossy().into_owned();
        [
            "npm",
            "publish",
            &path,
            "--access",
            "public",
            "--provenance",
        ]
        .map(str::to_owned)
        .to_vec()
    };
    Ok(tarballs.into_iter().map(publish).collect())
}

fn github(site: &Site) -> Result<Vec<String>> {
    let notes = site.own("release-notes.md");
    let text = super::read(site, "CHANGELOG.md")?;
    std::fs::write(&notes, changelog::section(&text, super::CURRENT)?)
        .with_context(|| format!("write {}", notes.display()))?;
    let tag = format!("v{}", super::CURRENT);
    let mut words: Vec<String> = [
        "gh",
        "release",
        "create",
        &tag,
        "--verify-tag",
        "--title",
        &tag,
    ]
    .map(str::to_owned)
    .to_vec();
    words.extend(["--notes-file".into(), notes.to_string_lossy().into_owned()]);
    let dir = package::release_directory(site);
    for entry in std::fs::read_dir(&dir).with_context(|| format!("read {}", dir.display()))? {
        words.push(entry?.path().to_string_lossy().into_owned());
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untorn_is_published_after_what_it_asks_for() {
        let main = PathBuf::from(format!("untorn-{}.tgz", super::super::CURRENT));
        let other = PathBuf::from("untorn-win32-x64-msvc-0.1.0.tgz");
        let commands = npm(vec![main.clone(), other.clone()]).expect("both");
        assert_eq!(commands[0][2], other.to_string_lossy());
        assert_eq!(commands[1][2], main.to_string_lossy());
        assert!(npm(vec![other]).is_err());
    }

    #[test]
    fn the_crates_go_in_one_command_in_their_order() {
        assert!(crates().join(" ").ends_with(
            "publish --locked --package untorn --package untorn-postgres --package untorn-ffi --package untorn-cli"
        ));
    }
}
