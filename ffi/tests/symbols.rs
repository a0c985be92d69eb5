//! The shared library exports the functions that the header declares, and
//! nothing else.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

fn output(command: &mut Command) -> String {
    let output = command.output().expect("the command can be run");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The library as cargo builds it; for a test alone it builds none.
fn library() -> String {
    let messages = output(
        Command::new(env!("CARGO"))
            .args(["build", "--package", "untorn-ffi", "--message-format=json"])
            .current_dir(env!("CARGO_MANIFEST_DIR")),
    );
    messages
        .split('"')
        .find(|word| word.ends_with("libuntorn.so"))
        .expect("cargo says where the library is")
        .to_owned()
}

#[test]
fn exports_what_the_header_declares() {
    let listed = output(
        Command::new("nm")
            .args(["-D", "--defined-only"])
            .arg(library()),
    );
    let exported: BTreeSet<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .collect();

    let header = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include/untorn.h");
    let header = std::fs::read_to_string(header).expect("include/untorn.h is there");
    let declared: BTreeSet<&str> = header
        .lines()
        // Comments and macros name functions too.
        .filter(|line| !line.trim_start().starts_with(['*', '/', '#']))
        .flat_map(functions)
        .collect();

    assert!(declared.len() > 60, "declarations were not found");
    assert_eq!(declared, exported);
}

/// The names in a line that a parenthesis follows.
fn functions(line: &str) -> Vec<&str> {
    line.split('(')
        .rev()
        .skip(1)
        .filter_map(|before| {
            let start = before
                .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .map_or(0, |at| at + 1);
            before
                .get(start..)
                .filter(|name| name.starts_with("untorn_"))
        })
        .collect()
}
