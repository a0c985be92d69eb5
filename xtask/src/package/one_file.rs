//! The JavaScript of the Node package as one file. Node finds, reads and compiles each file by itself,
//! which takes a third of a millisecond a file.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// The file that has all others, in `lib`.
const ONE: &str = "untorn.js";

/// These stay files of their own: `imports` in package.json names them.
const APART: [&str; 2] = ["addon-bun.js", "addon-file.js"];

/// What `exports` in package.json names.
const ENTRIES: [&str; 2] = ["index.js", "postgres.js"];

const STRICT: &str = "'use strict'\n";

/// The texts of files, by their paths below `lib`.
type Parts = BTreeMap<PathBuf, String>;

/// Writes the entries and `lib` of the binding into the directory that is packed.
pub fn write(binding: &Path, top: &Path) -> Result<()> {
    let lib = top.join("lib");
    std::fs::create_dir_all(&lib).with_context(|| format!("create {}", lib.display()))?;
    let mut parts = Parts::new();
    read(&binding.join("lib"), Path::new(""), &mut parts)?;
    for name in APART {
        let text = parts.remove(Path::new(name));
        let text = text.with_context(|| format!("lib has no {name}"))?;
        std::fs::write(lib.join(name), text)?;
    }
    std::fs::write(lib.join(ONE), joined(&parts)?)?;
    for name in ENTRIES {
        let path = binding.join(name);
        let text = std::fs::read_to_string(&path);
        let text = text.with_context(|| format!("read {}", path.display()))?;
        let text = loading(&text, Path::new(".."), &parts).context(name)?;
        std::fs::write(
            top.join(name),
            format!("{STRICT}\nconst load = require('./lib/{ONE}')\n{text}"),
        )?;
    }
    Ok(())
}

fn read(dir: &Path, below: &Path, parts: &mut Parts) -> Result<()> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            read(&entry.path(), &name, parts)?;
        } else {
            parts.insert(name, std::fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}

/// Each file is a function, which runs when the file is first asked for.
fn joined(parts: &Parts) -> Result<String> {
    let mut text = format!(
        "{STRICT}\n// The files of this package in one, which loads faster. `cargo xtask package` made it.\n\n\
         const files = {{}}\n"
    );
    for (name, part) in parts {
        let dir = name.parent().unwrap_or(Path::new(""));
        let name = name.display();
        let part = loading(part, dir, parts).with_context(|| format!("lib/{name}"))?;
        // In brackets the function is compiled at once. Else V8 would first only look for its end.
        text += &format!("\nfiles['{name}'] = ((module, exports) => {{\n{part}}})\n");
    }
    text += "
const loaded = {}

function load(name) {
  if (loaded[name] === undefined) {
    const module = (loaded[name] = { exports: {} })
    files[name](module, module.exports)
  }
  return loaded[name].exports
}

module.exports = load
";
    Ok(text)
}

/// The text of a file in this directory, with `load` where it requires a part.
fn loading(text: &str, dir: &Path, parts: &Parts) -> Result<String> {
    const REQUIRE: &str = "require('";
    let mut rest = text.strip_prefix(STRICT).unwrap_or(text);
    let mut done = String::new();
    while let Some((before, after)) = rest.split_once(REQUIRE) {
        let (name, after) = after.split_once('\'').context("a name has no end")?;
        done += before;
        rest = after;
        if name.starts_with('#') {
            done += &format!("{REQUIRE}{name}'");
            continue;
        }
        // The files of `lib` are at its top here, and the entries above it.
        let part = normal(&dir.join(name));
        let part = part.strip_prefix("../lib").unwrap_or(&part);
        if !parts.contains_key(part) {
            bail!("requires {name}, which is no file of lib");
        }
        done += &format!("load('{}'", part.display());
    }
    Ok(done + rest)
}

/// The path without `.`, and without `..` behind a name.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(texts: &[(&str, &str)]) -> Parts {
        let texts = texts.iter();
        texts
            .map(|(name, text)| (PathBuf::from(name), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn a_file_loads_another_from_where_it_is() {
        let parts = parts(&[
            ("a.js", "'use strict'\nconst b = require('./b/c.js')\n"),
            ("b/c.js", "const a = require('../a.js').x\n"),
        ]);
        let one = joined(&parts).unwrap();
        assert!(one.contains("\nconst b = load('b/c.js')\n"), "{one}");
        assert!(one.contains("\nconst a = load('a.js').x\n"), "{one}");
        assert_eq!(one.matches(STRICT).count(), 1);
        let entry = "'use strict'\nexports.A = require('./lib/a.js').A\n";
        assert_eq!(
            loading(entry, Path::new(".."), &parts).unwrap(),
            "exports.A = load('a.js').A\n"
        );
    }

    #[test]
    fn the_addon_is_found_by_its_name() {
        let text = "const native = require('#addon')\n";
        assert_eq!(loading(text, Path::new(""), &Parts::new()).unwrap(), text);
    }

    #[test]
    fn a_file_that_is_not_in_lib_is_refused() {
        let text = "require('./absent.js')";
        assert!(loading(text, Path::new(""), &Parts::new()).is_err());
        assert!(loading("require('pg')", Path::new(""), &Parts::new()).is_err());
    }
}
