//! The sections of `CHANGELOG.md`.

use anyhow::{Context, Result, bail};

/// The first section is what is released: its heading gets the version and the date.
pub fn date(changelog: &str, version: &str, today: &str) -> Result<String> {
    let heading = headings(changelog)
        .next()
        .context("CHANGELOG.md has no section")?;
    if !heading.to_lowercase().contains("unreleased") {
        bail!("the first section of CHANGELOG.md is `{heading}`: nothing in it is unreleased");
    }
    if section_below(changelog, heading)
        .lines()
        .all(|line| line.trim().is_empty() || line.starts_with('#'))
    {
        bail!("`{heading}` in CHANGELOG.md is empty: a release changes something");
    }
    Ok(changelog.replacen(heading, &format!("## {version} ({today})"), 1))
}

/// What the release page says.
pub fn section<'a>(changelog: &'a str, version: &str) -> Result<&'a str> {
    let begins = |heading: &&str| {
        let rest = heading
            .strip_prefix("## ")
            .and_then(|rest| rest.strip_prefix(version));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let heading = headings(changelog)
        .find(begins)
        .with_context(|| format!("CHANGELOG.md has no section for {version}"))?;
    Ok(section_below(changelog, heading).trim())
}

fn headings(changelog: &str) -> impl Iterator<Item = &str> {
    changelog.lines().filter(|line| line.starts_with("## "))
}

fn section_below<'a>(changelog: &'a str, heading: &str) -> &'a str {
    let rest = changelog.split_once(heading).map_or("", |(_, rest)| rest);
    rest.split("\n## ").next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "# Changelog\n\n## 0.2.0 (unreleased)\n\n### Added\n\n- more\n\n## 0.1.0 (2026-01-02)\n\n- first\n";

    #[test]
    fn the_first_section_gets_its_date() {
        let dated = date(LOG, "0.3.0", "2026-11-27").expect("dated");
        assert!(dated.contains("\n## 0.3.0 (2026-11-27)\n\n### Added\n\n- more\n"));
        assert!(dated.contains("## 0.1.0 (2026-01-02)"));
        assert!(
            date(&dated, "0.4.0", "2026-11-28").is_err(),
            "it is released"
        );
        assert!(date("## Unreleased\n\n### Added\n\n## 0.1.0\n", "1.0.0", "").is_err());
    }

    #[test]
    fn a_section_is_found_by_its_version_and_ends_at_the_next() {
        assert_eq!(section(LOG, "0.1.0").expect("old"), "- first");
        assert_eq!(section(LOG, "0.2.0").expect("new"), "### Added\n\n- more");
        assert!(section(LOG, "0.2").is_err());
        assert!(section(LOG, "0.1.0 ").is_err() || section(LOG, "1.0").is_err());
    }
}
