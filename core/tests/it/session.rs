//! Stores and sessions: keys and their directories, one owner at a time, and
//! removals, also those that die or fail half-way.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use crate::scene;
use crate::scene::lane::{every, is_deep};
use crate::scene::{Scene, records};
use untorn::fault::{Op, Plan};
use untorn::{CallOptions, CancelToken, Durability, ErrorKind, FileLock, Holder, Session, Store};

fn store(scene: &Scene) -> Store {
    Store::options()
        .durability(Durability::Process)
        .open(scene.dir())
        .unwrap()
}

/// Makes the owner that the session's file names one who is dead.
fn bury(session: &Session) {
    let path = session.path().join(".untorn.lease");
    let mut owner: serde_json::Value = match fs::read(&path) {
        Ok(bytes) if !bytes.is_empty() => {
            serde_json::from_slice(bytes.split(|byte| *byte == b'\n').next().unwrap()).unwrap()
        }
        _ => return,
    };
    owner["start"] = 1.into();
    fs::write(&path, format!("{owner}\n")).unwrap();
}

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn any_string_is_a_key() {
    let scene = Scene::new();
    let store = store(&scene);
    let long = "Long key \u{1f980}/".repeat(60);
    let mut keys = vec![
        "",
        ".",
        "..",
        "a",
        "A",
        "a.lock",
        "CON",
        "con.txt",
        "a/b",
        "a\\b",
        "x:y",
        "\u{e4}",
        "a\u{308}",
        " ",
        "n\n",
        &long,
        "session-10",
        "session-9",
        "session-",
    ];
    for key in &keys {
        let session = store.session(key).unwrap();
        assert!(!session.exists().unwrap());
        session.state().unwrap().save(key.as_bytes()).unwrap();
        assert!(session.exists().unwrap());
    }
    keys.sort_unstable();
    assert_eq!(store.keys().unwrap(), keys);
    for key in &keys {
        let session = store.session(key).unwrap();
        assert_eq!(session.path().parent(), Some(store.path()));
        let (value, _) = session.state().unwrap().load().unwrap();
        assert_eq!(value, key.as_bytes());
    }
    for key in &keys {
        assert!(store.remove(key).unwrap());
        assert!(!store.remove(key).unwrap());
    }
    assert!(store.keys().unwrap().is_empty());
    // Nothing of them is left.
    assert_eq!(names(scene.dir()), [".untorn.sessions.lock"]);
}

// Windows drops or refuses some of these names, and links take a privilege there.
#[cfg(unix)]
#[test]
fn what_others_put_there_is_no_session() {
    let scene = Scene::new();
    let store = store(&scene);
    for name in ["Upper", "a b", ".git", "n%C3%A4", "x=y", "con"] {
        fs::create_dir(scene.path(name)).unwrap();
    }
    scene.with("file", "");
    symlink("nothing", scene.path("dangling")).unwrap();
    assert!(store.keys().unwrap().is_empty());
    let error = store.session("file").unwrap().journal().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let error = store.session("dangling").unwrap().claim("me").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    // A symbolic link to a directory is one; with its removal goes the link.
    let elsewhere = Scene::new();
    symlink(elsewhere.dir(), scene.path("moved")).unwrap();
    let session = store.session("moved").unwrap();
    session.state().unwrap().save(b"1").unwrap();
    assert_eq!(store.keys().unwrap(), ["moved"]);
    assert!(store.remove("moved").unwrap());
    assert!(elsewhere.path("state.json").exists());
    assert!(!scene.path("moved").exists());
}

#[test]
fn files_are_called_as_asked() {
    let scene = Scene::new();
    let dir = scene.path("a/b/sessions");
    let store = Store::options()
        .journal_name("context.jsonl")
        .state_name("state.toml")
        .open(&dir)
        .unwrap();
    let session = store.session("s").unwrap();
    session.journal().unwrap().append(b"[1]").unwrap();
    session.state().unwrap().save(b"a = 1").unwrap();
    session
        .document("result.toml")
        .unwrap()
        .save(b"\xff")
        .unwrap();
    assert_eq!(records(&dir.join("s/context.jsonl")).len(), 1);
    assert_eq!(fs::read(dir.join("s/state.toml")).unwrap(), b"a = 1");
    assert_eq!(fs::read(dir.join("s/result.toml")).unwrap(), b"\xff");
    for name in ["../s", "", ".untorn.lease", "x.lock", "media"] {
        let error = session.document(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name:?}");
        let error = Store::options().state_name(name).open(&dir).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name:?}");
    }
    let twice = Store::options()
        .state_name("x")
        .journal_name("x")
        .open(&dir);
    assert_eq!(twice.unwrap_err().kind(), ErrorKind::InvalidArgument);
    let missing = Store::options().create(false).open(scene.path("none"));
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!scene.path("none").exists());
    let file = Store::open(scene.with("file", "")).unwrap_err();
    assert!(matches!(
        file.kind(),
        ErrorKind::InvalidArgument | ErrorKind::AlreadyExists
    ));
}

#[test]
fn media_files_never_meet() {
    let scene = Scene::new();
    let store = store(&scene);
    let session = store.session("s").unwrap();
    let called = [
        "photo.jpg",
        "PHOTO.jpg",
        "../photo.jpg",
        "a:b",
        "nul",
        "photo.jpg.lock",
    ];
    for name in called {
        let path = session.media(name).unwrap();
        assert_eq!(path, session.media(name).unwrap());
        assert_eq!(path.parent().unwrap(), session.path().join("media"));
        fs::write(path, name).unwrap();
    }
    for name in called {
        assert_eq!(
            fs::read(session.media(name).unwrap()).unwrap(),
            name.as_bytes()
        );
    }
    assert!(store.remove("s").unwrap());
    assert!(!session.path().exists());
}

#[test]
fn one_owner_at_a_time() {
    let scene = Scene::new();
    let store = store(&scene);
    let session = store.session("s").unwrap();
    assert_eq!(session.holder().unwrap(), None);
    assert!(!session.exists().unwrap(), "to ask makes nothing");
    let lease = session.claim("worker 1").unwrap();
    assert!(lease.is_held());
    assert_eq!(lease.previous(), None);
    assert_eq!(lease.holder().label.as_deref(), Some("worker 1"));
    assert_eq!(session.holder().unwrap().as_ref(), Some(lease.holder()));
    let again = store.session("s").unwrap();
    let error = again.claim("worker 2").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert_eq!(error.holder(), Some(lease.holder()));
    assert!(error.to_string().contains("worker 1"), "{error}");
    let short = Duration::from_millis(20);
    let error = again
        .claim_with("worker 2", &CallOptions::new().timeout(Some(short)))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadlock, "its own thread has it");
    std::thread::scope(|threads| {
        let wait = || again.claim_with("worker 2", &CallOptions::new().timeout(Some(short)));
        let error = threads.spawn(wait).join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LockTimeout);
        assert_eq!(error.holder(), Some(lease.holder()));
        let token = CancelToken::new();
        token.cancel();
        let error = again
            .claim_with("worker 2", &CallOptions::new().cancel(&token))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        // One that waits gets it.
        let (begun, has_begun) = std::sync::mpsc::channel();
        let again = &again;
        let waiter = threads.spawn(move || {
            let interrupt = move || {
                let _ = begun.send(());
                false
            };
            let second = again.claim_with("worker 2", &CallOptions::new().interrupt(&interrupt));
            let second = second.unwrap();
            assert_eq!(second.previous(), None, "the first let go properly");
            second.release().unwrap();
            second.release().unwrap();
            assert!(!second.is_held());
        });
        has_begun.recv().unwrap();
        drop(lease);
        waiter.join().unwrap();
    });
    assert_eq!(session.holder().unwrap(), None);
    drop(session.claim("worker 3").unwrap());
}

#[test]
fn the_lease_is_no_files_lock() {
    let scene = Scene::new();
    let store = store(&scene);
    let session = store.session("s").unwrap();
    let _lease = session.claim("owner").unwrap();
    let once = FileLock::options().timeout(Some(Duration::ZERO));
    for file in ["journal.jsonl", "state.json"] {
        drop(once.acquire(session.path().join(file)).unwrap());
    }
    drop(once.acquire(session.path()).unwrap());
    let other = store.session("other").unwrap();
    drop(other.claim("somebody else").unwrap());
}

#[test]
fn a_second_owner_is_refused_also_where_the_lock_file_was_removed() {
    let scene = Scene::new();
    let store = store(&scene);
    let session = store.session("s").unwrap();
    let lease = session.claim("first").unwrap();
    fs::remove_file(session.path().join(".untorn.lease.lock")).unwrap();
    let error = session.claim("second").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert_eq!(error.holder(), Some(lease.holder()));
    assert_eq!(store.remove("s").unwrap_err().kind(), ErrorKind::Locked);
    drop(lease);
    drop(session.claim("second").unwrap());
}

#[test]
fn the_dead_owner_before_is_known() {
    let scene = Scene::new();
    let store = store(&scene);
    let session = store.session("s").unwrap();
    let dead = session.claim("first").unwrap();
    let (result, _) = Plan::new().die(0).run(|| dead.release());
    result.unwrap_err();
    let label = dead.holder().label.clone();
    let (_, _) = Plan::new().die(0).run(|| drop(dead));
    bury(&session);
    assert_eq!(session.holder().unwrap(), None, "a dead one owns nothing");
    let lease = session.claim("second").unwrap();
    assert_eq!(lease.previous().unwrap().label, label);
    drop(lease);
    assert_eq!(session.claim("third").unwrap().previous(), None);
}

/// What the session's file says of who owned it last.
fn last(session: &Session) -> Option<String> {
    let text = fs::read_to_string(session.path().join(".untorn.lease")).unwrap_or_default();
    let line = text.lines().next()?;
    let holder: Holder = serde_json::from_str(line).expect("a whole line");
    holder.label
}

/// At every instant the file names the owner before, if it died, or the new one, or
/// none after a release. And it is free for the next.
#[test]
fn a_claim_and_a_release_die_at_any_call() {
    for durability in [Durability::Process, Durability::Power] {
        for before in [None, Some("an owner before, with a longer label")] {
            let set_up = || {
                let scene = Scene::quick();
                let store = Store::options()
                    .durability(durability)
                    .open(scene.dir())
                    .unwrap();
                let session = store.session("s").unwrap();
                if let Some(label) = before {
                    let dead = session.claim(label).unwrap();
                    Plan::new().die(0).run(|| drop(dead));
                    bury(&session);
                }
                (scene, store, session)
            };
            let (_scene, _store, session) = set_up();
            let (result, calls) = Plan::new().run(|| session.claim("new").unwrap().release());
            result.unwrap();
            let (_scene, _store, session) = set_up();
            let (lease, claiming) = Plan::new().run(|| session.claim("new"));
            drop(lease.unwrap());
            assert!(calls.len() > claiming.len() && claiming.len() > 8);
            let mut seen = std::collections::BTreeSet::new();
            for (n, op) in calls.iter().enumerate() {
                let (_scene, store, session) = set_up();
                let _ = Plan::new()
                    .die(n)
                    .run(|| session.claim("new").and_then(|lease| lease.release()));
                let label = last(&session);
                let left = match label.as_deref() {
                    None => "nobody",
                    Some("new") => "new",
                    found if found == before => "before",
                    found => panic!("before call {n}, {op:?}: {found:?}"),
                };
                assert!(
                    left != "nobody" || before.is_none() || n >= claiming.len(),
                    "before call {n}, {op:?}: that the owner before died is forgotten"
                );
                seen.insert(left);
                bury(&session);
                let lease = session.claim("next").unwrap();
                assert_eq!(lease.previous().and_then(|dead| dead.label.clone()), label);
                drop(lease);
                assert!(store.remove("s").unwrap());
            }
            assert!(seen.contains("new"), "{seen:?}");
            assert_eq!(seen.contains("before"), before.is_some());
            assert!(seen.contains("nobody"), "{seen:?}");
        }
    }
}

#[test]
fn a_claim_that_fails_changes_nothing() {
    for durability in [Durability::Process, Durability::Power] {
        let set_up = || {
            let scene = Scene::new();
            let store = Store::options()
                .durability(durability)
                .open(scene.dir())
                .unwrap();
            let session = store.session("s").unwrap();
            let dead = session.claim("an owner before").unwrap();
            Plan::new().die(0).run(|| drop(dead));
            bury(&session);
            (scene, session)
        };
        let (_scene, session) = set_up();
        let (lease, calls) = Plan::new().run(|| session.claim("a new owner with a long label"));
        drop(lease.unwrap());
        for (n, op) in calls.iter().enumerate() {
            for (errno, short) in [(libc::EIO, None), (libc::ENOSPC, Some(7))] {
                let plan = match (op, short) {
                    (Op::Write, Some(bytes)) => Plan::new().short(n, bytes).fail(n + 1, errno),
                    (_, Some(_)) => continue,
                    _ => Plan::new().fail(n, errno),
                };
                let (_scene, session) = set_up();
                let before = fs::read(session.path().join(".untorn.lease")).unwrap();
                let (result, _) = plan.run(|| session.claim("a new owner with a long label"));
                if let Ok(lease) = result {
                    // The unlock of a lock that was not needed, and the like.
                    assert!(lease.is_held(), "{n} {op:?}");
                    continue;
                }
                let after = fs::read(session.path().join(".untorn.lease")).unwrap();
                assert_eq!(before, after, "call {n}, {op:?} fails with {errno}");
                drop(session.claim("next").unwrap());
            }
        }
    }
}

#[test]
fn a_release_that_fails_can_be_tried_again() {
    let scene = Scene::new();
    let store = store(&scene);
    let session = store.session("s").unwrap();
    let lease = session.claim("me").unwrap();
    let (result, _) = Plan::new().fail(0, libc::EIO).run(|| lease.release());
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Io);
    assert!(lease.is_held());
    assert_eq!(session.claim("you").unwrap_err().kind(), ErrorKind::Locked);
    lease.release().unwrap();
    drop(session.claim("you").unwrap());
}

#[test]
fn a_session_that_is_owned_is_not_removed() {
    let scene = Scene::new();
    let store = store(&scene);
    let session = store.session("s").unwrap();
    let lease = session.claim("owner").unwrap();
    let error = store.remove("s").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert_eq!(error.holder(), Some(lease.holder()));
    assert!(session.exists().unwrap());
    std::thread::scope(|threads| {
        let (begun, has_begun) = std::sync::mpsc::channel();
        let store = &store;
        let waiter = threads.spawn(move || {
            let interrupt = move || {
                let _ = begun.send(());
                false
            };
            store.remove_with("s", &CallOptions::new().interrupt(&interrupt))
        });
        has_begun.recv().unwrap();
        drop(lease);
        assert!(waiter.join().unwrap().unwrap());
    });
    assert!(!session.exists().unwrap());
}

/// However a removal ends, the session is there whole or not at all, and can be made
/// again.
#[test]
fn a_removal_dies_or_fails_at_any_call() {
    let long = "K".repeat(300);
    for (key, durability) in [
        ("s", Durability::Process),
        (long.as_str(), Durability::Power),
    ] {
        let set_up = || {
            let scene = Scene::quick();
            let store = Store::options()
                .durability(durability)
                .open(scene.dir())
                .unwrap();
            let session = store.session(key).unwrap();
            drop(session.claim("once").unwrap());
            session.journal().unwrap().append(b"[1]").unwrap();
            session.state().unwrap().save(b"{}").unwrap();
            fs::write(session.media("a").unwrap(), "a").unwrap();
            (scene, store, session)
        };
        let (_scene, store, _session) = set_up();
        let (result, calls) = Plan::new().run(|| store.remove(key));
        assert!(result.unwrap());
        let (mut whole, mut gone) = (0, 0);
        for (n, op) in every(2, calls.iter().enumerate()) {
            for plan in [Plan::new().die(n), Plan::new().fail(n, libc::EIO)] {
                let (scene, store, session) = set_up();
                let (result, _) = plan.run(|| store.remove(key));
                let told = format!("call {n}, {op:?}: {result:?}");
                if store.keys().unwrap().is_empty() {
                    gone += 1;
                    assert!(!session.exists().unwrap(), "{told}");
                    assert_eq!(names(scene.dir()), [".untorn.sessions.lock"], "{told}");
                } else {
                    whole += 1;
                    assert!(result.is_err(), "{told}");
                    assert_eq!(
                        session.journal().unwrap().tail(9).unwrap().len(),
                        1,
                        "{told}"
                    );
                    session.state().unwrap().load().unwrap();
                    assert!(session.media("a").unwrap().exists(), "{told}");
                }
                // With or without that look at the keys:
                let (scene, store, session) = set_up();
                let _ = Plan::new().die(n).run(|| store.remove(key));
                let there = session.exists().unwrap();
                let lease = session.claim("next").unwrap();
                let left = names(scene.dir());
                // The rest is no session, and no lock of it has a name.
                for gone in left.iter().filter(|name| name.starts_with(".untorn.gone")) {
                    assert!(gone.ends_with("=0"), "{told}: {left:?}");
                    let inside = names(&scene.path(gone));
                    assert!(!inside.iter().any(|name| name.ends_with(".lock")), "{told}");
                }
                let records = session.journal().unwrap().tail(9).unwrap().len();
                assert_eq!(
                    records,
                    usize::from(there),
                    "{told}: nothing of the old one"
                );
                drop(lease);
                assert!(store.remove(key).unwrap());
                assert_eq!(names(scene.dir()), [".untorn.sessions.lock"], "{told}");
            }
        }
        let least = if is_deep() { 5 } else { 2 };
        assert!(whole > least && gone > least, "{whole} {gone}");
    }
}

/// A directory of a key that is too long for a name is there with its key, or
/// not at all.
#[test]
fn making_a_session_dies_at_any_call() {
    for key in ["s".to_owned(), "K".repeat(300)] {
        let scene = Scene::new();
        let store = Store::open(scene.dir()).unwrap();
        let (result, calls) = Plan::new().run(|| store.session(&key).unwrap().media("m").map(drop));
        result.unwrap();
        for n in 0..calls.len() {
            let scene = Scene::new();
            let store = Store::open(scene.dir()).unwrap();
            let session = store.session(&key).unwrap();
            let _ = Plan::new().die(n).run(|| session.media("m").map(drop));
            let keys = store.keys().unwrap();
            assert_eq!(
                keys,
                if session.exists().unwrap() {
                    vec![key.clone()]
                } else {
                    vec![]
                }
            );
            session.media("m").unwrap();
            assert_eq!(store.keys().unwrap(), [key.as_str()], "call {n}");
            let left = names(scene.dir());
            assert_eq!(left.len(), 2, "{left:?}");
        }
    }
}

/// A handle from before the removal does not write into the next session of that key
/// under a lock that has lost its name.
// On Windows such a handle keeps the session from being removed (`windows.rs`).
#[cfg(unix)]
#[test]
fn handles_of_a_removed_session_take_the_new_ones_locks() {
    let scene = Scene::new();
    let store = store(&scene);
    let session = store.session("s").unwrap();
    let journal = session.journal().unwrap();
    journal.append(b"[\"old\"]").unwrap();
    assert!(store.remove("s").unwrap());
    assert_eq!(
        journal.append(b"[]").unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let anew = session.journal().unwrap();
    anew.append(b"[\"new\"]").unwrap();
    let guard = FileLock::acquire(anew.path()).unwrap();
    let once = CallOptions::new().timeout(Some(Duration::ZERO));
    assert_eq!(
        journal.append_with(b"[]", &once).unwrap_err().kind(),
        ErrorKind::Locked
    );
    drop(guard);
    journal.append(b"[\"newer\"]").unwrap();
    assert_eq!(records(anew.path()).len(), 2);
}

/// The lock that a claim waited for is that of a removed session, whose
/// removal died before it took the lock file's name away.
// On Windows who waits has the lock file open, and so keeps the session from being removed.
#[cfg(unix)]
#[test]
fn a_claim_that_waits_for_a_removed_session_is_of_the_new_one() {
    let scene = Scene::new();
    let store = store(&scene);
    let session = store.session("s").unwrap();
    drop(session.claim("once").unwrap());
    let (from, to) = (session.path().to_owned(), scene.path(".untorn.gone.s"));
    let mut removed = false;
    let plan = Plan::new().before(move |call| {
        let lease = call
            .path
            .is_some_and(|path| path.ends_with(".untorn.lease.lock"));
        if call.op == Op::Lock && lease && !removed {
            removed = true;
            fs::rename(&from, &to).unwrap();
        }
    });
    let (lease, _) = plan.run(|| session.claim("waited"));
    let lease = lease.unwrap();
    assert_eq!(session.holder().unwrap().as_ref(), Some(lease.holder()));
    assert_eq!(
        session.claim("second").unwrap_err().kind(),
        ErrorKind::Locked
    );
}

/// Claims and removals of one session at once: the owner of the lease finds the session
/// that it claimed, to the end.
// A session can't be removed on Windows while a claim waits, which has its lock file open
// (docs/guarantees.md).
#[cfg(unix)]
#[test]
fn claims_among_removals() {
    let scene = Scene::quick();
    let each = scene::lane::rounds(100, 300);
    let store = store(&scene);
    let inside = std::sync::atomic::AtomicU32::new(0);
    let claimed = std::sync::atomic::AtomicU32::new(0);
    let order = std::sync::atomic::Ordering::SeqCst;
    std::thread::scope(|threads| {
        for n in 0..3 {
            let (store, inside, claimed) = (&store, &inside, &claimed);
            threads.spawn(move || {
                let session = store.session("s").unwrap();
                for _ in 0..each {
                    let lease = session
                        .claim_with(format!("{n}"), &CallOptions::new())
                        .unwrap();
                    assert_eq!(inside.fetch_add(1, order), 0, "a second owner");
                    untorn::Document::open(session.path().join("own"))
                        .unwrap()
                        .save(b"1")
                        .unwrap();
                    assert_eq!(session.holder().unwrap().as_ref(), Some(lease.holder()));
                    assert!(session.path().join("own").exists());
                    claimed.fetch_add(1, order);
                    inside.fetch_sub(1, order);
                    lease.release().unwrap();
                }
            });
        }
        threads.spawn(|| {
            let mut removed = 0;
            while claimed.load(order) < 3 * each {
                removed += u32::from(store.remove_with("s", &CallOptions::new()).unwrap());
            }
            assert!(removed > each / 30, "{removed}");
        });
    });
}

/// What was measured for the documentation: `cargo test --release -p untorn
/// --test session -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed() {
    let scene = Scene::new();
    for durability in [Durability::Process, Durability::Power] {
        let store = Store::options()
            .durability(durability)
            .open(scene.dir())
            .unwrap();
        let session = store.session("s").unwrap();
        let (mut claims, mut releases) = (Vec::new(), Vec::new());
        for _ in 0..1000 {
            let start = std::time::Instant::now();
            let lease = session.claim("worker 1").unwrap();
            claims.push(start.elapsed());
            let start = std::time::Instant::now();
            lease.release().unwrap();
            releases.push(start.elapsed());
        }
        claims.sort_unstable();
        releases.sort_unstable();
        scene::program::say(&format!(
            "{durability}: claim {:?}, release {:?} (medians)",
            claims[500], releases[500]
        ));
    }
}
