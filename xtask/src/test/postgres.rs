//! The engine on PostgreSQL, against a server that its tests start.

use super::{conformance, node, python};
use crate::command::{Run, on_path};
use crate::log::Log;
use crate::site::{Site, cargo};
use crate::tools::system;
use anyhow::{Result, bail};
use std::path::PathBuf;

pub fn test(site: &Site, log: &Log) -> Result<()> {
    ensure(log)?;
    Run::new(cargo())
        .args([
            "test",
            "--package",
            "untorn-postgres",
            "--features",
            "tokio-postgres",
        ])
        // Each waits for its server most of the time, but they share the machine.
        .args(["--", "--test-threads", "4"])
        .dir(&site.root)
        .log(log)?;
    // The command with the feature that its packages are without.
    Run::new(cargo())
        .args([
            "test",
            "--package",
            "untorn-cli",
            "--features",
            "postgres",
            "--test",
            "store_copy",
        ])
        .dir(&site.root)
        .log(log)?;
    // The C library of dist/c, with a driver on libpq.
    for script in ["ffi/tests/run.sh", "conformance/c/run.sh"] {
        with_server(site, &["sh", script])
            .env("UNTORN_PREFIX", site.dist_c())
            .dir(&site.root)
            .log(log)?;
    }
    node(site, log)?;
    python(site, log)
}

/// The tests and the cases of the installed Python package on this engine.
fn python(site: &Site, log: &Log) -> Result<()> {
    let dir = site.root.join("bindings/python");
    let mut tests: Vec<PathBuf> = ["-m", "pytest", "-q"].map(PathBuf::from).into();
    for entry in std::fs::read_dir(dir.join("tests"))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with("test_postgres") && name.ends_with(".py")) {
            tests.push(path);
        }
    }
    let cases = vec![site.root.join("conformance/python/run.py")];
    for arguments in [tests, cases] {
        with_server(site, &[])
            .arg(python::venv(site, log)?.python())
            // Not the package in the source tree, which has no built extension.
            .arg("-P")
            .args(arguments)
            .dir(&dir)
            .log(log)?;
    }
    Ok(())
}

/// The tests and the cases of the Node package on this engine.
fn node(site: &Site, log: &Log) -> Result<()> {
    let project = node::project(site, log)?;
    let cases = conformance::copy(site, &project)?.join("node/run-postgres.mjs");
    let mut tests: Vec<PathBuf> = ["--test", "--test-reporter", "spec"]
        .map(PathBuf::from)
        .into();
    tests.extend(node::test_files(&project.join("test/postgres"))?);
    for arguments in [tests, vec![cases]] {
        with_server(site, &["node"])
            .args(arguments)
            // A page is tested, too.
            .env("UNTORN_ROOT", &site.root)
            .dir(&project)
            .log(log)?;
    }
    Ok(())
}

/// A command that finds the address of a server of its own in `UNTORN_TEST_POSTGRES`.
/// It runs in any directory.
fn with_server(site: &Site, command: &[&str]) -> Run {
    Run::new(cargo())
        .args(["run", "--quiet", "--package", "untorn-postgres"])
        .arg("--manifest-path")
        .arg(site.root.join("Cargo.toml"))
        .args(["--example", "with_server", "--"])
        .args(command)
}

/// Sees to it that a server can be started. Debian's package keeps its programs
/// off the path.
fn ensure(log: &Log) -> Result<()> {
    if found() {
        return Ok(());
    }
    if !system::may_install() {
        bail!(
            "PostgreSQL is missing (initdb, postgres, psql, and libpq-fe.h), and these tests need a server \
             of their own; on Debian and Ubuntu: apt-get install postgresql libpq-dev; else name its \
             programs' directory with UNTORN_POSTGRES_BIN"
        );
    }
    Run::new("apt-get").arg("update").log(log)?;
    system::install("postgresql postgresql-client libpq-dev", log)?;
    if !found() {
        bail!(
            "initdb, postgres, psql or libpq-fe.h is still missing after installing postgresql and libpq-dev"
        );
    }
    Ok(())
}

fn found() -> bool {
    let named = std::env::var_os("UNTORN_POSTGRES_BIN").map(PathBuf::from);
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let server = on_path("initdb") && on_path("postgres")
        || named
            .into_iter()
            .chain(debian.flatten().map(|version| version.path().join("bin")))
            .any(|place| place.join("initdb").exists() && place.join("postgres").exists());
    server && on_path("psql") && has_libpq()
}

/// Debian has `pg_config` without libpq, too.
fn has_libpq() -> bool {
    let asked = std::process::Command::new("pg_config")
        .arg("--includedir")
        .output();
    asked.is_ok_and(|said| {
        let folder = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        PathBuf::from(folder).join("libpq-fe.h").exists()
    })
}
