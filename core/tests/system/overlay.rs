//! On a real overlay, the file system of a container. It has another device number each
//! time it is mounted. It copies a file of a lower layer that is opened for writing,
//! and the copy has another birth.
//!
//! To mount takes root, or the right to; without it these tests say that they are
//! skipped. A test that unmounts runs in a process of its own: a child that another test
//! forks has the same descriptors for a moment, and the file system is busy.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::scene::alone::alone;
use crate::scene::{bytes, records};
use untorn::fault::{Op, Plan, Verdict};
use untorn::{
    CallOptions, Durability, ErrorKind, FileLock, FollowItem, Journal, Position, Transaction,
};

/// An overlay; `lower` is what its lower layer holds.
struct Overlay {
    dir: tempfile::TempDir,
    mounted: Vec<PathBuf>,
}

impl Overlay {
    /// `None`, and a word why: it can't be mounted here.
    fn new(lower: &[(&str, &str)]) -> Option<Overlay> {
        let dir = tempfile::tempdir().unwrap();
        for name in ["lower", "upper", "work", "all", "aside"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        for (name, bytes) in lower {
            fs::write(dir.path().join("lower").join(name), bytes).unwrap();
        }
        let mounted = Vec::new();
        let mut overlay = Overlay { dir, mounted };
        overlay.mount().then_some(overlay)
    }

    fn mount(&mut self) -> bool {
        let at = |name: &str| self.dir.path().join(name).display().to_string();
        let layers = format!(
            "lowerdir={},upperdir={},workdir={}",
            at("lower"),
            at("upper"),
            at("work")
        );
        let all = self.dir.path().join("all");
        let done = run("mount", &["-t", "overlay", "overlay", "-o", &layers], &all);
        if done {
            self.mounted.push(all);
        } else {
            // Past the capture of the test harness.
            let _ = writeln!(
                std::io::stderr(),
                "skipped: no overlay can be mounted here (it takes root, or the right to mount)"
            );
        }
        done
    }

    /// As when a container starts again, and others have started meanwhile.
    fn remount(&mut self) {
        let device = |overlay: &Overlay| fs::metadata(overlay.path("")).unwrap().dev();
        let before = device(self);
        while device(self) == before {
            // Others mount and unmount, too: until one of ours has the number.
            assert!(run("umount", &[], &self.mounted.pop().unwrap()));
            let aside = self.dir.path().join("aside");
            assert!(run("mount", &["-t", "tmpfs", "tmpfs"], &aside));
            self.mounted.push(aside);
            assert!(self.mount());
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("all").join(name)
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        for path in self.mounted.iter().rev() {
            run("umount", &[], path);
        }
    }
}

fn run(program: &str, arguments: &[&str], path: &Path) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).arg(path).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn open(path: &Path) -> Journal {
    let options = Journal::options().durability(Durability::Process);
    options.open(path).unwrap()
}

fn dies_at(op: Op, nth: usize, work: impl FnOnce() -> untorn::Result<()>) {
    let mut left = nth;
    let (result, _) = Plan::new()
        .judge(move |call| {
            if left == 0 {
                return Verdict::Fail(libc::EIO);
            }
            left -= usize::from(call.op == op);
            Verdict::Go
        })
        .run(work);
    result.unwrap_err();
}

#[test]
fn what_was_pending_is_settled_after_a_remount() {
    if !alone(
        module_path!(),
        "what_was_pending_is_settled_after_a_remount",
    ) {
        return;
    }
    let Some(mut overlay) = Overlay::new(&[]) else {
        return;
    };
    let stored = open(&overlay.path("j")).append_all(["[0]", "[1]"]).unwrap();
    fs::write(overlay.path("doc"), "old").unwrap();
    open(&overlay.path("k")).append(b"[0]").unwrap();
    // Right behind its commit.
    dies_at(Op::Rename, 1, || {
        let mut tx = Transaction::begin(overlay.path(""))?;
        tx.save("doc", b"new")?;
        tx.append("k", ["[1]", "[2]"])?;
        tx.commit()
    });
    // In the middle of an append of many.
    let many: Vec<_> = (0..50).map(|n| format!("[{n},\"dead\"]")).collect();
    let journal = open(&overlay.path("j"));
    journal.append_all(["[2]", "[3]"]).unwrap();
    let (_, calls) = Plan::new().run(|| journal.append_all(["[4]", "[5]"]));
    let write = calls.iter().rposition(|op| *op == Op::Write).unwrap();
    let (result, _) = Plan::new()
        .short(write, 200)
        .die(write + 1)
        .run(|| journal.append_all(&many));
    result.unwrap_err();
    drop(journal);
    overlay.remount();
    drop(FileLock::acquire(overlay.path("doc")).unwrap());
    assert_eq!(bytes(&overlay.path("doc")), b"new");
    assert_eq!(bytes(&overlay.path("k")), b"[0]\n[1]\n[2]\n");
    open(&overlay.path("j")).append(b"[6]").unwrap();
    assert_eq!(
        bytes(&overlay.path("j")),
        b"[0]\n[1]\n[2]\n[3]\n[4]\n[5]\n[6]\n"
    );
    let from = given(&overlay.path("j"), stored);
    assert_eq!(from, ["[2]", "[3]", "[4]", "[5]", "[6]"]);
}

/// What a follower is given from a stored position on.
fn given(path: &Path, from: Position) -> Vec<String> {
    let mut follow = open(path).follow(Some(from)).unwrap();
    let once = CallOptions::new().timeout(Some(Duration::ZERO));
    let mut given = Vec::new();
    while let Some(found) = follow.next(&once).unwrap() {
        given.push(match found {
            FollowItem::Record(record) => String::from_utf8(record.bytes).unwrap(),
            other => format!("{other:?}"),
        });
    }
    given
}

#[test]
fn a_journal_of_a_lower_layer_stays_the_same_journal() {
    if !alone(
        module_path!(),
        "a_journal_of_a_lower_layer_stays_the_same_journal",
    ) {
        return;
    }
    let lower = [("j", "[0]\n[1]\n"), ("k", "[0]\n"), ("h", "[0]\n")];
    let Some(mut overlay) = Overlay::new(&lower) else {
        return;
    };
    let journal = open(&overlay.path("j"));
    let mut follow = journal.follow(None).unwrap();
    let stored = journal.end().unwrap();
    // The first to write: no other did.
    let end = journal.append_at(stored, ["[2]", "[3]"]).unwrap();
    assert_eq!(end.generation, stored.generation);
    let once = CallOptions::new().timeout(Some(Duration::ZERO));
    for expected in ["[2]", "[3]"] {
        match follow.next(&once).unwrap() {
            Some(FollowItem::Record(record)) => assert_eq!(record.bytes, expected.as_bytes()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(given(&overlay.path("j"), stored), ["[2]", "[3]"]);
    // A record by itself, and a transaction.
    let stored = open(&overlay.path("h")).end().unwrap();
    open(&overlay.path("h")).append(b"[1]").unwrap();
    assert_eq!(given(&overlay.path("h"), stored), ["[1]"]);
    let stored = open(&overlay.path("k")).end().unwrap();
    let mut tx = Transaction::begin(overlay.path("")).unwrap();
    tx.append("k", ["[1]"]).unwrap();
    tx.commit().unwrap();
    assert_eq!(given(&overlay.path("k"), stored), ["[1]"]);
    drop((journal, follow));
    overlay.remount();
    assert_eq!(given(&overlay.path("k"), stored), ["[1]"]);
    assert_eq!(records(&overlay.path("j")).len(), 4);
}

#[test]
fn another_file_of_the_name_is_another_journal() {
    if !alone(
        module_path!(),
        "another_file_of_the_name_is_another_journal",
    ) {
        return;
    }
    let Some(overlay) = Overlay::new(&[("j", "[0]\n")]) else {
        return;
    };
    let path = overlay.path("j");
    let mut matched = 0;
    for _ in 0..20 {
        let stored = open(&path).append_all(["[1]", "[2]"]).unwrap();
        let before = bytes(&path);
        fs::remove_file(&path).unwrap();
        fs::write(&path, before).unwrap();
        match open(&path).append_at(stored, ["[3]"]) {
            Ok(_) => matched += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
        }
    }
    assert!(matched < 20, "{matched} of 20");
}
