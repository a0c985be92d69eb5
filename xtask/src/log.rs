//! What the programs of a stage said.

use anyhow::{Context, Result};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The file that takes the output of a stage's programs. A file and not a pipe:
/// both streams stay in order, and a grandchild that lives on cannot block us.
pub struct Log {
    path: PathBuf,
}

impl Log {
    pub fn new(dir: &Path, stage: &str) -> Result<Log> {
        std::fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
        let path = dir.join(format!("{stage}.log"));
        File::create(&path).with_context(|| format!("create {}", path.display()))?;
        Ok(Log { path })
    }

    pub fn file(&self) -> Result<File> {
        OpenOptions::new()
            .append(true)
            .open(&self.path)
            .with_context(|| format!("open {}", self.path.display()))
    }

    pub fn line(&self, text: &str) -> Result<()> {
        Ok(writeln!(self.file()?, "{text}")?)
    }

    pub fn text(&self) -> String {
        std::fs::read(&self.path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_else(|error| format!("(the log {} is gone: {error})", self.path.display()))
    }
}
