//! `untorn store copy`, on a server of the test's own: a directory to a database, and
//! back.
#![cfg(unix)]

#[path = "../../engine/postgres/tests/it/server.rs"]
#[allow(dead_code, reason = "the engine's tests kill and promote it")]
mod server;

use std::path::Path;
use std::process::Command;

fn copy(args: &[&str]) -> (i32, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_untorn"))
        .args(["store", "copy"])
        .args(args)
        .output()
        .unwrap();
    let said = [out.stdout, out.stderr].concat();
    (
        out.status.code().unwrap(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn a_directory_goes_to_a_database_and_back() {
    let server = server::Server::start();
    let host = server.dir.to_str().unwrap().replace('/', "%2F");
    let url = format!("postgres://untorn@{host}/postgres");
    let (up, down) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let text = |dir: &Path| dir.to_str().unwrap().to_owned();
    let files = untorn::Store::open(up.path()).unwrap();
    for key in ["a", "../b"] {
        let session = files.session(key).unwrap();
        session.journal().unwrap().append(b"1").unwrap();
        session.state().unwrap().save(b"{}").unwrap();
    }
    let (status, said) = copy(&[&text(up.path()), &url]);
    assert_eq!(status, 3, "{said}");
    assert!(said.contains("run the migrations"), "{said}");
    let _owner = files.session("a").unwrap().claim("me").unwrap();
    let (status, said) = copy(&[&text(up.path()), &url, "--migrate"]);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("left out a: "), "{said}");
    drop(_owner);
    let (status, said) = copy(&["--json", &text(up.path()), &url]);
    assert_eq!(status, 0, "{said}");
    assert!(
        said.contains("\"sessions\":2") && said.contains("\"copied\":4"),
        "{said}"
    );
    let (status, said) = copy(&[&url, &text(down.path())]);
    assert_eq!(
        (status, &*said),
        (0, "sessions 2, files 4, bytes 8, of which 8 are new\n")
    );
    let back = untorn::Store::open(down.path()).unwrap();
    let (old, new) = (
        files.session("../b").unwrap(),
        back.session("../b").unwrap(),
    );
    assert_eq!(
        old.journal().unwrap().end().unwrap(),
        new.journal().unwrap().end().unwrap()
    );
    assert_eq!(new.state().unwrap().load().unwrap().0, b"{}");

    for both in [[&text(up.path()), &text(down.path())], [&url, &url]] {
        assert_eq!(copy(&both.map(String::as_str)).0, 2);
    }
    let (status, said) = copy(&["postgres://me:secret@127.0.0.1:1/x", &text(down.path())]);
    assert_eq!(status, 3, "{said}");
    assert!(!said.contains("secret"), "{said}");
}
