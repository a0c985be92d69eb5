//! The Node package where its users have it: in test runners, and in what bundlers make.

use super::node::copy_tree;
use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use crate::tools::node;
use anyhow::Result;
use std::path::PathBuf;

/// Those whose realms and module loaders were tried; they are tools of the tests, and in no package.
const RUNNERS: [&str; 3] = [
    "jest@30.5.2",
    "jest-environment-jsdom@30.5.2",
    "vitest@4.1.12",
];

const BUNDLERS: [&str; 9] = [
    "esbuild@0.28.2",
    "webpack@5.113.0",
    "rollup@4.68.8",
    "@rollup/plugin-node-resolve@16.0.3",
    "@rollup/plugin-commonjs@29.0.3",
    "vite@8.3.8",
    "bun@1.4.5",
    "deno@2.9.6",
    // Puts a program into a copy of Node.
    "postject@1.0.0-alpha.6",
];

pub fn runners(site: &Site, log: &Log) -> Result<()> {
    let project = project(site, "test-node-runners", "runners", &RUNNERS, log)?;
    for environment in ["node", "jsdom"] {
        Run::new(project.join("node_modules/.bin/jest"))
            .args(["--ci", "--rootDir", "."])
            .args(["--testMatch", "**/runners/jest/*.test.cjs"])
            .arg(format!("--env={environment}"))
            .dir(&project)
            .log(log)?;
    }
    for pool in ["threads", "forks", "vmThreads", "vmForks"] {
        Run::new(project.join("node_modules/.bin/vitest"))
            .args(["run", "--dir", "runners/vitest"])
            .arg(format!("--pool={pool}"))
            .dir(&project)
            .log(log)?;
    }
    Ok(())
}

pub fn bundles(site: &Site, log: &Log) -> Result<()> {
    let project = project(site, "test-node-bundles", "bundles", &BUNDLERS, log)?;
    Run::new("node")
        .args(["--test", "--test-reporter", "spec"])
        .args(["bundles/bundles.test.mjs", "bundles/hosts.test.mjs"])
        .dir(project)
        .log(log)
}

/// A project with the tarball, these tools, and one directory of the tests.
fn project(site: &Site, name: &str, tests: &str, tools: &[&str], log: &Log) -> Result<PathBuf> {
    let project = node::with_tarball(site, name, tools, log)?;
    copy_tree(
        &site.root.join("bindings/node/test").join(tests),
        &project.join(tests),
    )?;
    Ok(project)
}
