//! Transactions: what they change, what they refuse, and with whom they share
//! a directory.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use crate::scene;
use crate::scene::{Scene, bytes};
use untorn::fault::{Op, Plan};
use untorn::{
    CallOptions, Document, Durability, ErrorKind, FileLock, Format, Journal, Scheme, Transaction,
    Version,
};

fn begin(scene: &Scene) -> Transaction {
    Transaction::options()
        .durability(Durability::Process)
        .begin(scene.dir())
        .unwrap()
}

/// The names in the directory but for lock files.
fn names(scene: &Scene) -> Vec<String> {
    let mut names: Vec<_> = scene.files().into_keys().collect();
    names.retain(|name| !name.ends_with(".lock"));
    names
}

#[test]
fn directories_are_made_before_the_lock_and_are_durable() {
    for (durability, synced) in [(Durability::Power, 2), (Durability::Process, 0)] {
        let scene = Scene::new();
        let dir = scene.path("a/b");
        let begin = || {
            Transaction::options()
                .durability(durability)
                .parents(true)
                .begin(&dir)
        };
        let (made, calls) = Plan::new().run(begin);
        drop(made.unwrap());
        assert!(dir.is_dir(), "a rollback leaves it");
        let pairs = || calls.windows(2).filter(|pair| pair[0] == Op::MakeDir);
        assert_eq!(pairs().count(), 2, "{calls:?}");
        let durable = pairs().filter(|pair| pair[1] == Op::SyncDir).count();
        assert_eq!(durable, synced, "{durability:?}: {calls:?}");
        let (again, calls) = Plan::new().run(begin);
        drop(again.unwrap());
        assert!(!calls.contains(&Op::MakeDir), "{calls:?}");
    }
}

#[test]
fn no_directory_is_made_for_what_is_refused() {
    let scene = Scene::new();
    let dir = scene.path("a/b");
    let options = || Transaction::options().parents(true);
    let journals = Journal::options().scheme(Scheme::InPlace);
    for (options, dir) in [
        (options().mode(Some(0o1000)), &*dir),
        (options().journals(journals), &*dir),
    ] {
        let error = options.begin(dir).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    let error = options().begin("").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(scene.files().len(), 0);
    assert!(!scene.path("a").exists());
}

fn nothing_pending(scene: &Scene) {
    for (name, bytes) in scene.files() {
        assert!(
            !name.ends_with(".lock") || bytes.len() <= 64,
            "{name}: something is pending"
        );
        assert!(
            !name.starts_with(".untorn") || name.ends_with(".lock"),
            "{name} is left"
        );
    }
}

#[test]
fn all_kinds_of_changes_together() {
    for durability in [Durability::Process, Durability::Power] {
        let scene = Scene::new();
        scene.with("saved", "old");
        scene.with("removed", "old");
        scene.with("journal", "{\"n\":0}\n");
        let mut tx = Transaction::options()
            .durability(durability)
            .begin(scene.dir())
            .unwrap();
        assert_eq!(tx.save("saved", b"new").unwrap(), Version::of(b"new"));
        tx.save("saved-new", b"1").unwrap();
        tx.create("created", b"2").unwrap();
        assert!(tx.remove("removed").unwrap());
        tx.append("journal", ["{\"n\":1}", "{\"n\":2}"]).unwrap();
        tx.append("journal-new", ["[1]"]).unwrap();
        tx.append("journal-new", ["[2]"]).unwrap();
        // Nothing yet.
        assert_eq!(names(&scene), ["journal", "removed", "saved"]);
        tx.commit().unwrap();
        assert_eq!(
            names(&scene),
            ["created", "journal", "journal-new", "saved", "saved-new"]
        );
        assert_eq!(bytes(&scene.path("saved")), b"new");
        assert_eq!(bytes(&scene.path("saved-new")), b"1");
        assert_eq!(bytes(&scene.path("created")), b"2");
        assert_eq!(
            bytes(&scene.path("journal")),
            b"{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n"
        );
        assert_eq!(bytes(&scene.path("journal-new")), b"[1]\n[2]\n");
        nothing_pending(&scene);
    }
}

#[test]
fn it_sees_its_own_changes() {
    let scene = Scene::new();
    scene.with("d", "old");
    scene.with("j", "[0]");
    let mut tx = begin(&scene);
    let seen = |tx: &mut Transaction, name: &str| {
        let loaded = tx.load(name).unwrap();
        loaded.map(|(bytes, version)| {
            assert_eq!(version, Version::of(&bytes));
            String::from_utf8(bytes).unwrap()
        })
    };
    assert_eq!(seen(&mut tx, "d").as_deref(), Some("old"));
    tx.save("d", b"new").unwrap();
    assert_eq!(seen(&mut tx, "d").as_deref(), Some("new"));
    assert!(tx.remove("d").unwrap());
    assert!(!tx.remove("d").unwrap());
    assert_eq!(seen(&mut tx, "d"), None);
    tx.create("d", b"again").unwrap();
    assert_eq!(seen(&mut tx, "d").as_deref(), Some("again"));
    let error = tx.create("d", b"twice").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    tx.append("d", ["1"]).unwrap();
    assert_eq!(seen(&mut tx, "d").as_deref(), Some("again\n1\n"));
    tx.append("j", ["[1]"]).unwrap();
    assert_eq!(seen(&mut tx, "j").as_deref(), Some("[0]\n[1]\n"));
    tx.create("c", b"1").unwrap();
    assert!(tx.remove("c").unwrap());
    tx.remove("never").unwrap();
    tx.remove("j2").unwrap();
    tx.append("j2", ["[2]"]).unwrap();
    tx.commit().unwrap();
    assert_eq!(names(&scene), ["d", "j", "j2"]);
    assert_eq!(bytes(&scene.path("d")), b"again\n1\n");
    assert_eq!(bytes(&scene.path("j")), b"[0]\n[1]\n");
    assert_eq!(bytes(&scene.path("j2")), b"[2]\n");
    nothing_pending(&scene);
}

#[test]
fn a_drop_or_a_rollback_leaves_nothing_behind() {
    let scene = Scene::new();
    scene.with("d", "old");
    for rollback in [true, false] {
        let mut tx = begin(&scene);
        tx.save("d", b"new").unwrap();
        tx.create("c", b"new").unwrap();
        tx.load("d").unwrap();
        if rollback {
            tx.rollback();
            let error = tx.save("d", b"late").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
            tx.commit().unwrap_err();
        }
        drop(tx);
        assert_eq!(names(&scene), ["d"]);
        assert_eq!(bytes(&scene.path("d")), b"old");
        // And the locks are free.
        let once = CallOptions::new().timeout(Some(Duration::ZERO));
        Transaction::options()
            .begin_with(scene.dir(), &once)
            .unwrap();
        Document::open(scene.path("d"))
            .unwrap()
            .begin_update(&once)
            .unwrap();
    }
    nothing_pending(&scene);
}

#[test]
fn a_late_foreign_writer_wins() {
    let scene = Scene::new();
    scene.with("a", "old");
    scene.with("j", "[0]\n");
    let mut tx = begin(&scene);
    tx.save("a", b"new").unwrap();
    tx.create("b", b"ours").unwrap();
    tx.create("d", b"ours").unwrap();
    tx.append("j", ["[1]"]).unwrap();
    // A program that takes no lock, at the last moment there is.
    let late = scene.path("d");
    let (result, _) = untorn::fault::Plan::new()
        .before(move |call| {
            if call.op == untorn::fault::Op::Link && call.path == Some(&late) {
                std::fs::write(&late, "theirs").unwrap();
            }
        })
        .run(|| tx.commit());
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert_eq!(error.path(), scene::real(&scene.path("d")));
    assert_eq!(names(&scene), ["a", "d", "j"]);
    assert_eq!(bytes(&scene.path("a")), b"old");
    assert_eq!(bytes(&scene.path("d")), b"theirs");
    assert_eq!(bytes(&scene.path("j")), b"[0]\n");
    nothing_pending(&scene);
    // And one that comes earlier.
    let mut tx = begin(&scene);
    let error = tx.create("d", b"ours").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    tx.save("a", b"goes on").unwrap();
    tx.commit().unwrap();
    assert_eq!(bytes(&scene.path("a")), b"goes on");
}

#[test]
fn a_journal_that_comes_into_being_is_appended_to() {
    let scene = Scene::new();
    let mut tx = begin(&scene);
    tx.append("j", ["[1]"]).unwrap();
    tx.create("c", b"1").unwrap();
    let late = scene.path("j");
    let (result, _) = untorn::fault::Plan::new()
        .before(move |call| {
            if call.op == untorn::fault::Op::Link && call.path == Some(&late) {
                std::fs::write(&late, "[0]\n[\"torn").unwrap();
            }
        })
        .run(|| tx.commit());
    result.unwrap();
    assert_eq!(bytes(&scene.path("j")), b"[0]\n[1]\n");
    assert_eq!(names(&scene), ["c", "j", "j.torn"]);
    nothing_pending(&scene);
}

#[cfg(unix)]
#[test]
fn names_that_are_refused() {
    let scene = Scene::new();
    let elsewhere = Scene::new();
    elsewhere.with("target", "theirs");
    std::os::unix::fs::symlink(elsewhere.path("target"), scene.path("leads-out")).unwrap();
    std::os::unix::fs::symlink("x.lock", scene.path("reserved")).unwrap();
    std::fs::create_dir(scene.path("directory")).unwrap();
    let mut tx = begin(&scene);
    for name in [
        "",
        ".",
        "..",
        "a/b",
        "/a",
        "a/",
        "./a",
        "../a",
        "a\0b",
        "d.lock",
        "d.torn",
        "d.holder",
        "d.rotated",
        "d.redo",
        ".untorn.txn",
        ".untorn.prep",
        ".untorn",
        ".a.1.2.untorn",
        "leads-out",
        "reserved",
    ] {
        for error in [
            tx.save(name, b"").unwrap_err(),
            tx.create(name, b"").unwrap_err(),
            tx.append(name, ["1"]).unwrap_err(),
            tx.remove(name).unwrap_err(),
            tx.load(name).unwrap_err(),
        ] {
            assert_eq!(
                error.kind(),
                ErrorKind::InvalidArgument,
                "{name:?}: {error}"
            );
        }
    }
    tx.append("j", ["not json"]).unwrap_err();
    tx.commit().unwrap();
    assert!(!scene.path("j").exists());
    for bad in [scene.path("missing"), elsewhere.path("target")] {
        Transaction::begin(bad).unwrap_err();
    }
    let mut tx = begin(&scene);
    tx.save("a", b"1").unwrap();
    tx.save("directory", b"1").unwrap();
    let error = tx.commit().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert!(!scene.path("a").exists());
}

#[cfg(unix)]
#[test]
fn symbolic_links_within_the_directory_are_followed() {
    let scene = Scene::new();
    scene.with("real", "old");
    std::os::unix::fs::symlink("real", scene.path("link")).unwrap();
    std::os::unix::fs::symlink("yet", scene.path("dangling")).unwrap();
    let by_link = elsewhere_link(&scene);
    let mut tx = Transaction::begin(&by_link).unwrap();
    tx.save("link", b"one").unwrap();
    assert_eq!(tx.load("real").unwrap().unwrap().0, b"one");
    tx.save("real", b"two").unwrap();
    tx.create("dangling", b"there").unwrap();
    tx.commit().unwrap();
    assert!(scene.path("link").is_symlink() && scene.path("dangling").is_symlink());
    assert_eq!(bytes(&scene.path("real")), b"two");
    assert_eq!(bytes(&scene.path("yet")), b"there");
}

#[cfg(unix)]
fn elsewhere_link(scene: &Scene) -> std::path::PathBuf {
    let link = scene.path("self");
    std::os::unix::fs::symlink(scene.dir(), &link).unwrap();
    link
}

#[cfg(unix)]
#[test]
fn what_a_member_is_kept_as() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    let path = scene.with("d", "old");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let mut tx = Transaction::options()
        .mode(Some(0o600))
        .begin(scene.dir())
        .unwrap();
    tx.save("d", b"new").unwrap();
    tx.create("n", b"new").unwrap();
    tx.append("j", ["1"]).unwrap();
    tx.commit().unwrap();
    let mode = |name: &str| {
        std::fs::metadata(scene.path(name))
            .unwrap()
            .permissions()
            .mode()
    };
    assert_eq!(mode("d") & 0o7777, 0o640);
    assert_eq!(mode("n") & 0o7777, 0o600);
    assert_eq!(mode("j") & 0o7777, 0o600);
}

#[test]
fn what_is_loaded_stays_until_the_end() {
    let scene = Scene::new();
    scene.with("n", "0");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..50 {
                    // Half of them by the document alone.
                    let add = |old: &[u8]| {
                        let n: u64 = std::str::from_utf8(old).unwrap().parse().unwrap();
                        (n + 1).to_string().into_bytes()
                    };
                    if round % 2 == 0 {
                        let document = Document::options()
                            .durability(Durability::Process)
                            .open(scene.path("n"))
                            .unwrap();
                        document.update(|old| Ok(add(old.unwrap()))).unwrap();
                        continue;
                    }
                    let mut tx = begin(&scene);
                    let (old, _) = tx.load("n").unwrap().unwrap();
                    tx.save("n", &add(&old)).unwrap();
                    tx.append("log", [&old[..]]).unwrap();
                    tx.commit().unwrap();
                }
            });
        }
    });
    assert_eq!(bytes(&scene.path("n")), b"200");
    assert_eq!(scene::records(&scene.path("log")).len(), 100);
}

#[test]
fn waiting_for_oneself_is_a_deadlock() {
    let scene = Scene::new();
    scene.with("d", "old");
    let deadlock = |error: untorn::Error| {
        assert_eq!(error.kind(), ErrorKind::Deadlock, "{error}");
    };
    let mut tx = begin(&scene);
    deadlock(Transaction::begin(scene.dir()).unwrap_err());
    tx.load("d").unwrap();
    deadlock(
        Document::open(scene.path("d"))
            .unwrap()
            .save(b"new")
            .unwrap_err(),
    );
    drop(tx);
    let guard = FileLock::acquire(scene.path("d")).unwrap();
    let mut tx = begin(&scene);
    deadlock(tx.load("d").unwrap_err());
    tx.save("d", b"new").unwrap();
    deadlock(tx.commit().unwrap_err());
    // The lock of a file is not the directory's.
    let under = CallOptions::new().lock(&guard);
    let error = Transaction::options()
        .begin_with(scene.dir(), &under)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    drop(guard);
    assert_eq!(bytes(&scene.path("d")), b"old");
}

#[test]
fn under_the_directorys_lock_and_beside_a_lease() {
    let scene = Scene::new();
    scene.with("d", "old");
    let _lease = FileLock::acquire(scene.path("lease")).unwrap();
    let guard = FileLock::options()
        .acquire_at(scene.path(".untorn.lock"))
        .unwrap();
    for n in 0..2 {
        let under = CallOptions::new().lock(&guard);
        let mut tx = Transaction::options()
            .begin_with(scene.dir(), &under)
            .unwrap();
        tx.save("d", n.to_string().as_bytes()).unwrap();
        tx.commit().unwrap();
    }
    assert_eq!(bytes(&scene.path("d")), b"1");
    let under = CallOptions::new().lock(&guard);
    let mut tx = Transaction::options()
        .begin_with(scene.dir(), &under)
        .unwrap();
    tx.save("d", b"2").unwrap();
    drop(guard);
    let error = tx.commit().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert_eq!(bytes(&scene.path("d")), b"1");
}

#[test]
fn who_waits_for_the_directory_with_a_lock_of_one_of_its_files_is_told() {
    // Each would wait for the other forever.
    type Begin = fn(&Path) -> untorn::Result<()>;
    let begins: [Begin; 2] = [
        |dir| Transaction::begin(dir).map(drop),
        |dir| untorn::snapshot(dir).map(drop),
    ];
    for begin_another in begins {
        let scene = Scene::new();
        scene.with("b", "old");
        let document = Document::open(scene.path("b")).unwrap();
        let update = document.begin_update(&CallOptions::new()).unwrap();
        std::thread::scope(|scope| {
            let (begun, wait) = mpsc::channel();
            let other = scope.spawn(move || {
                let mut tx = begin(&scene);
                begun.send(scene.dir().to_owned()).unwrap();
                tx.save("b", b"other").unwrap();
                tx.commit().unwrap();
                scene
            });
            let dir = wait.recv().unwrap();
            let error = begin_another(&dir).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Deadlock, "{error}");
            assert!(error.to_string().contains("b.lock"), "{error}");
            drop(update);
            let scene = other.join().unwrap();
            assert_eq!(bytes(&scene.path("b")), b"other");
        });
    }
    // If no process is in the way, such a lock does no harm.
    let scene = Scene::new();
    let _guard = FileLock::acquire(scene.path("the-program")).unwrap();
    let mut tx = begin(&scene);
    tx.save("a", b"1").unwrap();
    tx.commit().unwrap();
}

#[test]
fn files_of_another_scheme_are_refused() {
    let scene = Scene::new();
    for scheme in [Scheme::InPlace, Scheme::PidFile] {
        let journals = Journal::options().scheme(scheme);
        let options = Transaction::options().journals(journals.clone());
        let error = options.begin(scene.dir()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        scene.with("j", "[0]\n");
        let snapshot = untorn::snapshot(scene.dir()).unwrap();
        let error = snapshot.records_as("j", &journals).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        // What others use so, whatever this handle says.
        let used = Journal::options().scheme(scheme);
        let used = used.open(scene.path(scheme.as_str())).unwrap();
        used.append_all(["[1]", "[2]"]).unwrap();
        let mut tx = begin(&scene);
        let error = tx.append(scheme.as_str(), ["[3]"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        drop(tx);
        let error = untorn::snapshot(scene.dir()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        for name in scene.files().keys() {
            std::fs::remove_file(scene.path(name)).unwrap();
        }
    }
}

#[test]
fn a_live_transaction_is_waited_for() {
    let scene = Scene::new();
    scene.with("d", "old");
    let mut tx = begin(&scene);
    tx.load("d").unwrap();
    let once = CallOptions::new().timeout(Some(Duration::ZERO));
    let (asked, wait) = mpsc::channel();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let document = Document::open(scene.path("d")).unwrap();
            asked.send(document.begin_update(&once).map(drop)).unwrap();
            document.update(|old| Ok([old.unwrap(), b"+"].concat()))
        });
        let error = wait.recv().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
        tx.save("d", b"new").unwrap();
        tx.commit().unwrap();
        waiter.join().unwrap().unwrap();
    });
    assert_eq!(bytes(&scene.path("d")), b"new+");
    // With a member held by another, a commit gives up as asked, and undoes.
    scene.with("z", "old");
    let (release, released) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let (locked, is_locked) = mpsc::channel();
        let path = scene.path("z");
        scope.spawn(move || {
            let _guard = FileLock::acquire(path).unwrap();
            locked.send(()).unwrap();
            released.recv().unwrap();
        });
        is_locked.recv().unwrap();
        let mut tx = begin(&scene);
        tx.save("d", b"undone").unwrap();
        tx.save("z", b"undone").unwrap();
        let error = tx.commit_with(&once).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
        release.send(()).unwrap();
    });
    assert_eq!(bytes(&scene.path("d")), b"new+");
    assert_eq!(bytes(&scene.path("z")), b"old");
    nothing_pending(&scene);
}

#[test]
fn journals_of_other_formats_and_batches() {
    let scene = Scene::new();
    let lines = Journal::options().format(Format::Lines);
    let mut tx = Transaction::options()
        .journals(lines.clone())
        .begin(scene.dir())
        .unwrap();
    tx.append("j", ["not json"]).unwrap();
    let journal = lines.clone().open(scene.path("k")).unwrap();
    let mut batch = journal.batch();
    batch.push(b"by a batch").unwrap();
    tx.append_batch("k", &batch).unwrap();
    let error = tx.append_batch("j", &batch).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    tx.commit().unwrap();
    assert_eq!(bytes(&scene.path("j")), b"not json\n");
    assert_eq!(bytes(&scene.path("k")), b"by a batch\n");
    // The handle goes on where the transaction left the file.
    journal.append(b"by the handle").unwrap();
    let mut tx = Transaction::options()
        .journals(lines)
        .begin(scene.dir())
        .unwrap();
    tx.append("k", ["by a transaction"]).unwrap();
    tx.commit().unwrap();
    journal.append(b"and again").unwrap();
    assert_eq!(
        String::from_utf8(bytes(&scene.path("k"))).unwrap(),
        "by a batch\nby the handle\nby a transaction\nand again\n"
    );
}

#[test]
fn a_lock_file_that_is_no_lock_file_is_not_written_to() {
    let scene = Scene::new();
    let data = "# not a lock\n".repeat(50);
    scene.with("poetry.lock", &data);
    let mut tx = begin(&scene);
    tx.save("a", b"1").unwrap();
    tx.save("poetry", b"1").unwrap();
    let error = tx.commit().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(bytes(&scene.path("poetry.lock")), data.as_bytes());
    assert!(!scene.path("a").exists() && !Path::new(&scene.path("poetry")).exists());
}

#[test]
fn a_snapshot_is_of_one_instant() {
    let scene = Scene::new();
    scene.with("d", "old");
    scene.with("j", "[0]\n[1]\n[\"torn");
    scene.with("foreign", "never locked");
    scene.with("unread.torn", "");
    std::fs::create_dir(scene.path("media")).unwrap();
    Document::open(scene.path("d"))
        .unwrap()
        .save(b"saved")
        .unwrap();
    let before = untorn::snapshot(scene.dir()).unwrap();
    let names: Vec<_> = before.names().collect();
    assert_eq!(names, ["d", "foreign", "j"]);
    assert!(!scene.path("foreign.lock").exists());
    let mut tx = begin(&scene);
    tx.save("d", b"new").unwrap();
    tx.append("j", ["[2]"]).unwrap();
    tx.create("c", b"1").unwrap();
    tx.remove("foreign").unwrap();
    tx.commit().unwrap();
    let after = untorn::snapshot(scene.dir()).unwrap();
    let read = |snapshot: &untorn::Snapshot| {
        let records = snapshot.records("j").unwrap();
        let records = records.map(|record| String::from_utf8(record.unwrap().bytes).unwrap());
        let load = |name| snapshot.load(name).unwrap().map(|(bytes, _)| bytes);
        (
            load("d"),
            load("c"),
            load("foreign"),
            records.collect::<Vec<_>>(),
        )
    };
    for _ in 0..2 {
        assert_eq!(
            read(&before),
            (
                Some(b"saved".to_vec()),
                None,
                Some(b"never locked".to_vec()),
                vec!["[0]".to_owned(), "[1]".to_owned()]
            )
        );
        assert_eq!(
            read(&after),
            (
                Some(b"new".to_vec()),
                Some(b"1".to_vec()),
                None,
                ["[0]", "[1]", "[2]"].map(str::to_owned).to_vec()
            )
        );
    }
    let of_the_file = Journal::open(scene.path("j")).unwrap().end().unwrap();
    let mut records = after.records("j").unwrap();
    while records.next_record().unwrap().is_some() {}
    assert_eq!(records.position(), of_the_file);
    let error = after.load("../d").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert_eq!(after.records("none").unwrap().count(), 0);
}

#[test]
fn a_snapshot_never_sees_half_a_transaction() {
    let scene = Scene::new();
    scene.with("a", "0");
    scene.with("b", "0");
    scene.with("j", "0\n");
    let stop = std::sync::atomic::AtomicBool::new(false);
    let done = std::sync::atomic::Ordering::Relaxed;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1.. {
                let mut tx = begin(&scene);
                let n = n.to_string();
                tx.save("a", n.as_bytes()).unwrap();
                tx.save("b", n.as_bytes()).unwrap();
                tx.append("j", [&n]).unwrap();
                tx.commit().unwrap();
                if stop.load(done) {
                    break;
                }
            }
        });
        let mut seen = std::collections::BTreeSet::new();
        while seen.len() < 20 {
            let snapshot = untorn::snapshot(scene.dir()).unwrap();
            let text = |name| String::from_utf8(snapshot.load(name).unwrap().unwrap().0).unwrap();
            let last = snapshot.records("j").unwrap().last().unwrap().unwrap();
            assert_eq!(text("a"), text("b"));
            assert_eq!(text("a").as_bytes(), last.bytes);
            seen.insert(text("a"));
        }
        stop.store(true, done);
    });
}

#[test]
fn the_manifest_in_the_protocol() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("```manifest\n").unwrap();
    let (manifest, _) = rest.split_once("```").unwrap();
    let head: serde_json::Value = serde_json::from_str(manifest.lines().nth(1).unwrap()).unwrap();
    let id = head["id"].as_str().unwrap();
    for (file, committed) in [(".untorn.prep", false), (".untorn.txn", true)] {
        let scene = Scene::new();
        scene.with("state.json", "{\"turns\":1}");
        let result = scene.with(&format!(".untorn.{id}.0"), "{\"ok\":true}");
        scene.with(&format!(".untorn.{id}.1"), "{\"turns\":2}");
        std::fs::hard_link(result, scene.path("result.json")).unwrap();
        // One that is not whole says nothing; and one for other files.
        scene.with(file, &manifest[..manifest.len() - 1]);
        drop(FileLock::acquire(scene.path("state.json")).unwrap());
        assert_eq!(bytes(&scene.path("state.json")), b"{\"turns\":1}");
        scene.with(file, manifest);
        drop(FileLock::acquire(scene.path("other")).unwrap());
        assert!(scene.path(file).exists());
        drop(FileLock::acquire(scene.path("state.json")).unwrap());
        let wanted: &[&str] = if committed {
            assert_eq!(bytes(&scene.path("state.json")), b"{\"turns\":2}");
            &["result.json", "state.json"]
        } else {
            assert_eq!(bytes(&scene.path("state.json")), b"{\"turns\":1}");
            &["state.json"]
        };
        assert_eq!(names(&scene), wanted);
    }
}

#[test]
fn a_header_with_all_the_rest() {
    let scene = Scene::new();
    let headers = Journal::options()
        .durability(Durability::Process)
        .header_prefix("{\"h\"")
        .header_reserve(16);
    let begin = || {
        Transaction::options()
            .durability(Durability::Process)
            .journals(headers.clone())
            .begin(scene.dir())
            .unwrap()
    };
    let read = || String::from_utf8(bytes(&scene.path("j"))).unwrap();
    scene.with("j", "[0]\n[\"torn");
    let mut tx = begin();
    tx.append("j", ["[1]"]).unwrap();
    let error = tx.set_header("j", b"[\"no header\"]").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRecord, "{error}");
    tx.set_header("j", b"{\"h\":1}").unwrap();
    tx.append("j", ["[2]"]).unwrap();
    tx.save("d", b"1").unwrap();
    assert_eq!(read(), "[0]\n", "but for the tail as it was");
    tx.commit().unwrap();
    assert_eq!(read(), "{\"h\":1}        \n[0]\n[1]\n[2]\n");
    let journal = headers.clone().open(scene.path("j")).unwrap();
    assert_eq!(
        journal.header().unwrap().as_deref(),
        Some(&b"{\"h\":1}"[..])
    );
    let mut tx = begin();
    let error = tx.append("empty", ["{\"h\":\"a record\"}"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRecord, "{error}");
    tx.commit().unwrap();
    assert!(!scene.path("empty").exists());
    // By a batch too; and a longer one.
    let mut batch = journal.batch();
    batch.push(b"[3]").unwrap();
    batch.set_header(b"{\"h\":\"longer than it was\"}").unwrap();
    let mut tx = begin();
    tx.append_batch("j", &batch).unwrap();
    tx.set_header("new", b"{\"h\":0}").unwrap();
    tx.commit().unwrap();
    assert_eq!(
        read(),
        "{\"h\":\"longer than it was\"}\n[0]\n[1]\n[2]\n[3]\n"
    );
    assert_eq!(bytes(&scene.path("new")), b"{\"h\":0}        \n");
    assert_eq!(journal.tail(9).unwrap().len(), 4);
    journal.append(b"[4]").unwrap();
    let snapshot = untorn::snapshot(scene.dir()).unwrap();
    assert_eq!(snapshot.records_as("j", &headers).unwrap().count(), 5);
}
