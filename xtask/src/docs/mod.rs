//! `cargo xtask docs`: the site, below the target directory. docs/internals/site.md says how.

pub mod browser;
pub mod links;
#[cfg(test)]
mod urls;

use crate::command::Run;
use crate::log::Log;
use crate::progress::stage;
use crate::site::{Site, cargo};
use crate::tools::{node, python::Venv};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};

/// What draws the diagrams in a reader's browser: the site has a copy of its own.
const MERMAID: &str = "@mermaid-js/tiny@12.0.0";

#[derive(clap::Args)]
pub struct Options {
    /// Leave out Rust's own documentation, which takes the longest
    #[arg(long)]
    no_rustdoc: bool,
}

pub fn run(site: &Site, options: &Options) -> Result<()> {
    stage(site, "", "docs", |log| {
        build(site, log)?;
        if options.no_rustdoc {
            return Ok(());
        }
        rustdoc(site, log)
    })?;
    println!("{}", index(site).display());
    Ok(())
}

/// The step of the tests: a page that names what does not exist fails it.
pub fn check(site: &Site, log: &Log) -> Result<()> {
    links::check(site, log)?;
    build(site, log)
}

fn place(site: &Site) -> PathBuf {
    site.target.join("site")
}

pub fn index(site: &Site) -> PathBuf {
    place(site).join("index.html")
}

fn build(site: &Site, log: &Log) -> Result<()> {
    let venv = Venv::ensure(site, "docs", log)?;
    let pins = site.root.join("site/requirements.txt");
    venv.install([Path::new("--requirement"), &pins], log)?;
    Run::new(venv.python())
        .args(["-P", "-m", "mkdocs", "build", "--strict", "--config-file"])
        .arg(site.root.join("site/mkdocs.yml"))
        .arg("--site-dir")
        .arg(place(site))
        // An advertisement of the theme's successor.
        .env("NO_MKDOCS_2_WARNING", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .dir(&site.root)
        .log(log)?;
    diagrams(site, log)
}

/// Its own copy of the script: the pages load nothing from elsewhere.
fn diagrams(site: &Site, log: &Log) -> Result<()> {
    let script = packages(site, log)?.join("node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js");
    let target = place(site).join("assets/mermaid.js");
    std::fs::copy(&script, &target)
        .with_context(|| format!("copy {} to {}", script.display(), target.display()))
        .map(drop)
}

/// A project with what comes from npm; it has a name for each set of versions.
fn packages(site: &Site, log: &Log) -> Result<PathBuf> {
    let words = [MERMAID, browser::PUPPETEER];
    let name = words
        .map(|word| word.rsplit('@').next().unwrap_or(word))
        .join("-");
    let project = site.own("docs-node").join(name);
    if !project.join("done").exists() {
        std::fs::create_dir_all(&project)
            .with_context(|| format!("create {}", project.display()))?;
        std::fs::write(project.join("package.json"), "{ \"private\": true }\n")?;
        node::npm(&project).arg("install").args(words).log(log)?;
        std::fs::write(project.join("done"), "")?;
    }
    Ok(project)
}

/// The crates that a program of Rust uses.
const CRATES: [&str; 2] = ["untorn", "untorn-postgres"];

/// Rust's documentation stands beside the rest: reference/rust.md leads to it.
fn rustdoc(site: &Site, log: &Log) -> Result<()> {
    let made = site.own("rustdoc");
    Run::new(cargo())
        .args([
            "doc",
            "--no-deps",
            "--package",
            CRATES[0],
            "--package",
            CRATES[1],
        ])
        // As docs.rs builds it.
        .args(["--features", "untorn/serde,untorn/tracing", "--target-dir"])
        .arg(&made)
        // A link within the documentation that leads nowhere is an error.
        .env("RUSTDOCFLAGS", "--deny warnings")
        .dir(&site.root)
        .log(log)?;
    let target = place(site).join("rust");
    if target.exists() {
        std::fs::remove_dir_all(&target).with_context(|| format!("remove {}", target.display()))?;
    }
    crate::test::copy_tree(&made.join("doc"), &target)?;
    reached(site)
}

/// mkdocs can't look at these links: it does not have the pages.
fn reached(site: &Site) -> Result<()> {
    let page = place(site).join("reference/rust.html");
    let text =
        std::fs::read_to_string(&page).with_context(|| format!("read {}", page.display()))?;
    for name in CRATES {
        let link = format!("../rust/{}/index.html", name.replace('-', "_"));
        ensure!(
            text.contains(&link),
            "reference/rust.md has no link to {link}"
        );
        let target = place(site).join("reference").join(&link);
        ensure!(target.exists(), "rustdoc did not make {link}");
    }
    Ok(())
}
