//! What an append sees of its files' names within one tick of the coarse clock, and what
//! it sees only in the next one.

use std::fs;
use std::path::Path;

use crate::scene::{Scene, bytes};
use untorn::fault::{Op, Plan, os_code, stop_clock};
use untorn::{CallOptions, Durability, ErrorKind, Journal};

/// A handle that has looked at both names in this tick, which lasts until the test lets
/// another begin.
fn used(path: &Path) -> Journal {
    stop_clock(Some(1));
    let journal = Journal::options()
        .durability(Durability::Process)
        .open(path)
        .unwrap();
    journal.append(b"[0]").unwrap();
    // The first append has opened the file. This one looks at what is open.
    journal.append(b"[1]").unwrap();
    journal
}

fn calls(journal: &Journal) -> Vec<Op> {
    let (result, calls) = Plan::new().run(|| journal.append(b"[9]"));
    result.unwrap();
    calls
}

const BY_DESCRIPTOR: [Op; 5] = [Op::Lock, Op::Stat, Op::Stat, Op::Write, Op::Unlock];
const BY_NAME: [Op; 6] = [
    Op::Stat,
    Op::Lock,
    Op::StatPath,
    Op::StatPath,
    Op::Write,
    Op::Unlock,
];

#[test]
fn a_second_append_in_a_tick_looks_at_no_name() {
    let scene = Scene::new();
    let journal = used(&scene.path("j"));
    assert_eq!(calls(&journal), BY_DESCRIPTOR);
    stop_clock(Some(2));
    assert_eq!(calls(&journal), BY_NAME);
    assert_eq!(calls(&journal), BY_DESCRIPTOR);
}

/// Of a program that appends now and then, every append looks at the names.
#[test]
fn without_many_appends_in_a_tick_each_looks_at_the_names() {
    let scene = Scene::new();
    let journal = used(&scene.path("j"));
    for tick in 2..20 {
        stop_clock(Some(tick));
        assert_eq!(calls(&journal), BY_NAME, "{tick}");
    }
}

#[test]
fn after_a_rewrite_the_lock_files_record_is_compared() {
    let scene = Scene::new();
    let journal = used(&scene.path("j"));
    journal.rotate().unwrap();
    journal.append(b"[2]").unwrap();
    let by_descriptor = [&BY_DESCRIPTOR[..2], &[Op::Read], &BY_DESCRIPTOR[2..]];
    assert_eq!(calls(&journal), by_descriptor.concat());
}

/// What has no name any more, or has others' bytes, is seen at once.
#[test]
fn a_journal_that_is_deleted_or_replaced_is_left_at_once() {
    type Change = fn(&Path);
    let changes: [(&str, Change, &[u8]); 5] = [
        ("deleted", |path| fs::remove_file(path).unwrap(), b"[2]\n"),
        (
            "deleted and made again",
            |path| {
                fs::remove_file(path).unwrap();
                fs::write(path, "[7]\n").unwrap();
            },
            b"[7]\n[2]\n",
        ),
        (
            "another renamed over it",
            |path| {
                let other = path.with_file_name("other");
                fs::write(&other, "[7]\n").unwrap();
                fs::rename(other, path).unwrap();
            },
            b"[7]\n[2]\n",
        ),
        ("emptied", |path| fs::write(path, "").unwrap(), b"[2]\n"),
        (
            "torn by a program that died",
            |path| fs::write(path, "[7]\n[8").unwrap(),
            b"[7]\n[2]\n",
        ),
    ];
    for (how, change, expected) in changes {
        let scene = Scene::new();
        let path = scene.path("j");
        let journal = used(&path);
        change(&path);
        let end = journal.append(b"[2]").unwrap();
        assert_eq!(bytes(&path), expected, "{how}");
        assert_eq!(journal.end().unwrap(), end, "{how}");
    }
}

/// logrotate renames without the lock.
#[test]
fn a_journal_that_is_renamed_is_left_at_the_next_tick() {
    let scene = Scene::new();
    let (path, moved) = (scene.path("j"), scene.path("j.1"));
    let journal = used(&path);
    fs::rename(&path, &moved).unwrap();
    journal.append(b"[2]").unwrap();
    // It is not lost: it is in the file that has the other name.
    assert_eq!(bytes(&moved), b"[0]\n[1]\n[2]\n");
    assert!(!path.exists());
    stop_clock(Some(2));
    journal.append(b"[3]").unwrap();
    assert_eq!(bytes(&path), b"[3]\n");
    assert_eq!(bytes(&moved), b"[0]\n[1]\n[2]\n");
}

#[test]
fn a_second_name_is_seen_at_once() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = used(&path);
    fs::hard_link(&path, scene.path("second")).unwrap();
    let error = journal.append(b"[2]").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockUnsupported, "{error}");
}

/// Another program that locks the file which has the name now must be waited for.
#[test]
fn a_lock_file_without_a_name_counts_for_nothing_at_once() {
    let changes: [fn(&Path); 2] = [
        |lock| fs::remove_file(lock).unwrap(),
        |lock| {
            let other = lock.with_file_name("other");
            fs::write(&other, "").unwrap();
            fs::rename(other, lock).unwrap();
        },
    ];
    for change in changes {
        let scene = Scene::new();
        let path = scene.path("j");
        let lock = scene.path("j.lock");
        let journal = used(&path);
        change(&lock);
        let theirs = fs::File::options()
            .append(true)
            .create(true)
            .open(&lock)
            .unwrap();
        theirs.lock().unwrap();
        let once = CallOptions::new().timeout(Some(std::time::Duration::ZERO));
        let error = journal.append_with(b"[2]", &once).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
        theirs.unlock().unwrap();
        journal.append(b"[2]").unwrap();
        assert_eq!(bytes(&path), b"[0]\n[1]\n[2]\n");
    }
}

/// So is one of which another name is left.
#[test]
fn a_lock_file_that_is_renamed_counts_until_the_next_tick() {
    let changes: [fn(&Path); 2] = [
        |lock| fs::rename(lock, lock.with_file_name("aside")).unwrap(),
        |lock| {
            fs::hard_link(lock, lock.with_file_name("snapshot")).unwrap();
            fs::remove_file(lock).unwrap();
        },
    ];
    for change in changes {
        let scene = Scene::new();
        let path = scene.path("j");
        let lock = scene.path("j.lock");
        let journal = used(&path);
        change(&lock);
        let theirs = fs::File::create(lock).unwrap();
        theirs.lock().unwrap();
        journal.append(b"[2]").unwrap();
        stop_clock(Some(2));
        let once = CallOptions::new().timeout(Some(std::time::Duration::ZERO));
        let error = journal.append_with(b"[3]", &once).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    }
}

/// What this library puts in the journal's place is in the lock file.
#[test]
fn a_rewrite_by_another_is_seen_at_once() {
    type Change = fn(&Journal);
    let changes: [(&str, Change, &[u8]); 5] = [
        ("rotate", |other| drop(other.rotate().unwrap()), b"[2]\n"),
        (
            "replace",
            |other| {
                other.replace([b"[7]"]).unwrap();
            },
            b"[7]\n[2]\n",
        ),
        (
            "rotate twice",
            |other| {
                other.rotate().unwrap();
                other.append(b"[7]").unwrap();
                other.rotate().unwrap();
            },
            b"[2]\n",
        ),
        (
            "many records",
            |other| {
                other.append_all([b"[7]", b"[8]"]).unwrap();
            },
            b"[0]\n[1]\n[7]\n[8]\n[2]\n",
        ),
        (
            "another dies in an append of many",
            |other| {
                other.append_all([b"[7]", b"[8]"]).unwrap();
                let (_, calls) = Plan::new().run(|| other.append_all([b"[7]", b"[8]"]));
                let write = calls.iter().rposition(|op| *op == Op::Write).unwrap();
                let half = move |call: &untorn::fault::Call<'_>| match call.number {
                    n if n == write => untorn::fault::Verdict::Short(5),
                    n if n > write => untorn::fault::Verdict::Fail(os_code(5)),
                    _ => untorn::fault::Verdict::Go,
                };
                let (died, _) = Plan::new()
                    .judge(half)
                    .run(|| other.append_all([b"[7]", b"[8]"]));
                died.unwrap_err();
            },
            b"[0]\n[1]\n[7]\n[8]\n[7]\n[8]\n[2]\n",
        ),
    ];
    for rewritten in [false, true] {
        for (how, change, expected) in changes {
            let scene = Scene::new();
            let path = scene.path("j");
            let journal = used(&path);
            if rewritten {
                // From here on the lock file has a record.
                journal.replace([b"[0]"]).unwrap();
                journal.append(b"[1]").unwrap();
            }
            change(&Journal::open(&path).unwrap());
            let end = journal.append(b"[2]").unwrap();
            assert_eq!(bytes(&path), expected, "{how}");
            assert_eq!(journal.end().unwrap(), end, "{how}");
            assert_eq!(journal.verify().unwrap().damage_count, 0, "{how}");
        }
    }
}
