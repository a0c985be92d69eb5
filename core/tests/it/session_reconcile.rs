//! Reconciling: when it runs, and that it is whole or not at all, whichever of
//! its system calls dies or fails. (Real processes: session_kill.rs.)

use std::fs;

use crate::scene::lane::{every, is_deep};
use crate::scene::{Scene, records};
use untorn::fault::{Op, Plan};
use untorn::{
    CallOptions, Durability, Error, ErrorKind, FileLock, Holder, ReconcileStart, Reconciled,
    Session, Store, Transaction,
};

const LABEL: &str = "the dead owner";

fn open(scene: &Scene, durability: Durability) -> Session {
    let store = Store::options()
        .durability(durability)
        .open(scene.dir())
        .unwrap();
    store.session("s").unwrap()
}

/// A session with a journal and a state, whose owner died.
fn dead(scene: &Scene, durability: Durability) -> Session {
    let session = open(scene, durability);
    let lease = session.claim(LABEL).unwrap();
    session.journal().unwrap().append(b"[\"work\"]").unwrap();
    session.state().unwrap().save(b"\"working\"").unwrap();
    Plan::new().die(0).run(|| drop(lease));
    let path = session.path().join(".untorn.lease");
    let mut owner: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    owner["start"] = 1.into();
    fs::write(&path, format!("{owner}\n")).unwrap();
    session
}

fn retire(tx: &mut Transaction) -> untorn::Result<bool> {
    assert_eq!(tx.load("state.json")?.unwrap().0, b"\"working\"");
    tx.save("state.json", b"\"failed\"")?;
    tx.create("result.json", b"{}")?;
    tx.append("journal.jsonl", ["[\"retired\"]"])?;
    Ok(true)
}

/// Whether all of `retire` is there; panics if a part is.
fn is_retired(session: &Session) -> bool {
    let state = fs::read(session.path().join("state.json")).unwrap();
    let result = session.path().join("result.json").exists();
    let records = records(&session.path().join("journal.jsonl")).len();
    match (&state[..], result, records) {
        (b"\"working\"", false, 1) => false,
        (b"\"failed\"", true, 2) => true,
        other => panic!("a part of it: {other:?}"),
    }
}

fn never(_: &mut Transaction) -> untorn::Result<bool> {
    panic!("nothing is to be reconciled")
}

#[test]
fn only_a_dead_owners_session() {
    let scene = Scene::new();
    let session = open(&scene, Durability::Process);
    assert_eq!(session.reconcile(never).unwrap(), Reconciled::NoChange);
    assert!(!session.exists().unwrap(), "to ask makes nothing");
    session.state().unwrap().save(b"1").unwrap();
    assert_eq!(session.reconcile(never).unwrap(), Reconciled::NoChange);
    assert!(!session.path().join(".untorn.lease").exists());
    let lease = session.claim("owner").unwrap();
    let alive = Reconciled::Alive(lease.holder().clone());
    assert_eq!(session.reconcile(never).unwrap(), alive);
    // Whose lock file was removed is the owner still.
    fs::remove_file(session.path().join(".untorn.lease.lock")).unwrap();
    assert_eq!(session.reconcile(never).unwrap(), alive);
    drop(lease);
    assert_eq!(session.reconcile(never).unwrap(), Reconciled::NoChange);
}

#[test]
fn once() {
    for durability in [Durability::Process, Durability::Power] {
        let scene = Scene::new();
        let session = dead(&scene, durability);
        assert_eq!(session.holder().unwrap(), None);
        assert_eq!(session.reconcile(retire).unwrap(), Reconciled::Done);
        assert!(is_retired(&session));
        assert_eq!(session.reconcile(never).unwrap(), Reconciled::NoChange);
        let lease = session.claim("next").unwrap();
        assert_eq!(lease.previous(), None, "he was reconciled");
        assert!(matches!(
            session.reconcile(never).unwrap(),
            Reconciled::Alive(_)
        ));
    }
}

#[test]
fn what_fails_or_finds_nothing_changes_nothing() {
    let scene = Scene::new();
    let session = dead(&scene, Durability::Process);
    let before = fs::read(session.path().join(".untorn.lease")).unwrap();
    let unchanged = |session: &Session| {
        assert!(!is_retired(session));
        assert_eq!(
            fs::read(session.path().join(".untorn.lease")).unwrap(),
            before
        );
        let owner: Holder = serde_json::from_slice(&before).unwrap();
        assert_eq!(owner.label.as_deref(), Some(LABEL));
    };
    let error = session
        .reconcile(|tx| {
            retire(tx)?;
            Err(Error::cancelled("test", session.path()))
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    unchanged(&session);
    let nothing = session.reconcile(|tx| retire(tx).map(|_| false)).unwrap();
    assert_eq!(nothing, Reconciled::NoChange);
    unchanged(&session);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        session.reconcile(|tx| {
            retire(tx).unwrap();
            panic!("in the change")
        })
    }));
    panicked.unwrap_err();
    unchanged(&session);
    // A late writer wins.
    let error = session
        .reconcile(|tx| {
            retire(tx)?;
            fs::write(session.path().join("result.json"), "late").unwrap();
            Ok(true)
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(
        fs::read(session.path().join("result.json")).unwrap(),
        b"late"
    );
    fs::remove_file(session.path().join("result.json")).unwrap();
    unchanged(&session);
    assert_eq!(session.reconcile(retire).unwrap(), Reconciled::Done);
}

#[test]
fn the_probe_has_the_second_word() {
    let scene = Scene::new();
    let session = dead(&scene, Durability::Process);
    let before = fs::read(session.path().join(".untorn.lease")).unwrap();
    let outcome = session
        .reconcile_with(never, || Ok(true), &CallOptions::new())
        .unwrap();
    let Reconciled::Alive(owner) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(owner.label.as_deref(), Some(LABEL));
    let failed = session.reconcile_with(
        never,
        || Err(Error::cancelled("probe", session.path())),
        &CallOptions::new(),
    );
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(
        fs::read(session.path().join(".untorn.lease")).unwrap(),
        before
    );
    // Such work meanwhile is no sign of life, and the session can't be claimed.
    let again = open(&scene, Durability::Process);
    let outcome = session.reconcile_with(
        retire,
        || {
            assert_eq!(again.holder().unwrap(), None);
            assert_eq!(again.reconcile(never).unwrap(), Reconciled::Busy);
            let error = again.claim("impatient").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Locked);
            assert!(error.to_string().contains("reconciles"), "{error}");
            Ok(false)
        },
        &CallOptions::new(),
    );
    assert_eq!(outcome.unwrap(), Reconciled::Done);
    // Where there is nothing to reconcile it is not asked.
    let unasked = || panic!("not to be asked");
    let outcome = session.reconcile_with(never, unasked, &CallOptions::new());
    assert_eq!(outcome.unwrap(), Reconciled::NoChange);
}

#[test]
fn in_steps() {
    let scene = Scene::new();
    let session = dead(&scene, Durability::Process);
    let begin = || match session
        .begin_reconcile(|| Ok(false), &CallOptions::new())
        .unwrap()
    {
        ReconcileStart::Turn(turn) => turn,
        ReconcileStart::Not(why) => panic!("{why:?}"),
    };
    let mut turn = begin();
    assert_eq!(turn.owner().unwrap().label.as_deref(), Some(LABEL));
    assert_eq!(session.reconcile(never).unwrap(), Reconciled::Busy);
    turn.discard();
    turn.discard();
    assert_eq!(
        turn.commit().unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    drop(begin());
    let mut turn = begin();
    retire(turn.transaction().unwrap()).unwrap();
    assert_eq!(turn.commit().unwrap(), Reconciled::Done);
    assert!(is_retired(&session));
}

#[test]
fn not_under_a_lock_of_something_else() {
    let scene = Scene::new();
    let session = dead(&scene, Durability::Process);
    let guard = FileLock::acquire(session.path().join("state.json")).unwrap();
    let under = CallOptions::new().lock(&guard);
    let refused = session
        .reconcile_with(never, || Ok(false), &under)
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    let refused = session.claim_with("me", &under).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
}

/// Whatever call it dies before: it is there whole or not at all, it is never
/// forgotten, and never done twice.
#[test]
fn it_dies_at_any_call() {
    for durability in [Durability::Process, Durability::Power] {
        let scene = Scene::quick();
        let session = dead(&scene, durability);
        let (result, calls) = Plan::new().run(|| session.reconcile(retire));
        assert_eq!(result.unwrap(), Reconciled::Done);
        let (mut undone, mut done) = (0, 0);
        for (n, op) in every(3, calls.iter().enumerate()) {
            let parts: &[Option<usize>] = match op {
                Op::Write => &[None, Some(1), Some(8), Some(64), Some(150)],
                _ => &[None],
            };
            for part in parts {
                let scene = Scene::quick();
                let session = dead(&scene, durability);
                let plan = match part {
                    None => Plan::new().die(n),
                    Some(bytes) => Plan::new().short(n, *bytes).die(n + 1),
                };
                let _ = plan.run(|| session.reconcile(retire));
                let what = format!("before call {n}, {op:?}, after {part:?} bytes");
                let session = open(&scene, durability);
                match session.reconcile(retire).expect(&what) {
                    Reconciled::Done => undone += 1,
                    Reconciled::NoChange => done += 1,
                    other => panic!("{what}: {other:?}"),
                }
                assert!(is_retired(&session), "{what}");
                assert_eq!(session.reconcile(never).unwrap(), Reconciled::NoChange);
                assert_eq!(session.claim("next").unwrap().previous(), None, "{what}");
            }
        }
        let least = if is_deep() { (20, 3) } else { (5, 0) };
        assert!(undone > least.0 && done > least.1, "{undone} {done}");
    }
}

#[test]
fn it_fails_at_any_call() {
    let scene = Scene::quick();
    let session = dead(&scene, Durability::Power);
    let (result, calls) = Plan::new().run(|| session.reconcile(retire));
    assert_eq!(result.unwrap(), Reconciled::Done);
    let mut failed = 0;
    for (n, op) in every(3, calls.iter().enumerate()) {
        for errno in [libc::EIO, libc::EINTR] {
            let scene = Scene::quick();
            let session = dead(&scene, Durability::Power);
            let (result, _) = Plan::new().fail(n, errno).run(|| session.reconcile(retire));
            let what = format!("call {n}, {op:?}, fails with {errno}: {result:?}");
            let session = open(&scene, Durability::Power);
            match result {
                Ok(outcome) => assert_eq!(outcome, Reconciled::Done, "{what}"),
                Err(error) => {
                    failed += 1;
                    let committed = error.kind() == ErrorKind::NotDurable
                        || error.to_string().contains("is committed");
                    let next = session.reconcile(retire).expect(&what);
                    let expected = if committed {
                        Reconciled::NoChange
                    } else {
                        Reconciled::Done
                    };
                    assert_eq!(next, expected, "{what}");
                }
            }
            assert!(is_retired(&session), "{what}");
            assert_eq!(session.claim("next").unwrap().previous(), None, "{what}");
        }
    }
    assert!(failed > if is_deep() { 20 } else { 5 }, "{failed}");
}
