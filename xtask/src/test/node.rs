//! The Node steps, in an empty project that has only the installed tarball.

use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use crate::tools::node;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

const PROJECT: &str = "test-node";

/// As the binding's own lock file has them.
const TOOLS: [&str; 4] = ["typescript", "@types/node", "pg", "@types/pg"];

/// Other versions of TypeScript, and the oldest one with `using`.
const COMPILERS: [(&str, &str); 4] = [
    ("typescript-4.9", "4.9.5"),
    ("typescript-5.1", "5.1.6"),
    ("typescript-5.2", "5.2.2"),
    ("typescript-7", "7.0.2"),
];
const WITHOUT_USING: [&str; 2] = ["typescript-4.9", "typescript-5.1"];
/// The types of `pg` need a later one.
const WITHOUT_PG: [&str; 3] = ["typescript-4.9", "typescript-5.1", "typescript-5.2"];

pub fn install(site: &Site, log: &Log) -> Result<()> {
    let mut tools = pinned_tools(site)?;
    tools.extend(COMPILERS.map(|(name, version)| format!("{name}@npm:typescript@{version}")));
    let tools: Vec<&str> = tools.iter().map(String::as_str).collect();
    let project = node::with_tarball(site, PROJECT, &tools, log)?;
    // Node and tsc look for packages beside the file that asks for them.
    copy_tree(&site.root.join("bindings/node/test"), &project.join("test"))
}

/// The project that `node-install` made; made now if that step was not run.
pub fn project(site: &Site, log: &Log) -> Result<PathBuf> {
    let project = site.own(PROJECT);
    if !project.exists() {
        install(site, log)?;
    }
    Ok(project)
}

pub fn types(site: &Site, log: &Log) -> Result<()> {
    let project = project(site, log)?;
    for compiler in COMPILERS
        .map(|(name, _)| name)
        .into_iter()
        .chain(["typescript"])
    {
        let mut settings = match WITHOUT_USING.contains(&compiler) {
            true => vec!["tsconfig.oldest.json"],
            false => vec!["tsconfig.json", "tsconfig.bundler.json"],
        };
        if !WITHOUT_PG.contains(&compiler) {
            settings.push("tsconfig.postgres.json");
        }
        for settings in settings {
            Run::new("node")
                .arg(format!("node_modules/{compiler}/bin/tsc"))
                .arg("--project")
                .arg(format!("test/{settings}"))
                .dir(&project)
                .log(log)?;
        }
    }
    Ok(())
}

pub fn test(site: &Site, log: &Log) -> Result<()> {
    let project = project(site, log)?;
    Run::new("node")
        .args(["--test", "--test-reporter", "spec"])
        .args(test_files(&project.join("test"))?)
        .dir(project)
        .log(log)
}

/// Named one by one: left to itself, `node --test` runs every file of a directory
/// called test, and counts what the tests share as passed too.
pub fn test_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if [".test.js", ".test.mjs", ".test.cjs"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            files.push(path);
        }
    }
    if files.is_empty() {
        bail!("{} has no tests", dir.display());
    }
    files.sort();
    Ok(files)
}

fn pinned_tools(site: &Site) -> Result<Vec<String>> {
    let path = site.root.join("bindings/node/package-lock.json");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let lock: serde_json::Value = serde_json::from_str(&text)?;
    TOOLS
        .iter()
        .map(|tool| {
            let version = lock["packages"][format!("node_modules/{tool}")]["version"]
                .as_str()
                .with_context(|| format!("{} does not pin {tool}", path.display()))?;
            Ok(format!("{tool}@{version}"))
        })
        .collect()
}

pub fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("create {}", to.display()))?;
    let entries = std::fs::read_dir(from).with_context(|| format!("read {}", from.display()))?;
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)
                .with_context(|| format!("copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}
