//! How large what a user downloads and loads is; compared with the last release, and with a limit.

use super::release::directory_of;
use crate::progress::Log;
use crate::site::Site;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;

/// Bytes. A wheel and an npm package are compressed.
const LIMITS: [(&str, u64); 3] = [
    (".whl", 2_000_000),
    (".tgz", 1_500_000),
    ("-cli", 2_500_000),
];

type Sizes = BTreeMap<String, u64>;

pub fn table(site: &Site, log: &Log) -> Result<()> {
    let mut now = Sizes::new();
    for entry in std::fs::read_dir(directory_of(site))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("untorn") && !name.ends_with(".json") {
            now.insert(without_version(&name), entry.metadata()?.len());
        }
    }
    let committed = std::fs::read_to_string(site.root.join("xtask/sizes.toml"))?;
    let last: Sizes = toml::from_str(&committed).context("read xtask/sizes.toml")?;
    for (name, size) in &now {
        log.line(&line(name, *size, last.get(name).copied()))?;
        println!("  {}", line(name, *size, last.get(name).copied()));
    }
    std::fs::write(
        directory_of(site).join("sizes.toml"),
        toml::to_string(&now)?,
    )?;
    match over(&now).as_slice() {
        [] => Ok(()),
        names => bail!("larger than the limit: {}", names.join(", ")),
    }
}

/// The next release is compared with this one.
fn without_version(name: &str) -> String {
    name.replacen(&format!("-{}", super::release::VERSION), "", 1)
}

fn line(name: &str, size: u64, last: Option<u64>) -> String {
    let before = match last {
        Some(last) => format!(
            "{:+} since the last release",
            size.cast_signed() - last.cast_signed()
        ),
        None => "new".to_owned(),
    };
    format!("{size:>9} {name} ({before})")
}

fn over(sizes: &Sizes) -> Vec<String> {
    let limit = |name: &str| LIMITS.iter().find(|(part, _)| name.contains(part));
    sizes
        .iter()
        .filter(|(name, size)| limit(name).is_some_and(|(_, most)| *size > most))
        .map(|(name, size)| format!("{name} ({size})"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_named() {
        let sizes = Sizes::from([
            ("untorn-cp311-abi3-win_amd64.whl".to_owned(), 2_000_001),
            ("untorn-linux-x64-gnu.tgz".to_owned(), 1_400_000),
        ]);
        assert_eq!(over(&sizes), ["untorn-cp311-abi3-win_amd64.whl (2000001)"]);
    }

    #[test]
    fn a_size_is_compared_with_the_last() {
        assert!(line("x", 10, Some(12)).contains("-2 since"));
        assert!(line("x", 10, None).contains("new"));
    }
}
