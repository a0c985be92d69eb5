//! The addresses of the site and of the repository. They are set in the workspace's Cargo.toml; manifests and pages
//! that can't read it get them from there.

use super::output::Output;
use anyhow::{Context, Result};
use std::path::Path;

/// What names an address, besides Cargo.toml.
const FILES: [&str; 12] = [
    "SECURITY.md",
    "bindings/node/README.md",
    "bindings/node/package.json",
    "bindings/python/README.md",
    "bindings/python/pyproject.toml",
    "cli/README.md",
    "core/README.md",
    "docs/install.md",
    "docs/internals/releasing.md",
    "engine/postgres/README.md",
    "ffi/README.md",
    "site/mkdocs.yml",
];

#[derive(Clone, PartialEq, Eq, Debug)]
struct Addresses {
    site: String,
    repository: String,
}

impl Addresses {
    /// From Cargo.toml: what is wanted.
    fn set(root: &Path) -> Result<Addresses> {
        let manifest: toml::Value = toml::from_str(&read(root, "Cargo.toml")?)?;
        let package = &manifest["workspace"]["package"];
        let text = |name: &str| {
            package[name]
                .as_str()
                .map(String::from)
                .context("an address")
        };
        Ok(Addresses {
            site: text("homepage")?,
            repository: text("repository")?,
        })
    }

    /// From the settings of the site: what stands in the files so far.
    fn written(root: &Path) -> Result<Addresses> {
        let settings = read(root, "site/mkdocs.yml")?;
        let text = |name: &str| {
            let line = settings.lines().find_map(|line| line.strip_prefix(name));
            line.map(|line| line.trim().to_owned())
                .with_context(|| format!("{name} is missing"))
        };
        Ok(Addresses {
            site: text("site_url:")?,
            repository: text("repo_url:")?,
        })
    }

    /// OWNER/NAME.
    fn slug(&self) -> &str {
        let start = self
            .repository
            .trim_end_matches('/')
            .rmatch_indices('/')
            .nth(1);
        start.map_or("", |(at, _)| &self.repository[at + 1..])
    }
}

fn read(root: &Path, name: &str) -> Result<String> {
    std::fs::read_to_string(root.join(name)).with_context(|| format!("read {name}"))
}

pub fn outputs(root: &Path) -> Result<Vec<Output>> {
    let (old, new) = (Addresses::written(root)?, Addresses::set(root)?);
    let one = |name: &&str| Ok(Output::whole(name, moved(&read(root, name)?, &old, &new)));
    FILES.iter().map(one).collect()
}

fn moved(text: &str, old: &Addresses, new: &Addresses) -> String {
    let option = |addresses: &Addresses| format!("--repo {}", addresses.slug());
    // A page may leave the scheme out.
    let bare = |address: &str| address.trim_start_matches("https://").to_owned();
    text.replace(&bare(&old.site), &bare(&new.site))
        .replace(&bare(&old.repository), &bare(&new.repository))
        .replace(&option(old), &option(new))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(site: &str, repository: &str) -> Addresses {
        let (site, repository) = (site.into(), repository.into());
        Addresses { site, repository }
    }

    #[test]
    fn every_form_of_an_address_moves() {
        let old = addresses("https://old.example/a/", "https://code.example/old/a");
        let new = addresses("https://new.example/", "https://code.example/new/b");
        let text = "https://old.example/a/x.html git+https://code.example/old/a.git --repo old/a";
        let wanted = "https://new.example/x.html git+https://code.example/new/b.git --repo new/b";
        assert_eq!(moved(text, &old, &new), wanted);
    }

    /// A file that names the addresses and is missing in `FILES` would keep the old ones.
    #[test]
    fn every_file_with_an_address_is_listed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("root");
        let set = Addresses::set(root).expect("Cargo.toml has them");
        let listed = crate::command::Run::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .dir(root)
            .read()
            .expect("the files of the repository");
        for name in listed.split('\0').filter(|name| !name.is_empty()) {
            let Ok(text) = std::fs::read_to_string(root.join(name)) else {
                continue;
            };
            let names = text.contains(&set.site) || text.contains(&set.repository);
            let known = name == "Cargo.toml" || FILES.contains(&name);
            assert!(!names || known, "{name} names an address: add it to FILES");
        }
        for name in FILES {
            let text = read(root, name).expect("it exists");
            let names = [&set.site, &set.repository, set.slug()].map(|part| text.contains(part));
            assert!(names.contains(&true), "{name} names no address");
        }
    }
}
