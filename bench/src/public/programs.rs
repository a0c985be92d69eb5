//! The programs that are compared, one module of `bench/peers` each.

use crate::options::Options;
use crate::peer::Peer;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// One program. `key` names its language and its module.
pub struct Program {
    pub key: &'static str,
    pub label: &'static str,
    /// Whether processes that use it exclude each other.
    pub locks: bool,
}

const fn program(key: &'static str, label: &'static str, locks: bool) -> Program {
    Program { key, label, locks }
}

pub const ALL: &[Program] = &[
    program("python/by_untorn", "untorn", true),
    program("python/by_flock", "by hand: flock + json", true),
    program("python/by_filelock", "filelock + json", true),
    program("python/by_portalocker", "portalocker + json", true),
    program("python/by_fasteners", "fasteners + json", true),
    program("python/by_json", "json.dump", false),
    program("python/by_sqlite3", "sqlite3", true),
    program("python/by_diskcache", "diskcache", true),
    program("python/by_watchdog", "watchdog", false),
    program("python/by_tail", "tail -F", false),
    program("node/untorn", "untorn, await", true),
    program("node/untorn-sync", "untorn, …Sync", true),
    program("node/by-hand", "by hand: node:fs", false),
    program("node/proper-lockfile", "proper-lockfile", true),
    program("node/write-file-atomic", "write-file-atomic", false),
    program("node/atomically", "atomically", false),
    program("node/lowdb", "lowdb", false),
    program("node/conf", "conf", false),
    program("node/better-sqlite3", "better-sqlite3", true),
    program("node/sonic-boom", "sonic-boom", false),
    program("node/pino", "pino", false),
    program("node/chokidar", "chokidar", false),
];

impl Program {
    pub fn named(key: &str) -> Result<&'static Program> {
        let found = ALL.iter().find(|program| program.key == key);
        found.with_context(|| format!("there is no program {key}"))
    }

    pub fn language(&self) -> &'static str {
        if self.key.starts_with("python/") {
            "Python"
        } else {
            "Node"
        }
    }

    /// The others are what it is compared with.
    pub fn is_ours(&self) -> bool {
        self.label.starts_with("untorn")
    }

    pub fn start(&self, options: &Options) -> Result<Peer> {
        let (language, module) = self.key.split_once('/').context("a key names a language")?;
        let mut command = match language {
            "python" => {
                let mut command = Command::new(python(options)?);
                command.arg("-P").arg(source("python/worker.py"));
                command.env("PYTHONPATH", source("python"));
                command.env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
            "node" => {
                let mut command = Command::new("node");
                command.arg(node(options)?.join("peers/worker.mjs"));
                command
            }
            other => bail!("no such language: {other}"),
        };
        command.arg(module);
        Peer::start(self.label, command)
    }
}

pub fn python(options: &Options) -> Result<&Path> {
    let python = options.python.as_deref();
    python.context("UNTORN_BENCH_PYTHON is not set")
}

pub fn node(options: &Options) -> Result<&Path> {
    let project = options.node.as_deref();
    project.context("UNTORN_BENCH_NODE_PROJECT is not set")
}

/// A file of `bench/peers`.
pub fn source(name: &str) -> PathBuf {
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    peers.join(name)
}

/// Node looks packages up from where a module lies, so the modules are put there.
pub fn put_modules(options: &Options) -> Result<()> {
    let target = node(options)?.join("peers");
    std::fs::create_dir_all(&target)?;
    for entry in std::fs::read_dir(source("node"))? {
        let entry = entry?;
        std::fs::copy(entry.path(), target.join(entry.file_name()))?;
    }
    Ok(())
}
