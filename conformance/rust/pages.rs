//! The pages name tests, files, codes and dependencies. All that they name exists,
//! and all that must be named is named.

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

/// The code that has the tests of `file`. That is a path from the root of the project
/// (`ffi/tests/c/fork.c`), or in short a file of the core's tests (`lock.rs`, in any of
/// its programs). Or it is a file of the library that has its tests in it
/// (`needle.rs`).
fn tests_of(file: &str) -> String {
    if file.contains('/') {
        return read(file);
    }
    let mut places = vec![
        format!("core/tests/{file}"),
        format!("core/tests/it/{file}"),
        format!("core/tests/processes/{file}"),
        format!("core/tests/system/{file}"),
    ];
    match file {
        "conformance.rs" => places.push("conformance/rust/protocol.rs".to_owned()),
        "name.rs" => places.push("core/src/session/name.rs".to_owned()),
        "needle.rs" => places.push("core/src/session/search/needle.rs".to_owned()),
        _ => {}
    }
    places.retain(|place| root().join(place).exists());
    assert!(!places.is_empty(), "no tests are in {file}");
    places.iter().map(read).collect()
}

/// A name of a test between backquotes: `file: test`. It is there, as a function
/// or as a name in quotes (test programs without a harness, and Node).
fn is_there(reference: &str) -> bool {
    let Some((file, test)) = reference.split_once(": ") else {
        return false;
    };
    let code = tests_of(file);
    let forms = [
        format!("fn {test}("),
        format!("def {test}("),
        format!("\"{test}\""),
        format!("'{test}'"),
        format!("static void {test}(void)"),
    ];
    forms.iter().any(|form| code.contains(form))
}

#[test]
fn every_test_that_the_guarantees_name_is_there() {
    let page = read("docs/guarantees.md");
    let mut tests = 0;
    for name in quoted(&page) {
        if name.contains(".rs: ") {
            assert!(is_there(&name), "{name}");
            tests += 1;
        }
        if name.starts_with("conformance/") && name.ends_with(".json") {
            assert!(root().join(&name).exists(), "{name}");
        }
    }
    assert!(tests > 20, "{tests}");
}

#[test]
fn every_test_that_the_traps_name_is_there() {
    let page = read("docs/traps.md");
    let rows = page.lines().filter(|line| {
        let number = line.trim_start_matches("| ").split(' ').next();
        number.is_some_and(|number| number.parse::<u8>().is_ok())
    });
    let mut count = 0;
    for row in rows {
        let tests: Vec<_> = quoted(row).filter(|name| name.contains(": ")).collect();
        tests
            .iter()
            .for_each(|name| assert!(is_there(name), "{name}"));
        // Only one can't be shown here, and says so.
        assert!(!tests.is_empty() || row.contains("not shown"), "{row}");
        count += 1;
    }
    assert_eq!(count, 29);
}

#[test]
fn every_kind_of_error_is_in_the_page_of_errors() {
    let page = read("docs/errors.md");
    for kind in ErrorKind::ALL {
        assert!(page.contains(&format!("`UNTORN_{kind}`")), "{kind}");
    }
}

#[test]
fn every_kind_of_error_has_a_remedy() {
    let page = read("docs/troubleshooting/errors.md");
    let headings: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("## "))
        .collect();
    for kind in ErrorKind::ALL {
        let named = |heading: &&&str| {
            heading[3..]
                .split(", ")
                .any(|name| name == kind.to_string())
        };
        assert!(headings.iter().find(named).is_some(), "{kind}");
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
        "cli",
        "engine/postgres",
        "xtask",
        "bench",
        "conformance/torture/rust",
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
            // `psycopg[binary]` is psycopg.
            said(name.split('[').next().unwrap_or(name));
        }
    }
}
