//! Sessions: every verb that makes or removes one keeps its time limit and can be
//! cancelled, even if another process keeps the store's names locked. Nothing long
//! happens under that lock. A refused verb changes nothing.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::scene::Scene;
use untorn::fault::{Op, Plan};
use untorn::{
    CallOptions, CancelToken, Durability, Error, ErrorKind, Result, Scheme, Session, Store,
};

fn store(scene: &Scene) -> Store {
    Store::options()
        .durability(Durability::Process)
        .open(scene.dir())
        .unwrap()
}

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

type Verb = (&'static str, fn(&Store, &CallOptions<'_>) -> Result<()>);

fn session(store: &Store) -> Session {
    store.session("new").unwrap()
}

/// All that make a session, and those that remove one.
const VERBS: &[Verb] = &[
    ("append", |store, call| {
        let journal = session(store).journal_with(&CallOptions::new())?;
        journal.append_with(b"[]", call).map(drop)
    }),
    ("state", |store, call| {
        let state = session(store).state_with(&CallOptions::new())?;
        state
            .save_with(b"{}", untorn::Expect::Anything, call)
            .map(drop)
    }),
    ("update", |store, call| {
        let document = session(store).document_with("a.json", &CallOptions::new())?;
        document.begin_update(call)?.save(b"{}").map(drop)
    }),
    ("media", |store, call| {
        session(store).media_with("a", call).map(drop)
    }),
    ("transaction", |store, call| {
        session(store).transaction_with(call).map(drop)
    }),
    ("claim", |store, call| {
        session(store).claim_with("me", call).map(drop)
    }),
    ("remove", |store, call| {
        store.remove_with("there", call).map(drop)
    }),
    ("remove nothing", |store, call| {
        store.remove_with("not there", call).map(drop)
    }),
];

/// Keeps the names locked by another description of the lock file, as another process
/// has it.
#[test]
fn every_verb_keeps_its_limits_while_the_names_are_locked() {
    let scene = Scene::new();
    let store = store(&scene);
    store.session("there").unwrap().claim("once").unwrap();
    let names_lock = fs::File::open(scene.path(".untorn.sessions.lock")).unwrap();
    names_lock.lock().unwrap();
    let before = names(scene.dir());
    for (name, verb) in VERBS {
        let kind = |result: Result<()>| result.map_err(|error| error.kind()).unwrap_err();
        let once = CallOptions::new().timeout(Some(Duration::ZERO));
        assert_eq!(kind(verb(&store, &once)), ErrorKind::Locked, "{name}");
        let soon = CallOptions::new().timeout(Some(Duration::from_millis(20)));
        assert_eq!(kind(verb(&store, &soon)), ErrorKind::LockTimeout, "{name}");
        let asked = std::sync::atomic::AtomicU32::new(0);
        let interrupt = || asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) > 0;
        let signal = CallOptions::new().interrupt(&interrupt);
        assert_eq!(kind(verb(&store, &signal)), ErrorKind::Cancelled, "{name}");
        let token = CancelToken::new();
        std::thread::scope(|threads| {
            let waits = threads.spawn(|| verb(&store, &CallOptions::new().cancel(&token)));
            token.cancel();
            let kind = kind(waits.join().unwrap());
            assert_eq!(kind, ErrorKind::Cancelled, "{name}");
        });
        // As the store was opened, where the call does not say.
        let patient = Store::options()
            .timeout(Some(Duration::from_millis(20)))
            .open(scene.dir())
            .unwrap();
        let result = verb(&patient, &CallOptions::new());
        assert_eq!(kind(result), ErrorKind::LockTimeout, "{name}");
        assert_eq!(names(scene.dir()), before, "{name}");
    }
    // A verb that makes nothing does not wait.
    let once = CallOptions::new().timeout(Some(Duration::ZERO));
    assert_eq!(store.keys().unwrap(), ["there"]);
    session(&store)
        .journal_with(&once)
        .unwrap()
        .tail(1)
        .unwrap();
    names_lock.unlock().unwrap();
    for (name, verb) in VERBS {
        let done = verb(&store, &once);
        assert!(done.is_ok(), "{name}: {done:?}");
    }
}

/// A reader makes no session, and learns of one that another makes.
#[test]
fn to_read_makes_nothing() {
    for key in ["s".to_owned(), "K".repeat(300)] {
        let scene = Scene::new();
        let store = store(&scene);
        let session = store.session(&key).unwrap();
        let journal = session.journal().unwrap();
        let (state, document) = (session.state().unwrap(), session.document("a").unwrap());
        assert_eq!(journal.records().unwrap().count(), 0);
        assert_eq!(journal.tail(3).unwrap(), []);
        assert_eq!(journal.end().unwrap().offset, 0);
        assert_eq!(journal.verify().unwrap().records, 0);
        for document in [&state, &document] {
            assert_eq!(document.load().unwrap_err().kind(), ErrorKind::NotFound);
            assert!(!document.remove().unwrap());
        }
        assert_eq!(session.holder().unwrap(), None);
        let mut follow = journal.follow(None).unwrap();
        let now = CallOptions::new().timeout(Some(Duration::ZERO));
        assert!(follow.next(&now).unwrap().is_none());
        assert!(!session.exists().unwrap());
        assert_eq!(names(scene.dir()), Vec::<String>::new());
        // The first change makes it, for every handle.
        let writer = session.journal().unwrap();
        writer.append(b"[1]").unwrap();
        assert_eq!(store.keys().unwrap(), [key.as_str()]);
        assert_eq!(journal.tail(3).unwrap().len(), 1);
        assert!(follow.next(&now).unwrap().is_some());
        state.save(b"{}").unwrap();
        journal.append(b"[2]").unwrap();
        assert_eq!(writer.tail(3).unwrap().len(), 2);
        if cfg!(windows) {
            // Files of it are open.
            let error = store.remove(&key).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            continue;
        }
        // A handle that was used does not make a session again that was removed.
        assert!(store.remove(&key).unwrap());
        for journal in [&journal, &writer] {
            let error = journal.append(b"[3]").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
        }
        assert_eq!(state.save(b"{}").unwrap_err().kind(), ErrorKind::NotFound);
        assert!(!session.exists().unwrap());
        // One that was not is as good as a new one.
        document.save(b"{}").unwrap();
        assert_eq!(store.keys().unwrap(), [key.as_str()]);
    }
}

/// While the files of a removed session are deleted, other sessions are made.
#[test]
fn files_are_deleted_without_the_names_lock() {
    for left_over in [false, true] {
        let scene = Scene::new();
        let store = store(&scene);
        let old = store.session("old").unwrap();
        drop(old.claim("once").unwrap());
        fs::write(old.media("large").unwrap(), "large").unwrap();
        if left_over {
            fs::rename(old.path(), scene.path(".untorn.gone.old")).unwrap();
        }
        let (beside, mut made) = (store.clone(), 0);
        let (count, counted) = std::sync::mpsc::channel();
        let plan = Plan::new().before(move |call| {
            let gone = |path: &Path| path.to_string_lossy().contains("untorn.gone.old=");
            if call.op == Op::Unlink && call.path.is_some_and(gone) {
                made += 1;
                let session = beside.session(&format!("new {made}")).unwrap();
                let once = CallOptions::new().timeout(Some(Duration::ZERO));
                session.journal_with(&once).unwrap().append(b"[]").unwrap();
                count.send(()).unwrap();
            }
        });
        let (removed, _) = plan.run(|| store.remove("old"));
        assert_eq!(removed.unwrap(), !left_over);
        assert_eq!(counted.try_iter().count(), 1);
        assert_eq!(names(scene.dir()), [".untorn.sessions.lock", "new%201"]);
    }
}

/// Who makes a session does not delete what is left of another.
#[test]
fn a_left_over_tree_is_set_aside() {
    let scene = Scene::new();
    let store = store(&scene);
    for n in 0..3 {
        let session = store.session("s").unwrap();
        drop(session.claim("once").unwrap());
        session.journal().unwrap().append(b"[]").unwrap();
        fs::write(session.media("a").unwrap(), "a").unwrap();
        assert_eq!(names(scene.dir()).len(), 2 + n, "all are there");
        // As a removal leaves it that dies behind its first rename.
        fs::rename(session.path(), scene.path(".untorn.gone.s")).unwrap();
        let once = CallOptions::new().timeout(Some(Duration::ZERO));
        session.media_with("a", &once).unwrap();
        let aside = scene.path(&format!(".untorn.gone.s={n}"));
        assert_eq!(names(&aside), [".untorn.lease", "journal.jsonl", "media"]);
    }
    assert_eq!(store.keys().unwrap(), ["s"]);
    assert_eq!(names(scene.dir()), [".untorn.sessions.lock", "s"]);
    fs::create_dir(scene.path(".untorn.gone.s=0")).unwrap();
    fs::create_dir(scene.path(".untorn.gone.s=1")).unwrap();
    assert!(store.remove("s").unwrap());
    assert_eq!(names(scene.dir()), [".untorn.sessions.lock"]);
}

/// A removal that is cancelled in the middle has removed the session all the same.
#[test]
fn a_removal_can_be_given_up() {
    let scene = Scene::new();
    let store = store(&scene);
    for give_up in [true, false] {
        let session = store.session("s").unwrap();
        drop(session.claim("once").unwrap());
        for n in 0..100 {
            fs::write(session.media(&n.to_string()).unwrap(), "a").unwrap();
        }
        let interrupt = || give_up;
        let call = CallOptions::new().interrupt(&interrupt);
        assert!(store.remove_with("s", &call).unwrap());
        assert!(!session.exists().unwrap());
        if !give_up {
            assert_eq!(names(scene.dir()), [".untorn.sessions.lock"]);
        }
    }
}

/// A transaction would take other locks than journal and state do.
#[test]
fn transactions_of_a_store_with_another_scheme_are_refused() {
    use untorn::{Document, Journal};

    for scheme in [Scheme::InPlace, Scheme::PidFile] {
        let scene = Scene::new();
        let journals = Store::options().journal(Journal::options().scheme(scheme));
        let documents = Store::options().document(Document::options().scheme(scheme));
        for options in [journals, documents] {
            let store = options.open(scene.dir()).unwrap();
            let session = store.session("s").unwrap();
            let refused = |error: Error| {
                assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
                assert!(error.to_string().contains(scheme.as_str()), "{error}");
            };
            refused(session.transaction().unwrap_err());
            assert!(!session.exists().unwrap(), "and nothing is made");
            drop(session.claim("once").unwrap());
            let marker = session.path().join(".untorn.lease");
            fs::write(&marker, [0; 80]).unwrap();
            let before = names(session.path());
            refused(session.reconcile(|_| unreachable!()).unwrap_err());
            refused(session.transaction().unwrap_err());
            assert_eq!(names(session.path()), before);
            assert_eq!(fs::read(&marker).unwrap(), [0; 80]);
            store.remove("s").unwrap();
        }
    }
}

/// A power cut took the line that says who the dead owner was: that there was one
/// is known, to the next too.
#[test]
fn a_dead_owner_whose_line_is_lost_is_not_forgotten() {
    let scene = Scene::new();
    let session = store(&scene).session("s").unwrap();
    let lease = session.claim("first").unwrap();
    assert!(lease.previous().is_none());
    lease.release().unwrap();
    let lease = session.claim("second").unwrap();
    assert!(lease.previous().is_none(), "the first let go");
    lease.release().unwrap();
    for lost in [&[0; 80][..], b"{\"pid\":", b"\n"] {
        fs::write(session.path().join(".untorn.lease"), lost).unwrap();
        let lease = session.claim("third").unwrap();
        assert_eq!(lease.previous().map(|owner| owner.pid), Some(0));
        assert_eq!(session.holder().unwrap().as_ref(), Some(lease.holder()));
        lease.release().unwrap();
        assert!(session.claim("fourth").unwrap().previous().is_none());
    }
}

#[test]
fn what_is_too_long_is_refused() {
    let scene = Scene::new();
    let store = store(&scene);
    let session = store.session("s").unwrap();
    let error = session.claim("x".repeat((1 << 16) + 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert!(!session.exists().unwrap());
    // The longest, each letter of which is escaped, is read by others.
    let lease = session.claim("\u{1}".repeat(1 << 16)).unwrap();
    assert_eq!(session.holder().unwrap().as_ref(), Some(lease.holder()));
    let other = session.claim("other").unwrap_err();
    assert_eq!(other.holder(), Some(lease.holder()));
    drop(lease);
    assert_eq!(
        store
            .session(&"k".repeat((1 << 20) + 1))
            .unwrap_err()
            .kind(),
        ErrorKind::InvalidArgument
    );
    let longest = "k".repeat(1 << 20);
    store.session(&longest).unwrap().media("a").unwrap();
    let mut keys = store.keys().unwrap();
    assert_eq!(keys, [longest.as_str(), "s"]);
    // A key's file of some terabytes, of which nothing is on the disk.
    let dir = format!("long={}", "0".repeat(40));
    fs::create_dir(scene.path(&dir)).unwrap();
    let file = fs::File::create(scene.path(&dir).join(".untorn.key")).unwrap();
    if let Err(error) = file.set_len(15 << 40) {
        // Here no file may be so long.
        assert_eq!(error.kind(), std::io::ErrorKind::FileTooLarge);
    }
    keys.sort_unstable();
    assert_eq!(store.keys().unwrap(), keys);
}
