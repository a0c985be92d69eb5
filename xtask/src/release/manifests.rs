//! The files that name the version. `include/untorn.h` is generated from the first.

use anyhow::{Result, bail};

pub struct Manifest {
    pub path: &'static str,
    /// The text before the version, up to its first digit.
    before: &'static str,
    /// How often it occurs; the first ones, where other packages follow.
    times: usize,
    only_first: bool,
}

pub const ALL: [Manifest; 4] = [
    // The workspace's own, and those of the three crates that others here ask for.
    manifest("Cargo.toml", "version = \"", 4),
    // What cargo-c writes into its files.
    manifest("ffi/Cargo.toml", "version = \"", 1),
    manifest("bindings/node/package.json", "\"version\": \"", 1),
    Manifest {
        only_first: true,
        ..manifest("bindings/node/package-lock.json", "\"version\": \"", 2)
    },
];

const fn manifest(path: &'static str, before: &'static str, times: usize) -> Manifest {
    Manifest {
        path,
        before,
        times,
        only_first: false,
    }
}

impl Manifest {
    /// Refuses a file that names the version more or less often than is known here.
    pub fn raise(&self, text: &str, from: &str, to: &str) -> Result<String> {
        let old = format!("{}{from}\"", self.before);
        let new = format!("{}{to}\"", self.before);
        let found = text.matches(&old).count();
        let plausible = if self.only_first {
            found >= self.times
        } else {
            found == self.times
        };
        if !plausible {
            bail!(
                "{}: `{old}` occurs {found} times, not {}: xtask/src/release/manifests.rs knows it otherwise",
                self.path,
                self.times
            );
        }
        Ok(text.replacen(&old, &new, self.times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// One that is raised without the others would be published without them.
    #[test]
    fn every_manifest_has_the_version_of_the_workspace() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("the checkout");
        for manifest in &ALL {
            let text = std::fs::read_to_string(root.join(manifest.path)).expect(manifest.path);
            let raised = manifest.raise(&text, env!("CARGO_PKG_VERSION"), "7.6.5");
            let raised = raised.expect(manifest.path);
            assert_eq!(
                raised.matches("7.6.5").count(),
                manifest.times,
                "{}",
                manifest.path
            );
        }
    }

    #[test]
    fn a_version_in_a_new_place_is_refused() {
        let text = "version = \"0.1.0\"\nversion = \"0.1.0\"\n";
        assert!(
            manifest("f", "version = \"", 1)
                .raise(text, "0.1.0", "0.2.0")
                .is_err()
        );
        assert!(
            manifest("f", "version = \"", 2)
                .raise(text, "0.1.1", "0.2.0")
                .is_err()
        );
    }
}
