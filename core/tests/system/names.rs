//! One file under two names: each name has a lock file of its own, so appends by
//! both would not exclude each other.

#[cfg(target_os = "linux")]
use crate::scene::alone::{is_alone, once_more};
use std::cell::Cell;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

use crate::scene;
use crate::scene::Scene;
use untorn::fault::{Op, Plan};
use untorn::{Document, Error, ErrorKind, Journal, Scheme, Transaction};

fn refused(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::LockUnsupported, "{error}");
    assert!(error.to_string().contains("in-place"), "{error}");
}

#[test]
fn a_journal_with_a_second_hard_link_is_not_appended_to() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    journal.append(b"[1]").unwrap();
    // A used handle, and a link that is made later.
    fs::hard_link(&path, scene.path("other")).unwrap();
    refused(&journal.append(b"[2]").unwrap_err());
    refused(&journal.append_all(["[2]", "[3]"]).unwrap_err());
    refused(&journal.replace(["[2]"]).unwrap_err());
    refused(&journal.rotate().unwrap_err());
    refused(
        &scene::journal(&scene.path("other"))
            .append(b"[2]")
            .unwrap_err(),
    );
    let mut transaction = Transaction::begin(scene.dir()).unwrap();
    let appended = transaction
        .append("j", ["[2]"])
        .and_then(|()| transaction.commit());
    refused(&appended.unwrap_err());
    assert_eq!(scene::bytes(&path), b"[1]\n");
    let report = untorn::selftest(scene.dir()).unwrap();
    let names = report.checks.iter().find(|check| check.name == "names");
    assert!(names.unwrap().detail.contains("hard link"), "{report}");
    assert!(!report.passed(), "{report}");
    assert_eq!(
        journal.records().unwrap().count(),
        1,
        "reading needs no lock"
    );
    let in_place = Journal::options()
        .scheme(Scheme::InPlace)
        .open(scene.path("other"))
        .unwrap();
    in_place.append(b"[2]").unwrap();
    fs::remove_file(scene.path("other")).unwrap();
    journal.append(b"[3]").unwrap();
    assert_eq!(scene::bytes(&path), b"[1]\n[2]\n[3]\n");
}

#[test]
fn a_file_that_moved_and_left_a_link_is_not_changed_through_it() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let document = Document::open(&path).unwrap();
    journal.append(b"[1]").unwrap();
    fs::create_dir(scene.path("elsewhere")).unwrap();
    fs::rename(&path, scene.path("elsewhere/j")).unwrap();
    symlink("elsewhere/j", &path).unwrap();
    let error = journal.append(b"[2]").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    let error = document.save(b"[2]\n").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(path.is_symlink());
    // Opened again it is the lock of the link's target.
    scene::journal(&path).append(b"[2]").unwrap();
    assert_eq!(scene::bytes(&scene.path("elsewhere/j")), b"[1]\n[2]\n");
}

/// A file that is mounted by itself, as containers are given one.
#[cfg(target_os = "linux")]
#[test]
fn a_journal_that_is_mounted_by_itself_is_not_appended_to() {
    if !inside(
        "a_journal_that_is_mounted_by_itself_is_not_appended_to",
        &["unshare", "--mount"],
    ) {
        return;
    }
    let scene = Scene::new();
    let host = scene.with("host", "");
    let mounted = scene.with("mounted", "");
    let used = scene::journal(&mounted);
    used.append(b"[0]").unwrap();
    let bind = ["--bind", host.to_str().unwrap(), mounted.to_str().unwrap()];
    assert!(Command::new("mount").args(bind).status().unwrap().success());
    refused(&used.append(b"[1]").unwrap_err());
    assert!(!untorn::selftest(scene.dir()).unwrap().passed());
    refused(&scene::journal(&mounted).append(b"[1]").unwrap_err());
    let document = Document::open(&mounted).unwrap();
    let error = document.save(b"{}").unwrap_err();
    assert!(error.to_string().contains("in-place"), "{error}");
    let in_place = Journal::options()
        .scheme(Scheme::InPlace)
        .open(&mounted)
        .unwrap();
    in_place.append(b"[1]").unwrap();
    scene::journal(&host).append(b"[2]").unwrap();
    assert_eq!(scene::bytes(&host), b"[1]\n[2]\n");
    drop(in_place);
    assert!(
        Command::new("umount")
            .arg(&mounted)
            .status()
            .unwrap()
            .success()
    );
}

/// Runs this very test once more in a mount namespace of its own; `true` there.
#[cfg(target_os = "linux")]
fn inside(test: &str, unshare: &[&str]) -> bool {
    if is_alone() {
        return true;
    }
    let possible = Command::new(unshare[0])
        .args(&unshare[1..])
        .arg("true")
        .status();
    if !possible.is_ok_and(|status| status.success()) {
        eprintln!("{test}: skipped, since no mount namespace is to be had here (not root)");
        return false;
    }
    let status = once_more(unshare, module_path!(), test);
    assert!(status.success(), "{test} failed in its namespace");
    false
}

#[test]
fn a_name_from_before_that_a_power_cut_left_goes() {
    let works: [fn(&Path) -> untorn::Result<()>; 2] = [
        |dir| Journal::open(dir.join("j"))?.replace(["[1]"]).map(drop),
        |dir| {
            let mut transaction = Transaction::begin(dir)?;
            transaction.append("j", ["[1]"])?;
            transaction.commit()
        },
    ];
    for work in works {
        let scene = Scene::quick();
        let link = Rc::new(Cell::new(0));
        let found = Rc::clone(&link);
        let look = Plan::new().before(move |call| {
            if call.op == Op::Link && call.path.is_some_and(|path| path.ends_with("j")) {
                found.set(call.number);
            }
        });
        look.run(|| work(scene.dir())).0.unwrap();
        let scene = Scene::quick();
        let (_, _) = Plan::new().die(link.get() + 1).run(|| work(scene.dir()));
        assert_eq!(std::fs::metadata(scene.path("j")).unwrap().nlink(), 2);
        // What says that it was under way was not on the medium.
        for name in ["j.lock", ".untorn.lock", ".untorn.txn"] {
            let _ = std::fs::remove_file(scene.path(name));
        }
        let journal = Journal::open(scene.path("j")).unwrap();
        journal.append(b"[2]").unwrap();
        assert_eq!(std::fs::metadata(scene.path("j")).unwrap().nlink(), 1);
        assert_eq!(std::fs::read(scene.path("j")).unwrap(), b"[1]\n[2]\n");
    }
}
