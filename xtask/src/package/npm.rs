//! The npm packages. The quick one has the addon for this machine inside. The published ones are one
//! a platform, with the addon, and `untorn`, of which they are optional dependencies.

use super::layout::{VERSION, directory_of, licences, staging};
use super::one_file;
use super::platform::{PLATFORMS, Platform};
use super::{Kind, LICENCES, copy, quick};
use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use crate::test::copy_tree;
use crate::tools::node;
use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// The files and directories of the published package, as `package.json` names them.
const OWN: [&str; 7] = [
    "index.js",
    "index.d.ts",
    "postgres.js",
    "postgres.d.ts",
    "types",
    "bin",
    "lib",
];

pub fn make(site: &Site, log: &Log) -> Result<()> {
    let built = quick::compile(site, Kind::Npm, log)?;
    let here = Platform::here()?;
    site.clear_dist_files("tgz")?;
    let top = staged(site, "npm")?;
    copy(
        &site.root.join("bindings/node/package.json"),
        &top.join("package.json"),
    )?;
    let addon = built.join(here.shared_library("untorn_node"));
    copy(&addon, &top.join(addon_of(here)))?;
    node::npm(&top)
        .args(["pack", "--pack-destination"])
        .arg(site.dist())
        .log(log)?;
    let tarball = site.dist_file("tgz")?;
    let listing = Run::new("tar").arg("-tzf").arg(&tarball).read()?;
    // npm leaves out, without a word, what `files` in package.json does not name.
    let texts = LICENCES.into_iter().chain(["README.md"]);
    let parts = [
        ".node",
        "index.js",
        "index.d.ts",
        "postgres.js",
        "postgres.d.ts",
        "types/journal.d.ts",
        "lib/untorn.js",
    ];
    for wanted in parts.into_iter().chain(texts) {
        if !listing.lines().any(|name| name.ends_with(wanted)) {
            bail!("{} has no {wanted} in it:\n{listing}", tarball.display());
        }
    }
    Ok(())
}

/// The package that npm installs for one platform only.
pub fn of_platform(site: &Site, platform: &Platform, built: &Path, log: &Log) -> Result<()> {
    let top = staging(site, &format!("npm-{}", platform.name))?;
    let addon = addon_of(platform);
    copy(
        &built.join(platform.shared_library("untorn_node")),
        &top.join(&addon),
    )?;
    licences(site, &top)?;
    let name = package_of(platform);
    std::fs::write(
        top.join("README.md"),
        format!(
            "# {name}\n\nThe compiled part of [untorn](https://www.npmjs.com/package/untorn) for {}. \
             npm installs it together with `untorn`.\n",
            platform.name
        ),
    )?;
    let mut about = shared(&source(site)?);
    let (os, cpu, libc) = platform.npm;
    about.insert("name".into(), json!(name));
    about.insert("type".into(), json!("commonjs"));
    about.insert("main".into(), json!(addon));
    about.insert("files".into(), files(&[&addon]));
    about.insert("os".into(), json!([os]));
    about.insert("cpu".into(), json!([cpu]));
    if let Some(libc) = libc {
        about.insert("libc".into(), json!([libc]));
    }
    pack(site, &top, about, log)
}

/// As `lib/addon-file.js` looks for it.
fn addon_of(platform: &Platform) -> String {
    format!("untorn.{}.node", platform.name)
}

/// The package that a user names.
pub fn main(site: &Site, log: &Log) -> Result<()> {
    let top = staged(site, "npm-untorn")?;
    let source = source(site)?;
    let mut about = shared(&source);
    for key in [
        "name",
        "keywords",
        "type",
        "main",
        "types",
        "bin",
        "exports",
        "imports",
        "peerDependencies",
        "peerDependenciesMeta",
    ] {
        about.insert(key.into(), source[key].clone());
    }
    about.insert("files".into(), files(&OWN));
    about.insert("exports".into(), exports(&source["exports"]));
    about.insert("optionalDependencies".into(), optional());
    pack(site, &top, about, log)
}

/// A directory with all of the package but its package.json and its addon.
fn staged(site: &Site, name: &str) -> Result<PathBuf> {
    let binding = site.root.join("bindings/node");
    let top = staging(site, name)?;
    one_file::write(&binding, &top)?;
    for directory in ["bin", "types"] {
        copy_tree(&binding.join(directory), &top.join(directory))?;
    }
    for file in ["index.d.ts", "postgres.d.ts", "README.md"] {
        copy(&binding.join(file), &top.join(file))?;
    }
    licences(site, &top)?;
    Ok(top)
}

/// npm packs README and LICENSE unasked, but not a licence whose name goes on behind a dash.
fn files(own: &[&str]) -> Value {
    let all: Vec<&str> = own.iter().copied().chain(LICENCES).collect();
    json!(all)
}

/// The file of each export alone. Keys are sorted here, and TypeScript would take `default` before `types`.
/// Without `types` it takes the `.d.ts` next to the file.
fn exports(source: &Value) -> Value {
    let one = |(name, target): (&String, &Value)| {
        let file = target.get("default").unwrap_or(target);
        (name.clone(), file.clone())
    };
    Value::Object(source.as_object().into_iter().flatten().map(one).collect())
}

pub fn package_of(platform: &Platform) -> String {
    format!("@untorn/{}", platform.name)
}

/// This version and no other: the two halves of an addon are one program.
fn optional() -> Value {
    let one = |platform: &Platform| (package_of(platform), json!(VERSION));
    Value::Object(PLATFORMS.iter().map(one).collect())
}

fn source(site: &Site) -> Result<Value> {
    let path = site.root.join("bindings/node/package.json");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    Ok(serde_json::from_str(&text)?)
}

/// What every package says alike. Not the scripts and the tools: who installs a package needs neither.
fn shared(source: &Value) -> Map<String, Value> {
    let keys = [
        "version",
        "description",
        "license",
        "author",
        "homepage",
        "repository",
        "bugs",
    ];
    let mut about = Map::new();
    for key in keys.into_iter().chain(["engines"]) {
        if !source[key].is_null() {
            about.insert(key.into(), source[key].clone());
        }
    }
    about
}

fn pack(site: &Site, top: &Path, about: Map<String, Value>, log: &Log) -> Result<()> {
    let text = serde_json::to_string_pretty(&about)? + "\n";
    std::fs::write(top.join("package.json"), text)?;
    node::npm(top)
        .args(["pack", "--pack-destination"])
        .arg(directory_of(site))
        .log(log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untorn_asks_for_each_platform_in_its_own_version() {
        let all = optional();
        assert_eq!(all.as_object().map(Map::len), Some(PLATFORMS.len()));
        assert_eq!(all["@untorn/linux-x64-gnu"], VERSION);
    }

    #[test]
    fn an_export_is_its_file() {
        let source = json!({".": {"types": "./i.d.ts", "default": "./i.js"}, "./p": "./p"});
        assert_eq!(exports(&source), json!({".": "./i.js", "./p": "./p"}));
    }

    #[test]
    fn the_licences_are_packed() {
        assert_eq!(
            files(&["a.node"]),
            json!(["a.node", "LICENSE-APACHE", "LICENSE-MIT"])
        );
    }

    #[test]
    fn a_package_carries_no_scripts_and_no_tools() {
        let source = json!({"version": "1", "scripts": {}, "devDependencies": {}, "bugs": "b"});
        assert_eq!(
            Value::Object(shared(&source)),
            json!({"version": "1", "bugs": "b"})
        );
    }
}
