//! The pages name tests, files, codes and dependencies. What they name is there,
//! and what must be named is.

use std::fs;
use std::path::{Path, PathBuf};

use untorn::ErrorKind;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands between backquotes.
fn quoted(page: &str) -> impl Iterator<Item = String> {
    let words = page.split('`').skip(1).step_by(2);
    words.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The code of the test program with this name: its own, what it has of its
/// own on Unix, and the cases it shares; or the file of the library (`name.rs`,
/// `search/needle.rs`) that has its tests in it.
fn tests_of(file: &str) -> String {
    let mut places = vec![
        format!("core/tests/{file}.rs"),
        format!("core/tests/unix/{file}.rs"),
    ];
    if file == "conformance" {
        places.push("conformance/rust/protocol.rs".to_owned());
    }
    places.extend(
        ["name", "search/needle"]
            .iter()
            .filter(|known| known.ends_with(file))
            .map(|known| format!("core/src/session/{known}.rs")),
    );
    places.retain(|place| root().join(place).exists());
    assert!(!places.is_empty(), "no tests are in {file}.rs");
    places.iter().map(read).collect()
}

#[test]
fn every_test_that_the_guarantees_name_is_there() {
    let page = read("docs/guarantees.md");
    let mut tests = 0;
    for name in quoted(&page) {
        if let Some((file, test)) = name.split_once(".rs: ") {
            let code = tests_of(file);
            assert!(code.contains(&format!("fn {test}(")), "{name}");
            tests += 1;
        }
        if name.starts_with("conformance/") && name.ends_with(".json") {
            assert!(root().join(&name).exists(), "{name}");
        }
    }
    assert!(tests > 20, "{tests}");
}

#[test]
fn every_kind_of_error_is_in_the_readme() {
    let page = read("README.md");
    for kind in ErrorKind::ALL {
        assert!(page.contains(&format!("`UNTORN_{kind}`")), "{kind}");
    }
}

/// The names below a heading of a Cargo.toml whose last part is a kind of
/// dependencies.
fn dependencies(manifest: &str) -> Vec<String> {
    let (mut names, mut within) = (Vec::new(), false);
    for line in manifest.lines() {
        if line.starts_with('[') {
            within = line.trim_end().ends_with("dependencies]");
        } else if let (true, Some((name, _))) = (within, line.split_once('=')) {
            let name = name.trim().trim_end_matches(".workspace");
            if !name.starts_with('#') && !name.starts_with("untorn") {
                names.push(name.to_owned());
            }
        }
    }
    names
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let page: Vec<String> = quoted(&read("docs/dependencies.md")).collect();
    let said = |name: &str| assert!(page.iter().any(|word| word == name), "{name}");
    let mut found = 0;
    for place in [
        "core",
        "ffi",
        "bindings/python",
        "bindings/node",
        "xtask",
        "bench",
        "examples/demo/rust",
    ] {
        let names = dependencies(&read(format!("{place}/Cargo.toml")));
        found += names.len();
        names.iter().for_each(|name| said(name));
    }
    assert!(found > 20, "{found}");
    let package: serde_json::Value =
        serde_json::from_str(&read("bindings/node/package.json")).unwrap();
    for kind in ["dependencies", "devDependencies"] {
        for name in package[kind].as_object().into_iter().flatten() {
            said(name.0);
        }
    }
    for line in read("xtask/python-tools.txt").lines() {
        if let Some((name, _)) = line.split_once("==") {
            said(name);
        }
    }
}
