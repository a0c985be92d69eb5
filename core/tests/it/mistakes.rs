//! What a caller's mistake is answered with: the kind, and words that say what to do.

mod opening;
mod sharing;
mod table;

use std::fs;
use std::time::Duration;

use crate::scene::Scene;
use untorn::{
    CallOptions, Document, Durability, Error, ErrorKind, FileLock, Journal, Position, Store,
    Transaction, holder,
};

fn says(error: &Error, kind: ErrorKind, words: &[&str]) {
    let message = error.to_string();
    assert_eq!(error.kind(), kind, "{message}");
    for word in words {
        assert!(message.contains(word), "no {word:?} in: {message}");
    }
}

fn refused<T>(result: Result<T, Error>, kind: ErrorKind, words: &[&str]) {
    match result {
        Ok(_) => panic!("it succeeded, and should say {words:?}"),
        Err(error) => says(&error, kind, words),
    }
}

use ErrorKind::*;

#[test]
fn a_missing_directory_is_named_with_what_makes_it() {
    let scene = Scene::new();
    let path = scene.path("no/such/a");
    let missing = path.parent().unwrap().display().to_string();
    let words = [
        &*format!("the directory {missing} does not exist"),
        "parents",
    ];
    refused(Journal::open(&path), NotFound, &words);
    refused(Document::open(&path), NotFound, &words);
    refused(FileLock::acquire(&path), NotFound, &[words[0]]);
    refused(
        Transaction::begin(scene.path("no/such")),
        NotFound,
        &["no/such", "does not exist"],
    );
}

#[test]
fn a_path_that_a_shell_would_expand() {
    refused(
        Journal::open("~/untorn-no-such/a.jsonl"),
        NotFound,
        &["a shell expands `~`, this library does not"],
    );
    refused(
        Document::open("file:///tmp/a.json"),
        NotFound,
        &["write a path, not a URL"],
    );
    // As a binding passes them on that has made them absolute.
    let scene = Scene::new();
    refused(
        Document::open(scene.path("~/a.json")),
        NotFound,
        &["a shell expands `~`, this library does not"],
    );
    refused(
        Journal::open(scene.path("file:///tmp/a.jsonl")),
        NotFound,
        &["write a path, not a URL"],
    );
}

#[test]
fn a_document_that_is_missing_or_exists() {
    let scene = Scene::new();
    let document = Document::open(scene.path("d")).unwrap();
    refused(document.load(), NotFound, &["the document does not exist"]);
    document.save(b"1").unwrap();
    refused(
        document.create(b"2"),
        AlreadyExists,
        &["create", "already exists", "nothing was changed"],
    );
    let (_, version) = document.load().unwrap();
    document.save(b"3").unwrap();
    refused(
        document.save_if(Some(version), b"4"),
        Conflict,
        &["others have saved it meanwhile; load it and try again"],
    );
}

#[test]
fn a_lock_that_the_thread_holds_itself() {
    let scene = Scene::new();
    let path = scene.path("s");
    let document = Document::open(&path).unwrap();
    let journal = Journal::open(scene.path("j")).unwrap();
    let guard = FileLock::acquire(&path).unwrap();
    let advice = "pass the guard that holds it (`CallOptions::lock`), or release it first";
    refused(document.save(b"1"), Deadlock, &[advice]);
    refused(
        journal.append_with(b"1", &CallOptions::new().lock(&guard)),
        InvalidArgument,
        &["the lock given is that of"],
    );
    drop(guard);
    let inside = "inside update, change the value instead of saving";
    for nested in [
        |d: &Document| d.save(b"2").map(drop),
        |d: &Document| d.update(|_| Ok(b"3".to_vec())).map(drop),
    ] {
        let mut told = None;
        document
            .update(|_| {
                told = nested(&document).err();
                Ok(b"1".to_vec())
            })
            .unwrap();
        says(&told.unwrap(), Deadlock, &[inside]);
    }
    // Another handle, and after the update the advice is the usual one.
    let update = document.begin_update(&CallOptions::new()).unwrap();
    refused(
        Document::open(&path).unwrap().save(b"4"),
        Deadlock,
        &[inside],
    );
    drop(update);
    let guard = FileLock::acquire(&path).unwrap();
    refused(document.save(b"5"), Deadlock, &[advice]);
    drop(guard);
}

#[test]
fn a_lock_that_this_process_holds_says_so() {
    let scene = Scene::new();
    let path = scene.path("s");
    let _guard = FileLock::options().label("me").acquire(&path).unwrap();
    let once = CallOptions::new().timeout(Some(Duration::ZERO));
    let pid = std::process::id();
    let held = format!("held by pid {pid} (me)");
    std::thread::scope(|threads| {
        let tries = || FileLock::options().acquire_with(&path, &once).map(drop);
        let told = threads.spawn(tries).join().unwrap().unwrap_err();
        says(&told, Locked, &[&held, ", which is this process"]);
    });
    assert_eq!(holder(&path).unwrap().unwrap().pid, pid);
}

#[test]
fn a_mode_that_was_not_octal() {
    let scene = Scene::new();
    let words = ["mode 600 is 0o1130", "modes are octal: 0o600?"];
    refused(
        Journal::options().mode(Some(600)).open(scene.path("j")),
        InvalidArgument,
        &words,
    );
    refused(
        Document::options().mode(Some(600)).open(scene.path("d")),
        InvalidArgument,
        &words,
    );
    refused(
        Journal::options().mode(Some(0o1777)).open(scene.path("j")),
        InvalidArgument,
        &["0o1777", "0o777"],
    );
}

#[test]
fn another_program_s_lock_directory() {
    let scene = Scene::new();
    let path = scene.path("s");
    fs::create_dir(scene.path("s.lock")).unwrap();
    refused(
        Document::open(&path).unwrap().save(b"1"),
        InvalidArgument,
        &[
            "s.lock",
            "a directory",
            "another program",
            "proper-lockfile",
        ],
    );
}

#[test]
fn a_record_that_is_none() {
    let scene = Scene::new();
    let journal = Journal::open(scene.path("j")).unwrap();
    for (record, words) in [
        (&b"{\n}"[..], &["a newline at byte 1", "escape it"][..]),
        (b"1\n", &["leave the final newline off"]),
        (b"1 2", &["one JSON value"]),
        (b"", &["empty"]),
    ] {
        refused(journal.append(record), InvalidRecord, words);
    }
    let small = Journal::options()
        .max_record(10)
        .open(scene.path("j"))
        .unwrap();
    refused(
        small.append(b"\"0123456789\""),
        LimitExceeded,
        &["12 bytes", "max_record is 10"],
    );
    let _ = journal.close();
    refused(
        journal.append(b"1"),
        InvalidArgument,
        &["the journal is closed"],
    );
}

#[test]
fn a_position_that_is_none() {
    let scene = Scene::new();
    let journal = Journal::open(scene.path("j")).unwrap();
    let end = journal.append(b"[1]").unwrap();
    let inner = Position { offset: 1, ..end };
    let other = Position {
        generation: 7,
        ..end
    };
    for position in [inner, other] {
        refused(journal.rewind(position), Conflict, &["nothing was changed"]);
    }
}

#[test]
fn a_transaction_that_is_over() {
    let scene = Scene::new();
    let mut tx = Transaction::begin(scene.dir()).unwrap();
    refused(
        tx.save("../x", b"1"),
        InvalidArgument,
        &["the transaction's directory"],
    );
    tx.save("a", b"1").unwrap();
    tx.commit().unwrap();
    refused(
        tx.save("a", b"2"),
        InvalidArgument,
        &["the transaction is over", "begin another"],
    );
}

#[test]
fn the_debug_form_of_an_error_is_its_message() {
    // `fn main() -> Result<(), untorn::Error>` prints it.
    let scene = Scene::new();
    let error = Journal::open(scene.path("no/j")).unwrap_err();
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn reading_an_unknown_session_makes_none() {
    let scene = Scene::new();
    let store = Store::open(scene.dir()).unwrap();
    let session = store.session("nobody").unwrap();
    let journal = session.journal().unwrap();
    assert_eq!(journal.records().unwrap().count(), 0);
    assert_eq!(journal.tail(3).unwrap().len(), 0);
    assert!(session.state().unwrap().load().is_err());
    assert!(store.keys().unwrap().is_empty());
    assert_eq!(fs::read_dir(scene.dir()).unwrap().count(), 0);
}

#[test]
fn a_tail_has_as_many_good_records_as_there_are() {
    let scene = Scene::new();
    let path = scene.path("j");
    fs::write(&path, "[1]\n[2]\n[3]\n\0\0\0\n[4]\n\0\n\n[5]\n[6").unwrap();
    let journal = Journal::options()
        .durability(Durability::Process)
        .open(&path)
        .unwrap();
    let tail = |n| -> Vec<Vec<u8>> {
        let records = journal.tail(n).unwrap();
        records.into_iter().map(|record| record.bytes).collect()
    };
    assert_eq!(tail(2), [b"[4]", b"[5]"]);
    assert_eq!(tail(4), [b"[2]", b"[3]", b"[4]", b"[5]"]);
}
