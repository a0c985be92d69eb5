//! How large what a user downloads is, compared with the last release and with a goal.

use super::layout::directory_of;
use crate::log::Log;
use crate::site::Site;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;

/// Bytes. A wheel and an npm package are compressed. These are goals: what is over one is said.
const GOALS: [(&str, u64); 2] = [(".whl", 2_000_000), (".tgz", 1_500_000)];

/// Percent that a file may grow from one release to the next.
const GROWTH: u64 = 10;

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
    match grown(&now, &last).as_slice() {
        [] => Ok(()),
        names => bail!(
            "more than {GROWTH} % larger than at the last release: {}; if that is meant, raise the number in \
             xtask/sizes.toml",
            names.join(", ")
        ),
    }
}

/// The next release is compared with this one.
fn without_version(name: &str) -> String {
    name.replacen(&format!("-{}", super::layout::VERSION), "", 1)
}

fn line(name: &str, size: u64, last: Option<u64>) -> String {
    let before = match last {
        Some(last) => format!(
            "{:+} since the last release",
            size.cast_signed() - last.cast_signed()
        ),
        None => "new".to_owned(),
    };
    let goal = GOALS.iter().find(|(end, _)| name.ends_with(end));
    let over = match goal {
        Some((_, goal)) if size > *goal => format!("; over the goal of {goal}"),
        _ => String::new(),
    };
    format!("{size:>9} {name} ({before}{over})")
}

fn grown(now: &Sizes, last: &Sizes) -> Vec<String> {
    now.iter()
        .filter_map(|(name, size)| Some((name, size, last.get(name)?)))
        .filter(|(_, size, last)| **size * 100 > **last * (100 + GROWTH))
        .map(|(name, size, last)| format!("{name} ({last} → {size})"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_grew_is_named() {
        let sizes = |wheel| Sizes::from([("untorn.whl".to_owned(), wheel)]);
        assert_eq!(grown(&sizes(111), &sizes(100)), ["untorn.whl (100 → 111)"]);
        assert!(grown(&sizes(110), &sizes(100)).is_empty());
        assert!(grown(&sizes(110), &Sizes::new()).is_empty());
    }

    #[test]
    fn what_is_over_its_goal_says_so() {
        assert!(line("x.whl", 2_000_001, None).contains("over the goal of 2000000"));
        assert!(!line("x.whl", 2_000_000, None).contains("over"));
    }

    #[test]
    fn a_size_is_compared_with_the_last() {
        assert!(line("x", 10, Some(12)).contains("-2 since"));
        assert!(line("x", 10, None).contains("new"));
    }
}
