//! Documents: what a save keeps, what it refuses, and what two savers see.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::Duration;

use crate::scene::{Scene, bytes};
use untorn::fault::{Op, Plan};
use untorn::{CallOptions, Document, ErrorKind, Expect, FileLock, Version};

#[test]
fn versions_are_contents() {
    let scene = Scene::new();
    let document = Document::open(scene.path("d")).unwrap();
    assert_eq!(document.load().unwrap_err().kind(), ErrorKind::NotFound);
    let first = document.create(b"1").unwrap();
    assert_eq!(
        document.create(b"1").unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    assert_eq!(document.load().unwrap(), (b"1".to_vec(), first));
    let second = document.save_if(Some(first), b"2").unwrap();
    assert_eq!(
        document.save_if(Some(first), b"3").unwrap_err().kind(),
        ErrorKind::Conflict
    );
    assert_eq!(
        document.save_if(None, b"3").unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    // The same bytes are the same version, whichever program wrote them.
    fs::write(scene.path("d"), b"2").unwrap();
    assert_eq!(document.load().unwrap().1, second);
    assert_eq!(Version::of(b"2"), second);
    assert_eq!(
        document.remove_if(first).unwrap_err().kind(),
        ErrorKind::Conflict
    );
    document.remove_if(second).unwrap();
    assert!(!document.remove().unwrap());
    assert_eq!(
        document.remove_if(second).unwrap_err().kind(),
        ErrorKind::Conflict
    );
    assert_eq!(
        document.save_if(Some(second), b"").unwrap_err().kind(),
        ErrorKind::Conflict
    );
    document.save(b"").unwrap();
    assert_eq!(document.load().unwrap().0, b"");
    document.close().unwrap();
    document.close().unwrap();
    assert_eq!(
        document.save(b"4").unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
}

#[test]
fn no_update_is_lost() {
    // Trap 1: a rename moves the name, not the lock.
    let scene = Scene::quick();
    let path = scene.path("count");
    std::thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| {
                let document = Document::open(&path).unwrap();
                for _ in 0..25 {
                    document
                        .update(|old| {
                            let old = old.map_or(0, |old| {
                                std::str::from_utf8(old).unwrap().parse::<u32>().unwrap()
                            });
                            Ok((old + 1).to_string().into_bytes())
                        })
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(bytes(&path), b"200");
}

#[test]
fn an_update_that_fails_changes_nothing_and_lets_go() {
    let scene = Scene::new();
    let document = Document::open(scene.with("d", "old")).unwrap();
    let error = document
        .update(|_| Err(untorn::Error::cancelled("update", &scene.path("d"))))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let update = document.begin_update(&CallOptions::new()).unwrap();
    assert_eq!(update.value(), Some(&b"old"[..]));
    assert_eq!(update.version(), Some(Version::of(b"old")));
    // Held until it is dropped, which may be on another thread.
    std::thread::spawn(move || drop(update)).join().unwrap();
    let mut update = document.begin_update(&CallOptions::new()).unwrap();
    update.save(b"new").unwrap();
    assert_eq!(
        update.save(b"newer").unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    drop(
        FileLock::options()
            .timeout(Some(Duration::ZERO))
            .acquire(scene.path("d"))
            .unwrap(),
    );
    assert_eq!(bytes(&scene.path("d")), b"new");
}

#[test]
fn works_under_a_lock_that_is_held() {
    let scene = Scene::new();
    let document = Document::open(scene.path("d")).unwrap();
    let guard = FileLock::acquire(scene.path("d")).unwrap();
    assert_eq!(document.save(b"1").unwrap_err().kind(), ErrorKind::Deadlock);
    let under = CallOptions::new().lock(&guard);
    let version = document.save_with(b"1", Expect::Absent, &under).unwrap();
    let mut update = document.begin_update(&under).unwrap();
    update.save(b"2").unwrap();
    assert!(guard.is_held());
    assert_eq!(
        document
            .remove_with(Expect::Version(version), &under)
            .unwrap_err()
            .kind(),
        ErrorKind::Conflict
    );
    assert!(document.remove_with(Expect::Anything, &under).unwrap());
}

// Windows has none of the three; see `windows.rs` for what is kept there.
#[cfg(unix)]
#[test]
fn mode_owner_and_attributes_are_kept() {
    let scene = Scene::new();
    let path = scene.with("d", "old");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let attribute = rustix::fs::setxattr(
        &path,
        "user.untorn-test",
        b"kept",
        rustix::fs::XattrFlags::empty(),
    );
    // As root another owner is kept too; otherwise ours is.
    let root = rustix::process::geteuid().is_root();
    if root {
        std::os::unix::fs::chown(&path, Some(12), Some(34)).unwrap();
    }
    let before = fs::metadata(&path).unwrap();
    Document::open(&path).unwrap().save(b"new").unwrap();
    let after = fs::metadata(&path).unwrap();
    assert_ne!(
        after.ino(),
        before.ino(),
        "it was replaced, not written into"
    );
    assert_eq!(after.mode(), before.mode());
    assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
    if root {
        assert_eq!((after.uid(), after.gid()), (12, 34));
    }
    match attribute {
        Ok(()) => {
            let mut value = [0; 16];
            let n = rustix::fs::getxattr(&path, "user.untorn-test", &mut value).unwrap();
            assert_eq!(&value[..n], b"kept");
        }
        // A file system without them has none to keep.
        Err(error) => assert_eq!(error, rustix::io::Errno::NOTSUP),
    }
}

// Windows has no modes.
#[cfg(unix)]
#[test]
fn a_new_file_gets_the_usual_mode_or_the_one_asked_for() {
    let scene = Scene::new();
    let usual = fs::metadata(scene.with("usual", "")).unwrap().mode();
    Document::open(scene.path("plain"))
        .unwrap()
        .save(b"")
        .unwrap();
    assert_eq!(fs::metadata(scene.path("plain")).unwrap().mode(), usual);
    let secret = Document::options()
        .mode(Some(0o600))
        .open(scene.path("secret"))
        .unwrap();
    secret.save(b"").unwrap();
    assert_eq!(
        fs::metadata(scene.path("secret")).unwrap().mode() & 0o777,
        0o600
    );
    secret.save(b"again").unwrap();
    assert_eq!(
        fs::metadata(scene.path("secret")).unwrap().mode() & 0o777,
        0o600
    );
}

// Making links takes a privilege on Windows.
#[cfg(unix)]
#[test]
fn symbolic_links_are_written_through() {
    let scene = Scene::new();
    fs::create_dir(scene.path("real")).unwrap();
    scene.with("real/d", "old");
    symlink("real/d", scene.path("link")).unwrap();
    symlink("link", scene.path("link-to-link")).unwrap();
    symlink("real/not-yet", scene.path("dangling")).unwrap();
    Document::open(scene.path("link-to-link"))
        .unwrap()
        .save(b"new")
        .unwrap();
    assert_eq!(bytes(&scene.path("real/d")), b"new");
    assert!(
        fs::symlink_metadata(scene.path("link"))
            .unwrap()
            .is_symlink()
    );
    Document::open(scene.path("dangling"))
        .unwrap()
        .save(b"made")
        .unwrap();
    assert_eq!(bytes(&scene.path("real/not-yet")), b"made");
    assert!(
        fs::symlink_metadata(scene.path("dangling"))
            .unwrap()
            .is_symlink()
    );
    symlink("loop", scene.path("loop")).unwrap();
    let error = Document::open(scene.path("loop")).unwrap_err();
    assert!(error.raw_os_error() == Some(libc::ELOOP), "{error}");
}

#[test]
fn what_is_no_file_is_refused() {
    let scene = Scene::new();
    for (error, kind) in [
        (
            Document::open(scene.dir()).unwrap_err(),
            ErrorKind::InvalidArgument,
        ),
        (Document::open("").unwrap_err(), ErrorKind::InvalidArgument),
        (
            Document::open(scene.path("missing/d")).unwrap_err(),
            ErrorKind::NotFound,
        ),
        (
            Document::open("a\0b").unwrap_err(),
            ErrorKind::InvalidArgument,
        ),
        (
            untorn::Journal::open(scene.dir()).unwrap_err(),
            ErrorKind::InvalidArgument,
        ),
        (
            untorn::Journal::open(scene.path("missing/j")).unwrap_err(),
            ErrorKind::NotFound,
        ),
    ] {
        assert_eq!(error.kind(), kind, "{error}");
    }
    untorn::save(scene.path("made/for/us/d"), b"{}").unwrap();
    untorn::append(scene.path("made/too/j"), b"{}").unwrap();
    assert_eq!(untorn::load(scene.path("made/for/us/d")).unwrap().0, b"{}");
}

// Modes and users of Unix.
#[cfg(unix)]
#[test]
fn a_directory_that_is_read_only() {
    let scene = Scene::new();
    fs::create_dir(scene.path("ro")).unwrap();
    let path = scene.with("ro/d", "old");
    scene.with("ro/d.lock", "");
    let as_nobody = |work: &dyn Fn()| {
        // Root writes anywhere: give up its rights on this thread only, by the
        // system call (glibc's seteuid changes all threads).
        let nobody: libc::uid_t = 65_534;
        if rustix::process::geteuid().is_root() {
            // SAFETY: changes the file-system identity of this thread alone.
            unsafe { libc::syscall(libc::SYS_setfsuid, nobody) };
        }
        work();
        if rustix::process::geteuid().is_root() {
            // SAFETY: as above.
            unsafe { libc::syscall(libc::SYS_setfsuid, 0) };
        }
    };
    fs::set_permissions(scene.dir(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(scene.path("ro"), fs::Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(scene.path("ro/d.lock"), fs::Permissions::from_mode(0o444)).unwrap();
    as_nobody(&|| {
        // The lock file is there and can be read: that is enough to lock.
        drop(FileLock::acquire(&path).unwrap());
        let document = Document::open(&path).unwrap();
        assert_eq!(document.load().unwrap().0, b"old");
        let error = document.save(b"new").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        let error = FileLock::acquire(scene.path("ro/other")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(error.to_string().contains("directory"), "{error}");
    });
    assert_eq!(bytes(&path), b"old");
}

/// A first save there takes as long as beside a few files.
#[test]
#[cfg(unix)]
fn a_save_does_not_wait_until_a_large_directory_is_read() {
    let scene = Scene::quick();
    for n in 0..2_000 {
        scene.with(&format!("{n}"), "");
    }
    let orphan = scene.with(".2.json.0123abcd.abcdefghijkl.untorn", "");
    let document = Document::open(scene.path("d")).unwrap();
    let (saved, calls) = Plan::new().run(|| document.save(b"1"));
    saved.unwrap();
    assert!(!calls.contains(&Op::List));
    // It is swept all the same.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while orphan.exists() {
        assert!(std::time::Instant::now() < deadline, "nothing sweeps it");
        std::thread::yield_now();
    }
}

/// The directory is read once a process, when something is saved in it, and not by
/// those who only read.
#[test]
fn a_directory_is_not_read_for_each_document() {
    let scene = Scene::new();
    for n in 0..3 {
        scene.with(&format!("{n}.json"), "{}");
    }
    // What a killed save has left.
    let orphan = scene.with(".2.json.0123abcd.abcdefghijkl.untorn", "");
    let lists = |work: &dyn Fn()| {
        let (_, calls) = Plan::new().run(work);
        calls.iter().filter(|op| **op == Op::List).count()
    };
    let open = |n: u32| Document::open(scene.path(&format!("{n}.json"))).unwrap();
    let reads = lists(&|| drop((0..3).map(|n| open(n).load().unwrap()).collect::<Vec<_>>()));
    assert_eq!(reads, 0);
    assert!(orphan.exists());
    let save = |n: u32| {
        open(n).save(b"1").unwrap();
    };
    assert_eq!(lists(&|| save(0)), 1);
    assert!(!orphan.exists(), "of whichever document");
    let saves = lists(&|| {
        (0..3).for_each(save);
        open(1).update(|_| Ok(b"3".to_vec())).unwrap();
        untorn::save(scene.path("4.json"), b"4").unwrap();
    });
    assert_eq!(saves, 0);
}
