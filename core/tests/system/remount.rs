//! The machine or a container starts again, and every file has another device number,
//! with the same inode. A pending change is still recognized, and stored positions stay
//! good.
//!
//! The number is that of the whole process, so these tests run one by one.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::scene::alone::alone;
use crate::scene::{Scene, bytes, records, torn};
use untorn::fault::{Op, Plan, mounted_as};
use untorn::{
    CallOptions, Document, Durability, ErrorKind, FileLock, FollowItem, Journal, JournalOptions,
    Reconciled, Store, Transaction,
};

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on all files are on a device with a number that none ever had.
fn remount() {
    static LAST: AtomicU64 = AtomicU64::new(0);
    mounted_as(0x1_0000 + LAST.fetch_add(1, Ordering::Relaxed));
}

fn once() -> CallOptions<'static> {
    CallOptions::new().timeout(Some(Duration::ZERO))
}

fn options() -> JournalOptions {
    Journal::options()
        .durability(Durability::Process)
        .header_prefix(b"{\"head\":")
}

fn open(path: &Path) -> Journal {
    options().open(path).unwrap()
}

/// Runs `work` until it dies at each of its calls, and in the middle of each write.
/// Then all is mounted again.
fn each_death(
    set_up: impl Fn(&Scene),
    work: impl Fn(&Scene) -> untorn::Result<()>,
    check: impl Fn(&Scene, &str),
) {
    let scene = Scene::quick();
    set_up(&scene);
    let (result, calls) = Plan::new().run(|| work(&scene));
    result.expect("it lives");
    for (n, op) in calls.iter().enumerate() {
        let parts: &[usize] = match op {
            Op::Write => &[1, 5, 20, 64, 100, 300],
            _ => &[],
        };
        let deaths = parts.iter().map(|part| (n + 1, Some(*part)));
        for (death, part) in [(n, None)].into_iter().chain(deaths) {
            let plan = match part {
                None => Plan::new().die(death),
                Some(part) => Plan::new().short(n, part).die(death),
            };
            let scene = Scene::quick();
            set_up(&scene);
            // The failure of the last calls, which only clear up, is not reported.
            let _ = plan.run(|| work(&scene));
            remount();
            check(
                &scene,
                &format!("at call {n}, {op:?}, after {part:?} bytes"),
            );
        }
    }
}

const OLD: &[u8] = b"{\"n\":0}\n{\"n\":1}\n";

#[test]
fn an_append_of_many_is_whole_or_undone() {
    if !alone(module_path!(), "an_append_of_many_is_whole_or_undone") {
        return;
    }
    let _turn = turn();
    each_death(
        |scene| drop(scene.with("j", OLD)),
        |scene| {
            let many = (0..50).map(|n| format!("{{\"batch\":{n}}}"));
            options().open(scene.path("j"))?.append_all(many).map(drop)
        },
        |scene, what| {
            open(&scene.path("j")).append(b"{\"n\":2}").unwrap();
            let read = records(&scene.path("j")).len();
            assert!([3, 53].contains(&read), "{what}: {read} records");
        },
    );
}

#[test]
fn a_header_and_its_record_are_both_there_or_neither() {
    if !alone(
        module_path!(),
        "a_header_and_its_record_are_both_there_or_neither",
    ) {
        return;
    }
    let _turn = turn();
    each_death(
        |scene| {
            open(&scene.path("j"))
                .append_with_header(b"{\"head\":0}", ["[0]"])
                .map(drop)
                .unwrap();
        },
        |scene| {
            options()
                .open(scene.path("j"))?
                .append_with_header(b"{\"head\":1}", ["[1]", "[1.5]"])
                .map(drop)
        },
        |scene, what| {
            let journal = open(&scene.path("j"));
            journal.append(b"[2]").unwrap();
            let head = journal.header().unwrap().unwrap();
            let read = records(&scene.path("j")).len() - 1;
            let done = head == b"{\"head\":1}";
            assert_eq!(read, if done { 4 } else { 2 }, "{what}: {head:?}");
        },
    );
}

#[test]
fn a_rotation_is_done_or_not() {
    if !alone(module_path!(), "a_rotation_is_done_or_not") {
        return;
    }
    let _turn = turn();
    each_death(
        |scene| drop(scene.with("j.jsonl", OLD)),
        |scene| options().open(scene.path("j.jsonl"))?.rotate().map(drop),
        |scene, what| {
            let before = open(&scene.path("j.jsonl")).end().unwrap();
            remount();
            remount();
            open(&scene.path("j.jsonl")).append(b"[2]").unwrap();
            let done = bytes(&scene.path("j_1.jsonl"));
            let read = records(&scene.path("j.jsonl")).len();
            let expected = if done.is_empty() { 3 } else { 1 };
            assert_eq!(read, expected, "{what}: {done:?}");
            assert!(done.is_empty() || done == OLD, "{what}");
            let after = open(&scene.path("j.jsonl")).end().unwrap();
            assert_eq!(before.generation, after.generation, "{what}");
        },
    );
}

const BEFORE: [&str; 5] = ["old", "{\"n\":0}\n", "gone", "", ""];
const AFTER: [&str; 5] = ["new", "{\"n\":0}\n[1]\n[2]\n", "", "made", "[1]\n"];
const NAMES: [&str; 5] = ["doc", "journal", "removed", "created", "journal-new"];

fn transaction(dir: &Path, durability: Durability) -> untorn::Result<()> {
    let mut tx = Transaction::options().durability(durability).begin(dir)?;
    tx.save("doc", b"new")?;
    tx.create("created", b"made")?;
    tx.append("journal", ["[1]", "[2]"])?;
    tx.append("journal-new", ["[1]"])?;
    tx.remove("removed")?;
    tx.commit()
}

#[test]
fn a_transaction_is_applied_whole_or_not_at_all() {
    if !alone(
        module_path!(),
        "a_transaction_is_applied_whole_or_not_at_all",
    ) {
        return;
    }
    let _turn = turn();
    for durability in [Durability::Process, Durability::Power] {
        let lockers: [fn(&Path); 3] = [
            |dir| drop(untorn::snapshot(dir).unwrap()),
            |dir| drop(FileLock::acquire(dir.join("journal")).unwrap()),
            |dir| drop(FileLock::acquire(dir.join("removed")).unwrap()),
        ];
        let count = AtomicU64::new(0);
        each_death(
            |scene| {
                for (name, bytes) in NAMES.iter().zip(BEFORE).take(3) {
                    scene.with(name, bytes);
                }
            },
            |scene| transaction(scene.dir(), durability),
            |scene, what| {
                let n = count.fetch_add(1, Ordering::Relaxed);
                lockers[n as usize % lockers.len()](scene.dir());
                let now = NAMES.map(|name| String::from_utf8(bytes(&scene.path(name))).unwrap());
                assert!(now == BEFORE || now == AFTER, "{what}: {now:?}");
            },
        );
    }
}

/// A session whose owner died.
fn dead(scene: &Scene) {
    let session = store(scene).session("s").unwrap();
    let lease = session.claim("the dead owner").unwrap();
    session.state().unwrap().save(b"0").unwrap();
    Plan::new().die(0).run(|| drop(lease));
    let path = session.path().join(".untorn.lease");
    let mut owner: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    owner["start"] = 1.into();
    fs::write(&path, format!("{owner}\n")).unwrap();
}

fn store(scene: &Scene) -> Store {
    open_store(scene).unwrap()
}

fn open_store(scene: &Scene) -> untorn::Result<Store> {
    let options = Store::options().durability(Durability::Process);
    options.open(scene.dir())
}

fn reconcile(scene: &Scene) -> untorn::Result<Reconciled> {
    open_store(scene)?.session("s")?.reconcile(|tx| {
        let (state, _) = tx.load("state.json")?.unwrap();
        let count: u32 = String::from_utf8(state).unwrap().parse().unwrap();
        tx.save("state.json", (count + 1).to_string().as_bytes())?;
        tx.append("journal.jsonl", ["[\"reconciled\"]"])?;
        Ok(true)
    })
}

#[test]
fn a_dead_owner_is_reconciled_once() {
    if !alone(module_path!(), "a_dead_owner_is_reconciled_once") {
        return;
    }
    let _turn = turn();
    each_death(
        dead,
        |scene| reconcile(scene).map(drop),
        |scene, what| {
            for _ in 0..2 {
                remount();
                reconcile(scene).unwrap();
            }
            let session = store(scene).session("s").unwrap();
            assert_eq!(bytes(&session.path().join("state.json")), b"1", "{what}");
            let log = records(&session.path().join("journal.jsonl"));
            assert_eq!(log.len(), 1, "{what}: {log:?}");
        },
    );
}

#[test]
fn positions_stay_good() {
    if !alone(module_path!(), "positions_stay_good") {
        return;
    }
    let _turn = turn();
    let scene = Scene::new();
    let path = scene.path("j");
    // One that has a recorded generation, and one that has none.
    for many in [true, false] {
        let _ = fs::remove_file(&path);
        let stored = match many {
            true => open(&path).append_all(["[1]", "[2]"]).unwrap(),
            false => open(&path).append(b"[1]").unwrap(),
        };
        remount();
        let journal = open(&path);
        assert_eq!(journal.end().unwrap(), stored);
        let end = journal.append_at(stored, ["[3]"]).unwrap();
        assert_eq!(end.generation, stored.generation);
        remount();
        let mut follow = open(&path).follow(Some(stored)).unwrap();
        match follow.next(&once()).unwrap() {
            Some(FollowItem::Record(record)) => assert_eq!(record.bytes, b"[3]"),
            other => panic!("{other:?}"),
        }
        assert!(follow.next(&once()).unwrap().is_none());
    }
}

#[test]
fn another_file_is_another_file() {
    if !alone(module_path!(), "another_file_is_another_file") {
        return;
    }
    let _turn = turn();
    let scene = Scene::new();
    let path = scene.path("j");
    let mut matched = 0;
    for _ in 0..20 {
        let stored = open(&path).append_all(["[1]", "[2]"]).unwrap();
        // Its inode number is used again, as a rule.
        let born = fs::metadata(&path).unwrap().created().ok();
        loop {
            fs::remove_file(&path).unwrap();
            fs::write(&path, "[1]\n[2]\n").unwrap();
            let again = fs::metadata(&path).unwrap().created().ok();
            let apart = again
                .zip(born)
                .and_then(|(again, born)| again.duration_since(born).ok());
            // NTFS counts the uses of a number. Under Wine only the birth tells two files
            // apart, to half a millisecond.
            if cfg!(unix) || apart > Some(Duration::from_millis(1)) {
                break;
            }
        }
        remount();
        match open(&path).append_at(stored, ["[3]"]) {
            Ok(_) => matched += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
        }
        fs::remove_file(&path).unwrap();
    }
    // Twelve bits of a random number may meet.
    assert!(matched < 3, "{matched} of 20");
}

/// A transaction whose process died right behind its commit.
fn committed(scene: &Scene) {
    scene.with("doc", "old");
    scene.with("journal", OLD);
    let work = || {
        let mut tx = Transaction::begin(scene.dir())?;
        tx.save("doc", b"new")?;
        tx.append("journal", ["[1]", "[2]"])?;
        tx.commit()
    };
    let rename = Plan::new();
    let mut renamed = false;
    let (result, _) = rename
        .judge(move |call| match renamed {
            true => untorn::fault::Verdict::Fail(libc::EIO),
            false => {
                renamed = call.op == Op::Rename;
                untorn::fault::Verdict::Go
            }
        })
        .run(work);
    result.unwrap_err();
    assert!(scene.path(".untorn.txn").exists());
}

#[test]
fn what_has_no_journal_any_more_is_set_aside() {
    if !alone(module_path!(), "what_has_no_journal_any_more_is_set_aside") {
        return;
    }
    let _turn = turn();
    for removed in [false, true] {
        let scene = Scene::new();
        committed(&scene);
        fs::remove_file(scene.path("journal")).unwrap();
        if !removed {
            scene.with("another", OLD);
            fs::rename(scene.path("another"), scene.path("journal")).unwrap();
        }
        remount();
        drop(
            Document::open(scene.path("doc"))
                .unwrap()
                .begin_update(&untorn::CallOptions::new()),
        );
        assert_eq!(bytes(&scene.path("doc")), b"new");
        let expected: &[u8] = if removed { b"" } else { OLD };
        assert_eq!(bytes(&scene.path("journal")), expected);
        let kept = torn(&scene.path("journal"));
        assert_eq!(kept, [(OLD.len() as u64, b"[1]\n[2]\n".to_vec())]);
        let head = String::from_utf8(bytes(&scene.path("journal.torn"))).unwrap();
        assert!(
            head.contains("\"why\":\"committed by a transaction"),
            "{head}"
        );
        assert!(!scene.path(".untorn.txn").exists());
    }
}

#[test]
fn ones_own_commit_finds_another_journal_and_takes_all_back() {
    if !alone(
        module_path!(),
        "ones_own_commit_finds_another_journal_and_takes_all_back",
    ) {
        return;
    }
    let _turn = turn();
    let scene = Scene::new();
    scene.with("doc", "old");
    let path = scene.with("journal", OLD);
    let mut tx = Transaction::begin(scene.dir()).unwrap();
    tx.save("doc", b"new").unwrap();
    tx.append("journal", ["[1]"]).unwrap();
    let (result, _) = Plan::new()
        .before(move |call| {
            if call.op == Op::Rename && call.path.is_some_and(|to| to.ends_with(".untorn.txn")) {
                fs::write(path.with_file_name("another"), "[9]\n").unwrap();
                fs::rename(path.with_file_name("another"), &path).unwrap();
            }
        })
        .run(|| tx.commit());
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("nothing was changed"), "{error}");
    assert_eq!(bytes(&scene.path("doc")), b"old");
    assert_eq!(bytes(&scene.path("journal")), b"[9]\n");
}
