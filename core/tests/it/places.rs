//! Where a path leads: after a `chdir`, and through symbolic links that others turn.
//!
//! The working directory is the whole process's, so what changes it is played by a
//! process of its own.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::scene::alone::alone;
use crate::scene::{self, Scene};
use untorn::{Document, Durability, ErrorKind, Journal, Store, Transaction};

fn go_to(dir: &Path) {
    std::env::set_current_dir(dir).unwrap();
}

#[test]
fn a_relative_path_means_the_same_after_a_chdir() {
    if !alone(
        module_path!(),
        "a_relative_path_means_the_same_after_a_chdir",
    ) {
        return;
    }
    let scene = Scene::new();
    let (here, there) = (scene.path("here"), scene.path("there"));
    std::fs::create_dir(&here).unwrap();
    std::fs::create_dir(&there).unwrap();
    go_to(&here);
    let journal = scene::journal(Path::new("j"));
    let document = Document::open("d").unwrap();
    let store = Store::open("s").unwrap();
    let lock = untorn::absolute("l").unwrap();
    let mut transaction = Transaction::begin(".").unwrap();
    go_to(&there);
    journal.append(b"[1]").unwrap();
    document.save(b"1").unwrap();
    let session = store.session("k").unwrap();
    let lease = session.claim("one").unwrap();
    session.journal().unwrap().append(b"[1]").unwrap();
    lease.release().unwrap();
    drop(untorn::FileLock::acquire(&lock).unwrap());
    transaction.save("t", b"1").unwrap();
    transaction.commit().unwrap();
    journal.rotate().unwrap();
    assert_eq!(document.load().unwrap().0, b"1");
    assert_eq!(std::fs::read_dir(&there).unwrap().count(), 0);
    for name in ["j", "j.lock", "d", "s", "l.lock", "t"] {
        assert!(here.join(name).exists(), "{name}");
    }
}

#[test]
fn a_working_directory_that_is_gone() {
    if !alone(module_path!(), "a_working_directory_that_is_gone") {
        return;
    }
    let scene = Scene::new();
    let gone = scene.path("gone");
    std::fs::create_dir(&gone).unwrap();
    go_to(&gone);
    std::fs::remove_dir(&gone).unwrap();
    let kinds = [
        Journal::open("j").unwrap_err().kind(),
        Document::open("d").unwrap_err().kind(),
        untorn::FileLock::acquire("l").unwrap_err().kind(),
        untorn::absolute("l").unwrap_err().kind(),
        Transaction::begin(".").unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::NotFound; 5]);
    scene::journal(&scene.path("j")).append(b"[1]").unwrap();
    Document::open(scene.path("d")).unwrap().save(b"1").unwrap();
}

/// As Kubernetes mounts a ConfigMap: the file is a link into `..data`, which is a
/// link to the version; that one is exchanged, and the old version removed.
#[test]
fn a_directory_that_is_exchanged_by_its_link() {
    let scene = Scene::new();
    let version = |name: &str| {
        std::fs::create_dir(scene.path(name)).unwrap();
        scene.with(&format!("{name}/c.json"), name);
    };
    let link = |to: &str| {
        symlink(to, scene.path("new")).unwrap();
        std::fs::rename(scene.path("new"), scene.path("..data")).unwrap();
    };
    version("v1");
    version("v2");
    link("v1");
    symlink("..data/c.json", scene.path("c.json")).unwrap();
    let document = Document::options().durability(Durability::Process);
    let document = document.open(scene.path("c.json")).unwrap();
    assert_eq!(document.load().unwrap().0, b"v1");
    link("v2");
    std::fs::remove_dir_all(scene.path("v1")).unwrap();
    let (bytes, version) = document.load().unwrap();
    assert_eq!(bytes, b"v2");
    // What would be saved is where the path led: that is gone, and it is said.
    let error = document.save_if(Some(version), b"3").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("v1"), "{error}");
    std::fs::remove_dir_all(scene.path("v2")).unwrap();
    let error = document.load().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("does not exist"), "{error}");
}

/// A handle keeps the file that the path led to as it was opened, as long as the
/// directory is there.
#[test]
fn a_link_that_is_turned_to_another_file() {
    let scene = Scene::new();
    scene.with("1", "");
    scene.with("2", "");
    symlink("1", scene.path("latest")).unwrap();
    let journal = scene::journal(&scene.path("latest"));
    let document = Document::open(scene.path("latest")).unwrap();
    journal.append(b"[1]").unwrap();
    std::fs::remove_file(scene.path("latest")).unwrap();
    symlink("2", scene.path("latest")).unwrap();
    journal.append(b"[2]").unwrap();
    assert_eq!(scene::bytes(&scene.path("1")), b"[1]\n[2]\n");
    assert_eq!(scene::bytes(&scene.path("2")), b"");
    std::fs::remove_file(scene.path("1")).unwrap();
    assert_eq!(document.load().unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_path_that_ends_in_a_separator() {
    let scene = Scene::new();
    scene.with("f", "[1]\n");
    for name in ["f/", "new/", "f//", "new/."] {
        let path = scene.path(name);
        assert!(Journal::open(&path).is_err(), "{name}");
        assert!(Document::open(&path).is_err(), "{name}");
    }
    // The lock of a directory, which need not be there, is one by any spelling.
    let guard = untorn::FileLock::acquire(scene.path("new/")).unwrap();
    let lock_path = guard.lock_path().to_owned();
    drop(guard);
    assert_eq!(lock_path.file_name().unwrap(), "new.lock");
    std::fs::remove_file(scene.path("new.lock")).unwrap();
    let names: Vec<_> = scene.files().into_keys().collect();
    assert_eq!(names, ["f"]);
}
