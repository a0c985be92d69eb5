//! Mistakes with documents, locks, transactions and sessions.

use std::convert::Infallible;
use std::time::Duration;

use super::table::{Row, answers, document, journal};
use crate::scene::Scene;
use untorn::{
    CallOptions, Document, ErrorKind, ErrorKind::*, FileLock, Process, Result, Store, Transaction,
    document_json,
};

fn loaded(scene: &Scene, name: &str) -> Result<()> {
    let (bytes, _) = Document::open(scene.path(name))?.load()?;
    document_json(scene.path(name), &bytes).map(drop)
}

/// What a call answers within work under a lock of this thread's.
fn within<T>(work: impl FnOnce(&mut dyn FnMut(Result<()>)) -> T) -> Result<()> {
    let mut answer = None;
    work(&mut |result| answer = Some(result));
    answer.expect("it was tried")
}

fn tried_once(scene: &Scene, timeout: Duration) -> Result<()> {
    let path = scene.path("busy");
    let _guard = FileLock::options().label("the other").acquire(&path)?;
    let wait = CallOptions::new().timeout(Some(timeout));
    std::thread::scope(|threads| {
        let attempt = || FileLock::options().acquire_with(&path, &wait).map(drop);
        threads.spawn(attempt).join().unwrap()
    })
}

const DOCUMENTS: &[Row] = &[
    (
        "a document that is missing",
        |scene| loaded(scene, "nope.json"),
        NotFound,
        &["load ", "nope.json: the document does not exist"],
    ),
    (
        "an empty document",
        |scene| loaded(scene, "empty.json"),
        Corrupt,
        &[
            "holds no value (0 bytes)",
            "restore it, or save a new value",
        ],
    ),
    (
        "half a document",
        |scene| loaded(scene, "half.json"),
        Corrupt,
        &["not JSON: EOF while"],
    ),
    (
        "a removal of a version of before",
        |scene| {
            let document = document(scene);
            let version = "0123456789abcdef0123456789abcdef"
                .parse()
                .expect("a version");
            document.remove_if(version)
        },
        Conflict,
        &["others have saved it meanwhile"],
    ),
    (
        "a second save of an update",
        |scene| {
            let mut update =
                Document::open(scene.path("other"))?.begin_update(&CallOptions::new())?;
            update.save(b"1")?;
            update.save(b"2").map(drop)
        },
        InvalidArgument,
        &["this update is finished, and its lock is released; begin another"],
    ),
    (
        "a save after close",
        |scene| {
            let document = document(scene);
            document.close()?;
            document.save(b"2").map(drop)
        },
        InvalidArgument,
        &["save ", "the document is closed"],
    ),
];

const SHARING: &[Row] = &[
    (
        "a lock that is taken twice",
        |scene| {
            let _guard = FileLock::acquire(scene.path("d"))?;
            FileLock::acquire(scene.path("d")).map(drop)
        },
        Deadlock,
        &["this thread already holds the lock and would wait for itself"],
    ),
    (
        "a lock that was released",
        |scene| {
            let guard = FileLock::acquire(scene.path("d"))?;
            guard.release()?;
            let document = document(scene);
            let call = CallOptions::new().lock(&guard);
            document
                .save_with(b"2", untorn::Expect::Anything, &call)
                .map(drop)
        },
        InvalidArgument,
        &["the lock given was released"],
    ),
    (
        "a lock file in the place of its file",
        |scene| FileLock::acquire(scene.path("j.lock")).map(drop),
        InvalidArgument,
        &["or lock exactly this file with `acquire_at`"],
    ),
    (
        "a wait that is too short",
        |scene| tried_once(scene, Duration::from_millis(1)),
        LockTimeout,
        &["not free within 1ms; held by pid ", "(the other)"],
    ),
    (
        "one try, while the lock is held",
        |scene| tried_once(scene, Duration::ZERO),
        Locked,
        &["the lock is held; held by pid ", "(the other)"],
    ),
    (
        "a lock that is handed to a process that has ended",
        |scene| FileLock::acquire(scene.path("d"))?.transfer(&Process::of(4_000_000)),
        InvalidArgument,
        &["the successor, pid 4000000, has ended"],
    ),
    (
        "an append within a compaction",
        |scene| {
            let journal = journal(scene);
            within(|answer| {
                journal.compact(|rewrite| {
                    answer(journal.append(b"2").map(drop));
                    rewrite.push(b"[1]")
                })
            })
        },
        Deadlock,
        &["inside compact, push the record instead of appending it"],
    ),
    (
        "an append within a decision",
        |scene| {
            let journal = journal(scene);
            let fold = journal.fold(
                || 0,
                |count, _| {
                    *count += 1;
                    Ok::<_, Infallible>(())
                },
            )?;
            within(|answer| {
                fold.update(|_| {
                    answer(journal.append(b"2").map(drop));
                    Ok::<[&[u8]; 0], untorn::Error>([])
                })
            })
        },
        Deadlock,
        &["inside a fold, return the records from `update`, or append them with the turn"],
    ),
    (
        "an absolute path in a transaction",
        |scene| Transaction::begin(scene.dir())?.save("/x", b"1").map(drop),
        InvalidArgument,
        &["save /x: not the name of a file in the transaction's directory: no separator, no `..`"],
    ),
    (
        "a session that is claimed twice",
        |scene| {
            let session = Store::open(scene.path("store"))?.session("s")?;
            let _lease = session.claim("me")?;
            session.claim("me too").map(drop)
        },
        Locked,
        &["claim ", "(me) since "],
    ),
    (
        "a session that is removed while it is owned",
        |scene| {
            let store = Store::open(scene.path("store"))?;
            let _lease = store.session("s")?.claim("me")?;
            store.remove("s").map(drop)
        },
        Locked,
        &["remove ", "(me) since "],
    ),
    (
        "a path in the place of a session's file",
        |scene| {
            let session = Store::open(scene.path("store"))?.session("s")?;
            session.document("../x").map(drop)
        },
        InvalidArgument,
        &["../x", "name"],
    ),
];

#[test]
fn mistakes_with_documents() {
    answers(DOCUMENTS);
}

#[test]
fn mistakes_with_locks_transactions_and_sessions() {
    answers(SHARING);
}

/// The error of a program that does more than this library.
#[derive(Debug)]
enum Mine {
    Number,
    Untorn(ErrorKind),
}

impl From<std::num::ParseIntError> for Mine {
    fn from(_: std::num::ParseIntError) -> Mine {
        Mine::Number
    }
}

impl From<untorn::Error> for Mine {
    fn from(error: untorn::Error) -> Mine {
        Mine::Untorn(error.kind())
    }
}

#[test]
fn an_error_of_the_callers_own_ends_the_work_and_changes_nothing() {
    fn number() -> std::result::Result<u64, Mine> {
        Ok("many".parse::<u64>()?)
    }
    let scene = Scene::quick();
    let (journal, document) = (journal(&scene), document(&scene));
    journal.append(b"[1]").unwrap();
    let fold = journal.fold(|| 0, |_, _| Ok::<_, Infallible>(())).unwrap();
    let failed = [
        document
            .try_update(|_| Ok::<_, Mine>(number()?.to_string().into_bytes()))
            .map(drop),
        journal
            .try_compact(|rewrite| Ok::<_, Mine>(rewrite.push(number()?.to_string().as_bytes())?))
            .map(drop),
        fold.update(|_| Ok::<_, Mine>([number()?.to_string()]))
            .map(drop),
    ];
    for result in failed {
        assert!(matches!(result, Err(Mine::Number)), "{result:?}");
    }
    // An error of the library comes through as well.
    let result = journal.try_compact(|rewrite| Ok::<_, Mine>(rewrite.push(b"{")?));
    assert!(
        matches!(result, Err(Mine::Untorn(InvalidRecord))),
        "{result:?}"
    );
    assert_eq!(std::fs::read(scene.path("j")).unwrap(), b"[1]\n");
    assert!(!scene.path("d").exists());
}
