//! The differences on Windows: locks that stop readers, open files that can't be
//! replaced, names that are not files, processes.
//!
//! Under Wine with the shim of `ci/windows` this shows that the library copes with what
//! Microsoft documents, not that Windows does it.

use std::fs::{self, File, OpenOptions};
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::scene;
use crate::scene::{Scene, bytes, records};
use untorn::{
    Alive, Document, ErrorKind, FileLock, Holder, Journal, LockOptions, Process, Scheme, Store,
};

const ACCESS_DENIED: i32 = 5;
const LOCK_VIOLATION: i32 = 33;
const SHARING_VIOLATION: i32 = 32;
const SHARE_READ: u32 = 1;
const SHARE_WRITE: u32 = 2;

fn once() -> LockOptions {
    FileLock::options().timeout(Some(Duration::ZERO))
}

#[test]
fn what_the_other_tests_rely_on() {
    // Trap 13: a handle that may only append can't be locked. Trap 14: a lock
    // stops the readers of what it covers. Without these two (plain Wine) the
    // tests below would pass for nothing.
    let scene = Scene::new();
    let path = scene.with("f", "bytes");
    let append = OpenOptions::new().append(true).open(&path).unwrap();
    assert!(append.lock().is_err(), "the shim is not at work");
    let locked = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    locked.lock().unwrap();
    let error = fs::read(&path).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(LOCK_VIOLATION));
    // A directory is not renamed while a file in it is open.
    fs::create_dir(scene.path("from")).unwrap();
    let inside = File::create(scene.path("from").join("f")).unwrap();
    let rename = || fs::rename(scene.path("from"), scene.path("to"));
    assert_eq!(rename().unwrap_err().raw_os_error(), Some(ACCESS_DENIED));
    drop(inside);
    rename().unwrap();
}

#[test]
fn a_session_is_removed_when_no_file_of_it_is_open() {
    let scene = Scene::new();
    let store = Store::open(scene.dir()).unwrap();
    let session = store.session("s").unwrap();
    let journal = session.journal().unwrap();
    journal.append(b"[1]").unwrap();
    let error = store.remove("s").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("close what"), "{error}");
    // It is as it was, and free.
    assert_eq!(journal.tail(9).unwrap().len(), 1);
    drop(session.claim("again").unwrap());
    journal.close().unwrap();
    assert!(store.remove("s").unwrap());
    assert!(!store.remove("s").unwrap());
    assert_eq!(store.keys().unwrap(), Vec::<String>::new());
}

#[test]
fn nobody_is_stopped_by_the_sidecar_lock() {
    // Trap 7: SMB.
    // Trap 14: a lock on Windows keeps others from reading.
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = Journal::open(&path).unwrap();
    let end = journal.append_all(["[1]", "[2]"]).unwrap();
    let _guard = FileLock::options().label("reads").acquire(&path).unwrap();
    // The journal, its generation (which the lock file holds) and the holder.
    assert_eq!(fs::read(&path).unwrap(), b"[1]\n[2]\n");
    let other = Journal::open(&path).unwrap();
    assert_eq!(other.records().unwrap().count(), 2);
    assert_eq!(other.end().unwrap(), end);
    assert_eq!(other.records_from(end).unwrap().count(), 0);
    let holder: Holder = untorn::holder(&path).unwrap().expect("its line");
    assert_eq!(holder.label.as_deref(), Some("reads"));
}

#[test]
fn others_who_lock_the_lock_file_are_kept_out_and_keep_us_out() {
    // Trap 15: the very range that was locked, here and in other programs.
    // Trap 17: other programs lock the first byte, too.
    let scene = Scene::new();
    let path = scene.path("j");
    drop(FileLock::acquire(&path).unwrap());
    let theirs = OpenOptions::new()
        .read(true)
        .write(true)
        .open(scene.path("j.lock"))
        .unwrap();
    // All of the file, as std, `fs4` and portalocker do.
    theirs.lock().unwrap();
    assert_eq!(once().acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
    theirs.unlock().unwrap();
    let guard = once().acquire(&path).unwrap();
    assert!(theirs.try_lock().is_err());
    drop(guard);
    theirs.try_lock().unwrap();
}

#[test]
fn a_document_is_replaced_while_others_read_it() {
    // Trap 19: others have it open.
    let scene = Scene::new();
    let document = Document::open(scene.with("d", "old")).unwrap();
    // With all share modes, as this library and Rust open files.
    let reader = File::open(scene.path("d")).unwrap();
    document.save(b"new").unwrap();
    assert_eq!(std::io::read_to_string(&reader).unwrap(), "old");
    // Readable from its first instant on, when the save has not ended yet: the
    // temporary's lock is not in the way.
    let mut renamed = false;
    let path = scene.path("d");
    let (shown, read) = mpsc::channel();
    let (result, _) = untorn::fault::Plan::new()
        .before(move |call| {
            renamed |= call.op == untorn::fault::Op::Rename;
            if renamed && call.op == untorn::fault::Op::SyncDir {
                shown.send(fs::read(&path).unwrap()).unwrap();
            }
        })
        .run(|| document.save(b"newer"));
    result.unwrap();
    assert_eq!(read.try_recv().unwrap(), b"newer");
}

#[test]
fn a_reader_that_does_not_share_is_waited_for() {
    // Trap 19: CPython's `open` does not let a file be deleted or replaced.
    let scene = Scene::new();
    let document = Document::open(scene.with("d", "old")).unwrap();
    let reader = || {
        OpenOptions::new()
            .read(true)
            .share_mode(SHARE_READ | SHARE_WRITE)
            .open(scene.path("d"))
            .unwrap()
    };
    let stays = reader();
    let error = document.save(b"new").unwrap_err();
    assert!(
        matches!(error.raw_os_error(), Some(5 | SHARING_VIOLATION)),
        "{error}"
    );
    assert_eq!(bytes(&scene.path("d")), b"old");
    assert_eq!(scene.files().len(), 2, "no temporary stays");
    drop(stays);
    // One that ends while a save tries.
    let goes = reader();
    let (tries, tried) = mpsc::channel();
    std::thread::scope(|threads| {
        threads.spawn(move || {
            tried.recv().unwrap();
            // Nothing tells that a try has failed.
            std::thread::sleep(Duration::from_millis(30));
            drop(goes);
        });
        let (result, _) = untorn::fault::Plan::new()
            .before(move |call| {
                if call.op == untorn::fault::Op::Rename {
                    tries.send(()).unwrap();
                }
            })
            .run(|| document.save(b"new"));
        result.unwrap();
    });
    assert_eq!(bytes(&scene.path("d")), b"new");
}

#[test]
fn what_cannot_be_replaced_says_so_at_once() {
    // Trap 18: "access denied" may be for a moment only, or not.
    let scene = Scene::new();
    fs::create_dir(scene.path("dir")).unwrap();
    let error = Document::open(scene.path("dir")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let error = Journal::open(scene.path("j"))
        .unwrap()
        .append_with(
            b"[]",
            &untorn::CallOptions::new().lock(&FileLock::acquire(scene.path("other")).unwrap()),
        )
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
}

#[test]
fn attributes_and_access_are_kept() {
    const HIDDEN: u32 = 2;
    let scene = Scene::new();
    let path = scene.path("d");
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .attributes(HIDDEN)
        .open(&path)
        .unwrap();
    let before = fs::metadata(&path).unwrap().file_attributes();
    Document::open(&path).unwrap().save(b"new").unwrap();
    let after = fs::metadata(&path).unwrap().file_attributes();
    assert_eq!(after & HIDDEN, before & HIDDEN);
}

#[test]
fn foreign_appends_are_not_overwritten() {
    // Each append goes to the end as it is by then, not as it was.
    let scene = Scene::new();
    let path = scene.with("j", "[0]\n");
    let journal = scene::journal(&path);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            use std::io::Write;
            let mut theirs = OpenOptions::new().append(true).open(&path).unwrap();
            for _ in 0..500 {
                theirs.write_all(b"[\"theirs\"]\n").unwrap();
            }
        });
        for _ in 0..500 {
            journal.append(b"[\"ours\"]").unwrap();
        }
    });
    assert_eq!(records(&path).len(), 1001);
}

#[test]
fn long_paths() {
    let scene = Scene::new();
    let mut dir = scene.dir().to_owned();
    while dir.as_os_str().len() < 400 {
        dir.push("a-directory-with-a-long-name");
    }
    let journal = Journal::options()
        .parents(true)
        .open(dir.join("j"))
        .unwrap();
    journal.append_all(["[1]", "[2]"]).unwrap();
    assert_eq!(journal.records().unwrap().count(), 2);
    let document = Document::open(dir.join("d")).unwrap();
    document.save(b"1").unwrap();
    document.save(b"2").unwrap();
    assert_eq!(document.load().unwrap().0, b"2");
    assert!(once().acquire(dir.join("j")).unwrap().is_held());
}

#[test]
fn names_that_are_not_files() {
    let scene = Scene::new();
    for name in ["nul", "CON", "aux.jsonl", "com1.json", "jou:stream", "a?b"] {
        let error = Journal::open(scene.path(name))
            .and_then(|journal| journal.append(b"[]").map(drop))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name}: {error}");
        let error = FileLock::acquire(scene.path(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name}: {error}");
    }
    assert!(scene.files().is_empty());
    // One file, one lock: the system drops dots at the end, and sees no case.
    let journal = Journal::open(scene.path("j..")).unwrap();
    journal.append(b"[]").unwrap();
    assert_eq!(bytes(&scene.path("j")), b"[]\n");
    let _guard = FileLock::acquire(scene.path("j")).unwrap();
    for name in ["J", "j.", "./j"] {
        let error = once().acquire(scene.path(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked, "{name}");
    }
}

#[test]
fn a_lock_file_that_is_being_deleted() {
    // Trap 18: the name stays until the last handle is closed, and opening it is
    // "access denied" until then. Our handles free it at once.
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    journal.append(b"[1]").unwrap();
    fs::remove_file(scene.path("j.lock")).unwrap();
    journal.append(b"[2]").unwrap();
    fs::remove_file(&path).unwrap();
    journal.append(b"[3]").unwrap();
    assert_eq!(bytes(&path), b"[3]\n");
    assert!(scene.path("j.lock").exists());
}

#[test]
fn whether_a_process_lives() {
    let mut child = Command::new("cmd")
        .args(["/c", "set /p wait="])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let process = Process::of(child.id());
    assert_eq!(process.alive(), Alive::Alive);
    assert!(process.start.is_some());
    // Windows takes the next three numbers for the same pid.
    for pid in child.id() + 1..child.id() + 4 {
        assert_eq!(Process::of(pid).start, None, "{pid}");
        let other = serde_json::json!({ "pid": pid, "start": process.start });
        let other: Process = serde_json::from_value(other).unwrap();
        assert_eq!(other.alive(), Alive::Dead);
    }
    let mut reused = process.clone();
    reused.start = process.start.map(|start| start - 1);
    assert_eq!(reused.alive(), Alive::Dead);
    child.kill().unwrap();
    child.wait().unwrap();
    // It stays as an object, since `child` has a handle of it.
    assert_eq!(process.alive(), Alive::Dead);
}

#[test]
fn in_place_locks_the_file_itself() {
    // Trap 14: a lock on Windows keeps others from reading.
    let scene = Scene::new();
    let path = scene.with("d", "{\"n\":0}");
    let document = Document::options()
        .scheme(Scheme::InPlace)
        .open(&path)
        .unwrap();
    document.save(b"{\"n\":1}").unwrap();
    assert_eq!(document.load().unwrap().0, b"{\"n\":1}");
    let theirs = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    theirs.lock().unwrap();
    let error = once().scheme(Scheme::InPlace).acquire(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    theirs.unlock().unwrap();
    let _guard = once().scheme(Scheme::InPlace).acquire(&path).unwrap();
    // By this library the process that has the lock reads all the same.
    assert_eq!(document.load().unwrap().0, b"{\"n\":1}");
    // As documented: who reads without the lock gets an error meanwhile.
    let error = fs::read(&path).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(LOCK_VIOLATION));
    assert!(theirs.try_lock().is_err());
}
