//! A forked child never frees, shares or keeps its parent's locks, and can use its
//! parent's handles.
//!
//! One test, in a process of its own: a fork in a program with other tests' threads
//! would copy their mutexes in any state. `untorn` is made for that, the allocator of
//! the test harness is not.

use crate::scene::alone::alone;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::scene;
use crate::scene::{Scene, records};
use untorn::{ErrorKind, FileLock, Journal};

/// Runs `child` in a forked child, which exits with 0 if it returns.
fn fork(child: impl FnOnce()) -> libc::pid_t {
    // SAFETY: the child runs Rust code, which is sound as long as it waits for
    // no mutex that another thread of the parent may hold.
    match unsafe { libc::fork() } {
        -1 => panic!("fork: {}", std::io::Error::last_os_error()),
        0 => {
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
            // SAFETY: ends the child without its parent's exit handlers.
            unsafe { libc::_exit(i32::from(done.is_err())) }
        }
        pid => pid,
    }
}

fn wait(pid: libc::pid_t) -> i32 {
    let mut status = 0;
    // SAFETY: `status` is ours.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    status
}

#[test]
fn forked_children() {
    if !alone(module_path!(), "forked_children") {
        return;
    }
    a_child_neither_frees_nor_has_the_lock();
    a_child_appends_with_its_parents_handle();
    a_child_that_lives_on_does_not_keep_the_lock();
    a_child_follows_with_its_parents_handle();
    children_draw_names_and_numbers_of_their_own();
    a_child_asks_a_guard_that_is_in_use();
    #[cfg(target_os = "linux")]
    a_child_of_the_system_call_frees_nothing();
    a_child_has_no_descriptor_of_busy_threads();
    forks_among_busy_threads();
}

/// A thread that works under a guard has its mutex most of the time: in the child no
/// thread ever releases it.
fn a_child_asks_a_guard_that_is_in_use() {
    let scene = Scene::new();
    let path = scene.path("d");
    let guard = FileLock::acquire(&path).unwrap();
    let document = untorn::Document::open(&path).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let under = untorn::CallOptions::new().lock(&guard);
            while !stop.load(Ordering::Relaxed) {
                document
                    .save_with(b"{}", untorn::Expect::Anything, &under)
                    .unwrap();
            }
        });
        let children = (0..30).map(|_| {
            let child = fork(|| {
                assert!(!guard.is_held());
                guard.release().unwrap();
                let under = untorn::CallOptions::new().lock(&guard);
                let error = document
                    .save_with(b"[]", untorn::Expect::Anything, &under)
                    .unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidArgument);
                let own = untorn::Process::current();
                let error = guard.transfer(&own).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            });
            wait(child)
        });
        let failed = children.filter(|status| *status != 0).count();
        stop.store(true, Ordering::Relaxed);
        assert_eq!(failed, 0);
    });
    assert!(guard.is_held());
}

/// As `_Fork` makes one: no handler is called.
#[cfg(target_os = "linux")]
fn a_child_of_the_system_call_frees_nothing() {
    let scene = Scene::new();
    let path = scene.path("j");
    let kept = std::cell::RefCell::new(Some(FileLock::acquire(&path).unwrap()));
    let once = FileLock::options().timeout(Some(Duration::ZERO));
    for releases in [true, false] {
        // SAFETY: as in `fork`.
        let child = match unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) } {
            0 => {
                let work = || {
                    let guard = kept.take().unwrap();
                    if releases {
                        assert!(!guard.is_held());
                        guard.release().unwrap();
                    }
                    drop(guard);
                    assert_eq!(once.acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
                    Journal::open(scene.path("k"))?.append(b"[]")
                };
                let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
                // SAFETY: as in `fork`.
                unsafe { libc::_exit(i32::from(!matches!(done, Ok(Ok(_))))) }
            }
            pid => libc::pid_t::try_from(pid).unwrap(),
        };
        assert!(child > 0);
        assert_eq!(wait(child), 0);
        let other = fork(|| {
            assert_eq!(once.acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
        });
        assert_eq!(wait(other), 0, "the parent has it still");
    }
}

/// Lock files, holders' lines and temporaries are opened and closed all the time,
/// and no child ever has one.
fn a_child_has_no_descriptor_of_busy_threads() {
    let scene = Scene::new();
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        for n in 0..2 {
            let path = scene.path(&format!("lock{n}"));
            let stop = &stop;
            threads.spawn(move || {
                let shared = FileLock::options().shared(n == 1);
                while !stop.load(Ordering::Relaxed) {
                    drop(shared.acquire(&path).unwrap());
                }
            });
        }
        threads.spawn(|| {
            let document = untorn::Document::options()
                .durability(untorn::Durability::Process)
                .open(scene.path("document"))
                .unwrap();
            while !stop.load(Ordering::Relaxed) {
                document.save(b"{}").unwrap();
            }
        });
        let children = (0..400).map(|_| {
            let child = fork(|| {
                let open = std::fs::read_dir("/dev/fd").unwrap();
                let files = open.filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok());
                // The directory itself may be open, for the sweep of the first save:
                // it carries no lock.
                let files = files.filter(|file| file != scene.dir());
                // No panic: its message may wait for a lock of another thread.
                let ours = files.filter(|file| file.starts_with(scene.dir())).count();
                // SAFETY: ends the child.
                unsafe { libc::_exit(i32::try_from(ours).unwrap_or(100)) }
            });
            wait(child)
        });
        let with_ours = children.filter(|status| *status != 0).count();
        stop.store(true, Ordering::Relaxed);
        assert_eq!(with_ours, 0);
    });
}

/// A generator of random numbers is copied by a fork.
fn children_draw_names_and_numbers_of_their_own() {
    use std::collections::BTreeSet;
    use untorn::fault::{Op, Plan};

    let scene = Scene::new();
    // The parent has drawn before.
    untorn::save(scene.path("warm"), b"1").unwrap();
    for n in 0..3 {
        let dir = scene.path(&n.to_string());
        std::fs::create_dir(&dir).unwrap();
        let child = fork(|| {
            // Dies when its temporary and its manifest are there.
            let dies = |op| {
                Plan::new().judge(move |call| match call.op == op {
                    true => untorn::fault::Verdict::Fail(libc::EIO),
                    false => untorn::fault::Verdict::Go,
                })
            };
            let save = || untorn::save(dir.join("d"), b"1");
            // A second name for who looks: the temporary itself is swept.
            let of = dir.clone();
            let look = Plan::new().before(move |call| {
                if call.op == Op::SyncAll
                    && let Some(path) = call.path.and_then(|path| path.file_name())
                {
                    let name = path.to_str().unwrap().rsplit('.').nth(1).unwrap();
                    std::fs::write(of.join(format!("name.{name}")), "").unwrap();
                }
            });
            look.run(save).0.unwrap();
            let work = || {
                let mut tx = untorn::Transaction::begin(&dir)?;
                tx.append("j", ["[1]"])?;
                tx.commit()
            };
            dies(Op::Unlink).run(work).0.unwrap_err();
        });
        assert_eq!(wait(child), 0);
    }
    let (mut names, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for n in 0..3 {
        let dir = scene.path(&n.to_string());
        let listed: Vec<String> = std::fs::read_dir(&dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.extend(listed.into_iter().filter(|name| name.starts_with("name.")));
        let manifest = std::fs::read_to_string(dir.join(".untorn.txn")).unwrap();
        let head: serde_json::Value =
            serde_json::from_str(manifest.lines().nth(1).unwrap()).unwrap();
        ids.insert(head["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(ids.len(), 3, "{ids:?}");
}

/// The thread that wakes a follower is its parent's, and not in the child.
fn a_child_follows_with_its_parents_handle() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = Journal::open(&path).unwrap();
    journal.append(b"[0]").unwrap();
    let follow = std::cell::RefCell::new(journal.follow(None).unwrap());
    let call = untorn::CallOptions::new().timeout(Some(Duration::from_millis(1)));
    assert_eq!(follow.borrow_mut().next(&call).unwrap(), None);
    let (mut ready, mut parents) = UnixStream::pair().unwrap();
    let child = fork(|| {
        let mut follow = follow.borrow_mut();
        let call = untorn::CallOptions::new().timeout(Some(Duration::from_millis(1)));
        assert_eq!(follow.next(&call).unwrap(), None);
        ready.write_all(b"!").unwrap();
        let call = untorn::CallOptions::new().timeout(Some(Duration::from_secs(20)));
        assert!(follow.next(&call).unwrap().is_some());
    });
    parents.read_exact(&mut [0]).unwrap();
    journal.append(b"[1]").unwrap();
    assert_eq!(wait(child), 0);
    let call = untorn::CallOptions::new().timeout(Some(Duration::from_secs(20)));
    assert!(follow.borrow_mut().next(&call).unwrap().is_some());
}

fn a_child_neither_frees_nor_has_the_lock() {
    // Trap 4: forked children share what they inherit, and a second open waits for the first.
    let scene = Scene::new();
    let path = scene.path("j");
    // Taken out in the child, which must not take it from the parent.
    let kept = std::cell::RefCell::new(Some(FileLock::acquire(&path).unwrap()));
    let once = FileLock::options().timeout(Some(Duration::ZERO));
    let child = fork(|| {
        let guard = kept.take().unwrap();
        assert!(!guard.is_held());
        guard.release().unwrap();
        let error = once.acquire(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked);
        let journal = Journal::open(&path).unwrap();
        let under = untorn::CallOptions::new().lock(&guard);
        let error = journal.append_with(b"[]", &under).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        drop(guard);
        assert_eq!(once.acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
    });
    assert_eq!(wait(child), 0);
    // The parent's is held still, for others too.
    let child = fork(|| {
        assert_eq!(once.acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
    });
    assert_eq!(wait(child), 0);
}

fn a_child_appends_with_its_parents_handle() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    journal.append(b"[0]").unwrap();
    let children: Vec<_> = (1..5)
        .map(|n| {
            fork(|| {
                for _ in 0..100 {
                    journal.append(format!("[{n}]").as_bytes()).unwrap();
                }
            })
        })
        .collect();
    for _ in 0..100 {
        journal.append(b"[0]").unwrap();
    }
    for child in children {
        assert_eq!(wait(child), 0);
    }
    assert_eq!(records(&path).len(), 501);
}

fn a_child_that_lives_on_does_not_keep_the_lock() {
    // Trap 4: forked children share what they inherit, and a second open waits for the first.
    let scene = Scene::new();
    let path = scene.path("j");
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let holder = fork(|| {
        let _guard = FileLock::acquire(&path).unwrap();
        fork(|| {
            // By now it has closed what it must not have: that is the first
            // thing a forked child does. Then it lives on until the test lets
            // it go.
            (&theirs)
                .write_all(&std::process::id().to_le_bytes())
                .unwrap();
            let mut byte = [0];
            (&theirs).read_exact(&mut byte).unwrap();
        });
        loop {
            std::thread::park();
        }
    });
    let mut pid = [0; 4];
    ours.read_exact(&mut pid).unwrap();
    let once = FileLock::options().timeout(Some(Duration::ZERO));
    assert_eq!(once.acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
    // SAFETY: our own child.
    unsafe { libc::kill(holder, libc::SIGKILL) };
    wait(holder);
    let grandchild = i32::from_le_bytes(pid);
    // SAFETY: signal 0 only asks whether the process lives.
    assert_eq!(unsafe { libc::kill(grandchild, 0) }, 0, "it lives on");
    drop(once.acquire(&path).expect("the lock died with its holder"));
    ours.write_all(b"x").unwrap();
}

fn forks_among_busy_threads() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    journal.append(b"[\"thread\"]").unwrap();
                }
            });
        }
        for _ in 0..50 {
            let child = fork(|| {
                journal.append(b"[\"child\"]").unwrap();
            });
            assert_eq!(wait(child), 0);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let children = records(&path)
        .iter()
        .filter(|record| record[0] == "child")
        .count();
    assert_eq!(children, 50);
}
