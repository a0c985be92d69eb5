//! `cargo xtask generate`: what every language repeats, written from the tables in spec/; the addresses come from Cargo.toml.

mod addresses;
mod constants;
mod errors;
mod language;
mod options;
mod output;
mod prose;

use crate::header;
use crate::site::Site;
use anyhow::{Context, Result};
use output::Output;
use serde::de::DeserializeOwned;
use std::path::Path;

/// Writes what is not current, then the C header, which is made from it.
pub fn run(site: &Site) -> Result<()> {
    for output in outputs(&site.root)? {
        if output.write(&site.root)? {
            println!("wrote {}", output.path);
        }
    }
    header::run(site)
}

fn outputs(root: &Path) -> Result<Vec<Output>> {
    let constants = read(root, "constants")?;
    let mut outputs = errors::outputs(&read(root, "errors")?)?;
    outputs.extend(addresses::outputs(root)?);
    outputs.extend(constants::outputs(&constants)?);
    outputs.extend(options::outputs(&read(root, "options")?, &constants)?);
    Ok(outputs)
}

fn read<T: DeserializeOwned>(root: &Path, table: &str) -> Result<T> {
    let path = root.join("spec").join(format!("{table}.toml"));
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::outputs;
    use std::path::Path;

    /// As the header, which a test of its own compares.
    #[test]
    fn generated_files_are_current() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("root");
        let outputs = outputs(root).expect("the tables can be read");
        assert!(!outputs.is_empty());
        let stale: Vec<_> = outputs
            .iter()
            .filter(|output| !output.is_current(root).expect("it can be compared"))
            .map(|output| &output.path)
            .collect();
        assert!(stale.is_empty(), "run `cargo xtask generate`: {stale:?}");
    }
}
