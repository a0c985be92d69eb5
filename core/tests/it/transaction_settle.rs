//! Who settles a transaction, when, and of whom: what others do meanwhile.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};

use crate::scene::{Scene, bytes, torn};
use untorn::fault::{Op, Plan, Verdict};
use untorn::{Document, Durability, ErrorKind, FileLock, Transaction};

fn transaction(dir: &Path, members: &[&str]) -> untorn::Result<()> {
    let process = Transaction::options().durability(Durability::Process);
    let mut tx = process.begin(dir)?;
    for member in members {
        tx.append(member, ["[1]"])?;
    }
    if members != ALONE {
        tx.create("made", b"made")?;
    }
    tx.commit()
}

/// Then nothing else is changed, and no other lock taken.
const ALONE: &[&str] = &["alone"];

/// Locks the file, and says when it has decided to settle the transaction: when
/// it has read the manifest, and then each time when it begins again.
fn settle(path: PathBuf, decided: Sender<()>) {
    let mut settling = false;
    let plan = Plan::new().before(move |call| {
        let on = |name: &str| call.path.is_some_and(|path| path.ends_with(name));
        if call.op == Op::Lock && on(".untorn.settle.lock") {
            settling = true;
        } else if settling && (on("f.lock") || on("alone.lock")) {
            settling = false;
            // The other may have ended by now.
            let _ = decided.send(());
        }
    });
    let (locked, _) = plan.run(|| FileLock::acquire(path).map(drop));
    locked.unwrap();
}

#[test]
fn a_live_transaction_whose_lock_file_was_removed_is_not_undone() {
    for members in [&["f", "g"], ALONE] {
        let scene = Scene::new();
        for member in members {
            scene.with(member, "[0]\n");
        }
        let others = std::rc::Rc::new(std::cell::RefCell::new(None));
        let begun = std::rc::Rc::clone(&others);
        let (path, alone) = (scene.path(members[0]), members == ALONE);
        let (result, _) = Plan::new()
            .before(move |call| {
                if call.op != Op::Rename || call.path.is_none_or(|to| !to.ends_with(".untorn.txn"))
                {
                    return;
                }
                // A clean-up script, at the last moment there is.
                fs::remove_file(path.with_extension("lock")).unwrap();
                let (decided, wait) = channel();
                let path = path.clone();
                *begun.borrow_mut() = Some(std::thread::spawn(|| settle(path, decided)));
                wait.recv().unwrap();
                if alone {
                    // All locks but the directory's are free: it has seen that its
                    // owner lives, or it has ended.
                    let _ = wait.recv();
                }
            })
            .run(|| transaction(scene.dir(), members));
        result.unwrap();
        others.take().unwrap().join().unwrap();
        for member in members {
            assert_eq!(bytes(&scene.path(member)), b"[0]\n[1]\n", "{member}");
        }
        assert_eq!(scene.path("made").exists(), members != ALONE);
        assert!(!scene.path(".untorn.txn").exists());
    }
}

#[test]
fn a_commit_whose_lock_file_was_removed_changes_nothing() {
    let scene = Scene::new();
    let path = scene.with("f", "[0]\n");
    let (result, _) = Plan::new()
        .before(move |call| {
            // Before the manifest is there.
            if call.op == Op::Create && call.path.is_some_and(|to| to.ends_with(".untorn.prep")) {
                fs::remove_file(path.with_file_name("f.lock")).unwrap();
            }
        })
        .run(|| transaction(scene.dir(), &["f"]));
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(bytes(&scene.path("f")), b"[0]\n");
    assert!(!scene.path("made").exists());
    transaction(scene.dir(), &["f"]).unwrap();
    assert_eq!(bytes(&scene.path("f")), b"[0]\n[1]\n");
}

#[test]
fn nothing_is_to_be_seen_of_what_is_made_before_the_commit() {
    let scene = Scene::new();
    scene.with("f", "[0]\n");
    let (_, calls) = Plan::new().run(|| transaction(scene.dir(), &["f"]));
    let commit = calls.iter().position(|op| *op == Op::Rename).unwrap();
    for n in 0..calls.len() {
        let scene = Scene::new();
        scene.with("f", "[0]\n");
        let _ = Plan::new()
            .die(n)
            .run(|| transaction(scene.dir(), &["f"]).map(drop));
        let seen = Document::open(scene.path("made")).unwrap().load();
        assert!(n > commit || seen.is_err(), "death at {n} of {commit}");
        drop(FileLock::acquire(scene.path("f")).unwrap());
        let made = scene.path("made").exists();
        assert_eq!(made, n > commit, "death at {n} of {commit}");
    }
}

#[test]
fn what_another_made_in_its_place_stays() {
    // Between the death of the owner, right behind the commit, and the settling.
    let scene = Scene::new();
    scene.with("f", "[0]\n");
    dies_behind_the_commit(scene.dir());
    scene.with("made", "theirs");
    drop(FileLock::acquire(scene.path("f")).unwrap());
    assert_eq!(bytes(&scene.path("made")), b"theirs");
    assert_eq!(bytes(&scene.path("f")), b"[0]\n[1]\n");
    assert_eq!(torn(&scene.path("made")), [(0, b"made".to_vec())]);
    assert!(
        !scene
            .files()
            .keys()
            .any(|name| name.starts_with(".untorn.") && !name.ends_with(".lock"))
    );
}

fn dies_behind_the_commit(dir: &Path) {
    let mut committed = false;
    let (result, _) = Plan::new()
        .judge(move |call| match committed {
            true => Verdict::Fail(libc::EIO),
            false => {
                committed = call.op == Op::Rename;
                Verdict::Go
            }
        })
        .run(|| transaction(dir, &["f"]));
    result.unwrap_err();
    assert!(dir.join(".untorn.txn").exists());
}

/// Runs `work` as this user, in a thread of its own.
fn as_user(user: libc::uid_t, work: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // SAFETY: the system call changes the calling thread alone, which ends
            // with this.
            let done = unsafe { libc::syscall(libc::SYS_setresuid, user, user, user) };
            assert_eq!(done, 0);
            work();
        });
    });
}

#[test]
#[cfg(target_os = "linux")]
fn in_a_sticky_directory_another_user_waits_for_who_can_settle_it() {
    use std::io::Write;

    if !rustix::process::geteuid().is_root() {
        // Past the capture of the test harness.
        let _ = writeln!(std::io::stderr(), "skipped: to be two users takes root");
        return;
    }
    let scene = Scene::new();
    fs::set_permissions(scene.dir(), fs::Permissions::from_mode(0o1777)).unwrap();
    as_user(1001, || {
        fs::write(scene.path("f"), "[0]\n").unwrap();
        fs::set_permissions(scene.path("f"), fs::Permissions::from_mode(0o666)).unwrap();
        // With its mode, so that all may lock it.
        drop(FileLock::acquire(scene.path("f")).unwrap());
        dies_behind_the_commit(scene.dir());
        fs::set_permissions(scene.path("f.lock"), fs::Permissions::from_mode(0o666)).unwrap();
    });
    as_user(1002, || {
        let append = || {
            untorn::Journal::open(scene.path("f"))
                .unwrap()
                .append(b"[2]")
        };
        for _ in 0..2 {
            let error = append().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        }
    });
    assert_eq!(bytes(&scene.path("f")), b"[0]\n");
    as_user(1001, || drop(FileLock::acquire(scene.path("f")).unwrap()));
    assert_eq!(bytes(&scene.path("f")), b"[0]\n[1]\n");
    assert_eq!(bytes(&scene.path("made")), b"made");
}

#[test]
fn a_manifest_that_is_longer_than_memory_is_none() {
    let scene = Scene::new();
    scene.with("f", "[0]\n");
    for name in [".untorn.txn", ".untorn.prep"] {
        let file = fs::File::create(scene.path(name)).unwrap();
        file.set_len(1 << 43).unwrap();
    }
    drop(FileLock::acquire(scene.path("f")).unwrap());
    drop(untorn::snapshot(scene.dir()).unwrap());
}
