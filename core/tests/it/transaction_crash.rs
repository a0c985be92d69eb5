//! A transaction dies before each of its system calls in turn, in the middle of each
//! write, or with the whole machine. Or one of the calls fails. The next process that
//! locks any of its files finds all of it or nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use crate::scene::lane::{every, is_deep};
use crate::scene::power::{Stash, images_and_files};
use crate::scene::{Scene, bytes};
use untorn::fault::{Op, Plan, Verdict};
use untorn::{Document, Durability, ErrorKind, FileLock, Journal, Transaction};

type State = BTreeMap<&'static str, &'static str>;

const BEFORE: [(&str, &str); 4] = [
    ("doc", "{\"old\":true}"),
    ("journal", "{\"n\":0}\n{\"n\":1}\n"),
    ("removed", "{\"here\":true}"),
    ("untouched", "1"),
];
const AFTER: [(&str, &str); 6] = [
    ("created", "{\"created\":true}"),
    ("doc", "{\"new\":true,\"and\":\"longer\"}"),
    ("journal", "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"),
    ("journal-new", "[1]\n"),
    ("saved-new", "{}"),
    ("untouched", "1"),
];

fn set_up(scene: &Scene) {
    for (name, bytes) in BEFORE {
        scene.with(name, bytes);
    }
}

fn transaction(dir: &Path, durability: Durability) -> untorn::Result<()> {
    let mut tx = Transaction::options().durability(durability).begin(dir)?;
    tx.load("untouched")?;
    tx.save("doc", b"{\"new\":true,\"and\":\"longer\"}")?;
    tx.create("created", b"{\"created\":true}")?;
    tx.append("journal", ["{\"n\":2}", "{\"n\":3}"])?;
    tx.append("journal-new", ["[1]"])?;
    tx.remove("removed")?;
    tx.save("saved-new", b"{}")?;
    tx.commit()
}

/// Handles that have locked each of the files before: they learn of a
/// transaction that died by its marks alone.
fn open_before(scene: &Scene) -> Vec<Document> {
    let names = BEFORE.iter().chain(&AFTER).map(|(name, _)| name);
    names
        .chain([&".untorn"])
        .map(|name| {
            let document = Document::open(scene.path(name)).unwrap();
            drop(document.begin_update(&untorn::CallOptions::new()).unwrap());
            document
        })
        .collect()
}

/// What the directory holds for its users.
fn state(scene: &Scene) -> BTreeMap<String, String> {
    scene
        .files()
        .into_iter()
        .filter(|(name, _)| {
            // A line for people that one who died could not remove.
            let beside = name.ends_with(".lock") || name.ends_with(".holder");
            !name.starts_with(".untorn") && !beside
        })
        .map(|(name, bytes)| (name, String::from_utf8_lossy(&bytes).into_owned()))
        .collect()
}

fn is(state: &BTreeMap<String, String>, wanted: &State) -> bool {
    state.len() == wanted.len()
        && state
            .iter()
            .all(|(name, bytes)| wanted.get(&name[..]) == Some(&&bytes[..]))
}

fn before_or_after(scene: &Scene, what: &str) -> bool {
    let state = state(scene);
    let applied = is(&state, &AFTER.into());
    assert!(
        applied || is(&state, &BEFORE.into()),
        "{what}: neither before nor after: {state:#?}"
    );
    applied
}

type Locker = (&'static str, fn(&Path));

/// Those who come next, each by a different file and with a different call.
static LOCKERS: [Locker; 7] = [
    ("an update", |dir| {
        let document = Document::open(dir.join("doc")).unwrap();
        drop(document.begin_update(&untorn::CallOptions::new()).unwrap());
    }),
    ("a repair", |dir| {
        drop(
            Journal::open(dir.join("journal"))
                .unwrap()
                .repair()
                .unwrap(),
        );
    }),
    ("a lock", |dir| {
        drop(FileLock::acquire(dir.join("created")).unwrap())
    }),
    ("a shared lock", |dir| {
        let shared = FileLock::options().shared(true);
        drop(shared.acquire(dir.join("removed")).unwrap());
    }),
    ("exactly that lock file", |dir| {
        let at = dir.join("saved-new.lock");
        drop(FileLock::options().acquire_at(at).unwrap());
    }),
    ("a batch of nothing", |dir| {
        let journal = Journal::open(dir.join("journal-new")).unwrap();
        let batch = journal.batch();
        journal
            .append_batch(&batch, None, &untorn::CallOptions::new())
            .unwrap();
    }),
    ("a transaction", |dir| {
        drop(Transaction::begin(dir).unwrap())
    }),
];

/// One of them, by turns: each call is met by each of them within a few deaths.
fn next(turn: usize) -> Locker {
    LOCKERS[turn % LOCKERS.len()]
}

/// Nothing is left of it; but for half a manifest, which the next transaction
/// removes.
fn no_leftovers(scene: &Scene, what: &str) {
    for name in scene.files().keys() {
        assert!(
            !name.starts_with(".untorn") || name.ends_with(".lock") || name == ".untorn.prep",
            "{what}: {name} is left"
        );
    }
}

/// After all that can be pending was settled.
fn nothing_pending(scene: &Scene, what: &str) {
    for (name, _) in BEFORE.iter().chain(&AFTER) {
        drop(FileLock::acquire(scene.path(name)).unwrap());
    }
    drop(Transaction::begin(scene.dir()).unwrap());
    no_leftovers(scene, what);
    assert!(!scene.path(".untorn.prep").exists(), "{what}");
    for (name, bytes) in scene.files() {
        assert!(
            !name.ends_with(".lock") || bytes.len() <= 64,
            "{what}: {name} has something pending"
        );
    }
}

#[test]
fn death_before_each_call_and_in_each_write() {
    for durability in [Durability::Process, Durability::Power] {
        let scene = Scene::quick();
        set_up(&scene);
        let (result, calls) = Plan::new().run(|| transaction(scene.dir(), durability));
        result.unwrap();
        let (mut undone, mut finished) = (0, 0);
        for (n, op) in every(5, calls.iter().enumerate()) {
            let mut deaths = vec![(format!("death before call {n}, {op:?}"), None)];
            if *op == Op::Write {
                deaths.extend([1, 20, 64, 100, 300].map(|part| {
                    let what = format!("death after {part} bytes of call {n}");
                    (what, Some(part))
                }));
            }
            for (m, (what, part)) in deaths.iter().enumerate() {
                let (by, locker) = next(n + m);
                let what = format!("{durability}: {what}, then {by}");
                let scene = Scene::quick();
                set_up(&scene);
                let handles = (n % 2 == 1).then(|| open_before(&scene));
                let plan = match part {
                    None => Plan::new().die(n),
                    Some(part) => Plan::new().short(n, *part).die(n + 1),
                };
                let _ = plan.run(|| transaction(scene.dir(), durability));
                let marked = scene.files().values().any(|bytes| bytes.len() == 128);
                locker(scene.dir());
                if before_or_after(&scene, &what) {
                    finished += 1;
                } else {
                    undone += 1;
                }
                drop(handles);
                if marked && by != "a transaction" || part.is_none() {
                    no_leftovers(&scene, &what);
                }
                nothing_pending(&scene, &what);
            }
        }
        let least = if is_deep() { (100, 20) } else { (15, 2) };
        assert!(
            undone > least.0 && finished > least.1,
            "{undone}, {finished}"
        );
    }
}

#[test]
fn a_death_while_it_is_settled() {
    // Half-way through the commit, and half-way through its undoing: for each
    // of both, death at each call of the one who settles.
    let scene = Scene::quick();
    set_up(&scene);
    let (_, calls) = Plan::new().run(|| transaction(scene.dir(), Durability::Power));
    let renames: Vec<_> = (0..calls.len())
        .filter(|n| calls[*n] == Op::Rename)
        .collect();
    // Behind the commit: before it, lock files get their names so.
    let links: Vec<_> = (renames[0]..calls.len())
        .filter(|n| calls[*n] == Op::Link)
        .collect();
    let unlink = calls.iter().rposition(|op| *op == Op::Unlink).unwrap();
    for (first, wanted) in [
        (renames[0], false),
        (renames[0] + 1, true),
        (links[0], true),
        (links[0] + 1, true),
        (renames[1], true),
        (renames[2], true),
        (unlink, true),
    ] {
        let broken = || {
            let scene = Scene::quick();
            set_up(&scene);
            let work = || transaction(scene.dir(), Durability::Power);
            let _ = Plan::new().die(first).run(work);
            scene
        };
        let scene = broken();
        let settle = |scene: &Scene| FileLock::acquire(scene.path("doc")).map(drop);
        let (result, calls) = Plan::new().run(|| settle(&scene));
        result.unwrap();
        assert_eq!(before_or_after(&scene, "settled at once"), wanted);
        for n in every(9, 0..calls.len()) {
            let (by, locker) = next(n);
            let what = format!("died at {first}, settler at {n}, then {by}");
            let scene = broken();
            let _ = Plan::new().die(n).run(|| settle(&scene));
            locker(scene.dir());
            assert_eq!(before_or_after(&scene, &what), wanted, "{what}");
            nothing_pending(&scene, &what);
        }
    }
}

#[test]
fn the_power_fails_at_each_call() {
    let scene = Scene::quick();
    set_up(&scene);
    let stash = Rc::new(Stash::new());
    let found = images_and_files(&scene, Some(&stash), |acknowledged| {
        transaction(scene.dir(), Durability::Power).unwrap();
        *acknowledged.borrow_mut() += 1;
    });
    let (mut undone, mut finished) = (0, 0);
    // Most calls change nothing.
    let mut seen = std::collections::BTreeSet::new();
    let found: Vec<_> = found
        .iter()
        .filter(|image| seen.insert((&image.inodes, &image.files, image.acknowledged)))
        .collect();
    for (n, image) in every(5, found.iter().enumerate()) {
        let (by, locker) = next(n);
        let what = format!("{}, then {by}", image.what);
        stash.restore(scene.dir(), image);
        locker(scene.dir());
        let applied = before_or_after(&scene, &what);
        assert!(applied || image.acknowledged == 0, "{what}: it was lost");
        if applied {
            finished += 1;
        } else {
            undone += 1;
        }
    }
    let least = if is_deep() { 50 } else { 7 };
    assert!(undone > least && finished > least, "{undone}, {finished}");
}

/// The errors that a call of this kind can give (man pages).
fn errors(op: Op) -> &'static [i32] {
    use libc::*;
    match op {
        Op::Write | Op::Create => &[ENOSPC, EIO, EINTR],
        Op::Lock => &[ENOLCK, EINTR],
        Op::Unlock => &[EINTR],
        Op::Rename | Op::Link => &[EACCES, ENOSPC, EPERM],
        _ => &[EIO, EACCES],
    }
}

#[test]
fn each_call_fails() {
    for durability in [Durability::Process, Durability::Power] {
        let scene = Scene::quick();
        set_up(&scene);
        let (result, calls) = Plan::new().run(|| transaction(scene.dir(), durability));
        result.unwrap();
        for (n, op) in every(5, calls.iter().enumerate()) {
            let mut faults: Vec<_> = errors(*op)
                .iter()
                .map(|errno| {
                    (
                        format!("call {n}, {op:?}, fails with {errno}"),
                        None,
                        *errno,
                    )
                })
                .collect();
            if *op == Op::Write {
                faults.extend([1, 64, 200].map(|part| {
                    let what = format!("call {n} writes {part} bytes, the next fails");
                    (what, Some(part), libc::ENOSPC)
                }));
            }
            for (what, part, errno) in faults {
                let what = format!("{durability}: {what}");
                let scene = Scene::quick();
                set_up(&scene);
                let plan = match part {
                    None => Plan::new().fail(n, errno),
                    Some(part) => Plan::new().short(n, part).fail(n + 1, errno),
                };
                let (result, _) = plan.run(|| transaction(scene.dir(), durability));
                let committed = match &result {
                    Ok(()) => true,
                    Err(error) if error.to_string().contains("committed but not finished") => {
                        // The next locker finishes it.
                        drop(FileLock::acquire(scene.path("created")).unwrap());
                        true
                    }
                    Err(error) => error.kind() == ErrorKind::NotDurable,
                };
                assert_eq!(
                    before_or_after(&scene, &format!("{what}: {result:?}")),
                    committed,
                    "{what}: {result:?}"
                );
                // A name that could not be unlinked stays until the next one.
                if *op != Op::Unlink {
                    no_leftovers(&scene, &format!("{what}: {result:?}"));
                }
                drop(FileLock::acquire(scene.path("doc")).unwrap());
                assert_eq!(before_or_after(&scene, &what), committed, "{what}");
                drop(Transaction::begin(scene.dir()).unwrap());
                assert_eq!(before_or_after(&scene, &what), committed, "{what}");
            }
        }
    }
}

/// A committed manifest that can't be removed is emptied, so that its marks go and
/// readers show what was committed.
#[test]
fn a_manifest_that_stays_hides_no_record() {
    let scene = Scene::new();
    let path = scene.with("j", "[0]\n");
    let (result, _) = Plan::new()
        .judge(|call| {
            let manifest = call.path.is_some_and(|path| path.ends_with(".untorn.txn"));
            match call.op == Op::Unlink && manifest {
                true => Verdict::Fail(libc::EIO),
                false => Verdict::Go,
            }
        })
        .run(|| {
            let mut transaction = Transaction::begin(scene.dir())?;
            transaction.append("j", [b"[1]"])?;
            transaction.save("d", b"1")?;
            transaction.commit()
        });
    result.unwrap();
    let report = Journal::open(&path).unwrap().verify().unwrap();
    assert_eq!((report.records, report.damage.len()), (2, 0));
    assert_eq!(bytes(&scene.path("j.lock")).len(), 64);
    drop(Transaction::begin(scene.dir()).unwrap());
    assert!(!scene.path(".untorn.txn").exists());
}
