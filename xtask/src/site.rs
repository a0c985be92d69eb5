//! Where things are in a checkout.

use crate::command::Run;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// The packages that can be made.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    C,
    Wheel,
    Npm,
    Command,
}

pub struct Site {
    /// The checkout.
    pub root: PathBuf,
    /// Cargo's target directory, wherever the developer has put it.
    pub target: PathBuf,
    /// The packages that this run makes: they are compiled together.
    pub makes: Vec<Kind>,
}

impl Site {
    pub fn find() -> Result<Site> {
        // Asked now, not when this was compiled: two checkouts that share a target
        // directory share this program too.
        let own = std::env::var("CARGO_MANIFEST_DIR")
            .context("CARGO_MANIFEST_DIR is not set: run this as `cargo xtask`")?;
        let root = Path::new(&own)
            .parent()
            .context("xtask lies in the checkout")?
            .to_path_buf();
        let text = Run::new(cargo())
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .dir(&root)
            .read()?;
        let metadata: serde_json::Value = serde_json::from_str(&text)?;
        let target = metadata["target_directory"]
            .as_str()
            .context("`cargo metadata` names no target directory")?
            .into();
        let makes = Vec::new();
        Ok(Site {
            root,
            target,
            makes,
        })
    }

    /// The same, for a run that makes these packages.
    pub fn making(&self, makes: Vec<Kind>) -> Site {
        Site {
            root: self.root.clone(),
            target: self.target.clone(),
            makes,
        }
    }

    /// What a user installs; git-ignored.
    pub fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// The C library of `dist`: include/, lib/.
    pub fn dist_c(&self) -> PathBuf {
        self.dist().join("c")
    }

    /// Virtual environments, tools, logs: all that xtask makes for itself, so
    /// that removing the target directory removes it too.
    pub fn own(&self, name: &str) -> PathBuf {
        self.target.join("xtask").join(name)
    }

    /// The one file in `dist` named `untorn…` with this extension.
    pub fn dist_file(&self, extension: &str) -> Result<PathBuf> {
        let mut found = files_with(&self.dist(), extension)?;
        match (found.pop(), found.is_empty()) {
            (Some(file), true) => Ok(file),
            (None, _) => bail!("dist/ has no untorn*.{extension}: run `cargo xtask package`"),
            (Some(_), false) => bail!(
                "dist/ has several untorn*.{extension}: run `cargo xtask package`, which clears it"
            ),
        }
    }

    /// Removes what an earlier packaging left, so that it is not installed by mistake.
    pub fn clear_dist_files(&self, extension: &str) -> Result<()> {
        std::fs::create_dir_all(self.dist())?;
        for file in files_with(&self.dist(), extension)? {
            std::fs::remove_file(&file).with_context(|| format!("remove {}", file.display()))?;
        }
        Ok(())
    }
}

fn files_with(dir: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.with_context(|| format!("read {}", dir.display()))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let ours = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("untorn"));
        if ours && path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    Ok(found)
}

/// The cargo that runs us: `CARGO` is the right one also under rustup's `+toolchain`.
pub fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".into())
}
