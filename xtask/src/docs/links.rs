//! Links of every committed page, as a reader of the repository follows them: files
//! exist, and so do headings. Addresses elsewhere are looked at, never asked for.

use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use anyhow::{Context, Result, bail};
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

pub fn check(site: &Site, log: &Log) -> Result<()> {
    let names = Run::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .args(["--", "*.md"])
        .dir(&site.root)
        .read()?;
    let mut pages = Pages::new(&site.root);
    let (mut seen, mut broken) = (0, 0);
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        for link in links(&pages.text(Path::new(name))?) {
            seen += 1;
            if let Some(why) = pages.fault(Path::new(name), &link)? {
                broken += 1;
                log.line(&format!("{name}: {link}: {why}"))?;
            }
        }
    }
    if broken > 0 {
        bail!("{broken} of {seen} links lead nowhere");
    }
    log.line(&format!("{seen} links"))
}

struct Pages {
    root: PathBuf,
    texts: HashMap<PathBuf, String>,
}

impl Pages {
    fn new(root: &Path) -> Pages {
        Pages {
            root: root.to_owned(),
            texts: HashMap::new(),
        }
    }

    fn text(&mut self, page: &Path) -> Result<String> {
        if let Some(text) = self.texts.get(page) {
            return Ok(text.clone());
        }
        let path = self.root.join(page);
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let text = without_code(&text);
        self.texts.insert(page.to_owned(), text.clone());
        Ok(text)
    }

    /// What is wrong with a link on a page.
    fn fault(&mut self, page: &Path, link: &str) -> Result<Option<&'static str>> {
        if link.contains("://") {
            let good = link.starts_with("https://") && !link.contains(' ');
            return Ok((!good).then_some("an address begins with https://"));
        }
        let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
        let target = if path.is_empty() {
            page.to_owned()
        } else {
            plain(&page.parent().unwrap_or(Path::new("")).join(path))
        };
        // Made when the site is built; mkdocs looks at links to them.
        if target.starts_with("docs/reference") && !self.root.join(&target).exists() {
            return Ok(None);
        }
        if !self.root.join(&target).exists() {
            return Ok(Some("no such file"));
        }
        if anchor.is_empty() || target.extension().is_none_or(|end| end != "md") {
            return Ok(None);
        }
        let text = self.text(&target)?;
        let found = headings(&text).iter().any(|heading| heading == anchor);
        Ok((!found).then_some("no such heading"))
    }
}

/// Without `..` and `.`: a path from the root of the project.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

fn without_code(text: &str) -> String {
    let mut code = false;
    let mut out = String::new();
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        if !code && !fence {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

/// What stands in `[…](here)`.
fn links(text: &str) -> Vec<String> {
    let inline = |line: &str| {
        let quoted = line.split('`').step_by(2);
        quoted.collect::<Vec<_>>().join("`")
    };
    let text: String = text.lines().map(|line| inline(line) + "\n").collect();
    let parts = text.split("](").skip(1);
    let ends = parts.filter_map(|part| part.split_once(')'));
    ends.map(|(link, _)| link.split(" \"").next().unwrap_or(link).to_owned())
        .collect()
}

/// The anchors of a page, as GitHub and the site make them from its headings.
fn headings(text: &str) -> Vec<String> {
    let titles = text.lines().filter_map(|line| {
        let title = line.trim_start_matches('#');
        (title.len() < line.len()).then(|| title.trim())
    });
    titles.map(slug).collect()
}

fn slug(title: &str) -> String {
    let plain = title.to_lowercase();
    let kept = plain.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
        _ => None,
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_of_code() {
        let page = "[a](b.md) `[x](y)` ![p](i.svg \"t\")\n```\n[c](d)\n```\n[e](#f)\n";
        assert_eq!(links(&without_code(page)), ["b.md", "i.svg", "#f"]);
    }

    #[test]
    fn headings_are_named_as_github_names_them() {
        let page = "# The scheme `in-place`\n## G1: an acknowledged record\n";
        assert_eq!(
            headings(page),
            ["the-scheme-in-place", "g1-an-acknowledged-record"]
        );
    }

    #[test]
    fn broken_links_are_told_apart() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("root");
        let mut pages = Pages::new(root);
        let mut fault = |link| pages.fault(Path::new("docs/cli.md"), link).expect("read");
        assert_eq!(fault("files.md"), None);
        assert_eq!(fault("files.md#the-files-next-to-yours"), None);
        assert_eq!(fault("files.md#no"), Some("no such heading"));
        assert_eq!(fault("no.md"), Some("no such file"));
        assert!(fault("http://example.org").is_some());
        assert_eq!(fault("https://example.org"), None);
    }
}
