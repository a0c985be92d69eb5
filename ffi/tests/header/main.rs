//! cbindgen writes `include/untorn.h` from the sources; `sections` puts it in an
//! order for people.

use std::path::Path;

mod sections;

#[test]
fn header_is_current() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut made = Vec::new();
    cbindgen::generate(here)
        .expect("cbindgen reads the sources")
        .write(&mut made);
    let made = String::from_utf8(made).expect("the header is UTF-8");
    let made = sections::arrange(&made)
        // C89 has no such comments.
        .replace(" // __cplusplus", " /* __cplusplus */")
        .replace("  // extern \"C\"", "  /* extern \"C\" */")
        // From spec/options.toml.
        .replace("@INITIALIZERS@", include_str!("../../initializers.h"))
        // One place has the version: Cargo.toml.
        .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
        .replace("@MAJOR@", env!("CARGO_PKG_VERSION_MAJOR"))
        .replace("@MINOR@", env!("CARGO_PKG_VERSION_MINOR"))
        .replace("@PATCH@", env!("CARGO_PKG_VERSION_PATCH"));
    let path = here.join("../include/untorn.h");
    if std::env::var_os("UPDATE_HEADER").is_some() {
        std::fs::write(&path, &made).expect("the header can be written");
    }
    let committed = std::fs::read_to_string(&path).expect("include/untorn.h exists");
    assert!(
        made == committed,
        "include/untorn.h differs from the sources: \
         UPDATE_HEADER=1 cargo test -p untorn-ffi --test header"
    );
}

#[test]
fn the_functions_to_begin_with_are_declared() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include/untorn.h");
    let header = std::fs::read_to_string(path).expect("include/untorn.h exists");
    let (head, declarations) = header.split_once("*/").expect("the first comment ends");
    let (_, list) = head
        .split_once("The ten functions that most programs need first")
        .expect("the header has the list");
    let names: Vec<&str> = list
        .lines()
        .skip(2)
        .map_while(|line| line.strip_prefix(" *   ")?.split_once('('))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names.len(), 10, "{names:?}");
    for name in names {
        assert!(declarations.contains(&format!("{name}(")), "{name}");
    }
}
