//! Sharers of a lock, and processes that wait to have it alone.
//!
//! The others are this very program, which gets their part by an environment variable.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use crate::scene::Scene;
use crate::scene::program::{self, Outcome, Part, Test};
use untorn::{CancelToken, ErrorKind, FileLock, LockGuard, LockOptions};

pub const PARTS: &[Part] = &[("take turns", take_turns)];

pub const TESTS: &[Test] = &[
    ("turns_that_follow_each_other_keep_nobody_out", || {
        passes(turns_that_follow_each_other_keep_nobody_out)
    }),
    ("who_comes_later_to_share_gives_way", || {
        passes(who_comes_later_to_share_gives_way)
    }),
    ("who_shares_already_may_do_so_once_more", || {
        passes(who_shares_already_may_do_so_once_more)
    }),
    ("who_gives_up_or_dies_keeps_no_sharer_out", || {
        passes(who_gives_up_or_dies_keeps_no_sharer_out)
    }),
    ("nobody_gives_way_to_who_gives_way", || {
        passes(nobody_gives_way_to_who_gives_way)
    }),
    ("behind_one_who_gives_up_the_lock_is_shared", || {
        passes(behind_one_who_gives_up_the_lock_is_shared)
    }),
    ("a_stopped_process_that_waits_is_not_waited_for", || {
        passes(a_stopped_process_that_waits_is_not_waited_for)
    }),
    ("a_mark_that_another_program_makes_counts", || {
        passes(a_mark_that_another_program_makes_counts)
    }),
    ("foreign_programs_share_as_ever", || {
        passes(foreign_programs_share_as_ever)
    }),
];

fn passes(test: fn()) -> Outcome {
    test();
    Outcome::Passed
}

/// Longer than anything takes here: a test that gets so far has failed.
const LONG: Duration = Duration::from_secs(20);

fn shared() -> LockOptions {
    FileLock::options().shared(true).timeout(Some(LONG))
}

fn alone() -> LockOptions {
    FileLock::options().timeout(Some(LONG))
}

fn at_once(path: &Path) -> untorn::Result<LockGuard> {
    shared().timeout(Some(Duration::ZERO)).acquire(path)
}

/// Another process, which carries out orders, line by line.
struct Other {
    child: Child,
    tell: ChildStdin,
    hear: BufReader<ChildStdout>,
}

const PATH: &str = "UNTORN_TEST_LOCK_TURNS";

impl Other {
    fn new(path: &Path) -> Other {
        let mut child = program::player("take turns")
            .env(PATH, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, hear) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let hear = BufReader::new(hear);
        let mut other = Other { child, tell, hear };
        other.hears("ready");
        other
    }

    fn begins(&mut self, what: &str) {
        writeln!(self.tell, "{what}").unwrap();
    }

    fn hears(&mut self, what: &str) {
        let mut line = String::new();
        self.hear.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), what);
    }

    fn does(&mut self, what: &str, and_says: &str) {
        self.begins(what);
        self.hears(and_says);
    }

    fn dies(self) {
        drop(self);
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::print_stdout, reason = "what the other process says")]
fn take_turns() {
    let path = std::env::var_os(PATH).unwrap();
    let path = Path::new(&path);
    println!("ready");
    let mut guard = None;
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let taken = match line.as_str() {
            "share" => shared().acquire(path),
            "share at once" => at_once(path),
            "wait" => alone().acquire(path),
            "let go" => {
                guard = None;
                println!("gone");
                continue;
            }
            // With others like this one, so that it is always shared.
            "share on and on" => loop {
                let _guard = shared().acquire(path).unwrap();
                println!("has it");
                std::thread::sleep(Duration::from_millis(fastrand::u64(20..80)));
            },
            "all at once" => {
                all_at_once(path);
                continue;
            }
            other => panic!("{other}"),
        };
        match taken {
            Ok(taken) => {
                guard = Some(taken);
                println!("has it");
            }
            Err(error) => println!("{:?}", error.kind()),
        }
    }
    drop(guard);
}

/// Waits until a process waits to have the lock alone.
fn until_awaited(path: &Path) {
    let begin = Instant::now();
    while !is_awaited(path) {
        assert!(begin.elapsed() < LONG, "nobody waits");
        std::thread::yield_now();
    }
}

/// Whether the mark of section 1 of the protocol is there (`/proc/locks`).
fn is_awaited(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let lock = path.with_extension("lock");
    let inode = std::fs::metadata(lock).unwrap().ino();
    let place = format!(":{inode} {0} {0}", 1_u64 << 62);
    let table = std::fs::read_to_string("/proc/locks").unwrap();
    table
        .lines()
        .any(|line| line.contains("OFDLCK") && line.contains("READ") && line.ends_with(&place))
}

fn turns_that_follow_each_other_keep_nobody_out() {
    let scene = Scene::new();
    let path = scene.path("j");
    let mut others: Vec<_> = (0..8).map(|_| Other::new(&path)).collect();
    for other in &mut others {
        other.does("share on and on", "has it");
    }
    for _ in 0..10 {
        drop(alone().acquire(&path).unwrap());
    }
    // Nor does one who waits keep them out.
    for mut other in others {
        for _ in 0..5 {
            other.hears("has it");
        }
        other.dies();
    }
}

fn who_comes_later_to_share_gives_way() {
    let scene = Scene::new();
    let path = scene.path("j");
    let (mut first, mut second) = (Other::new(&path), Other::new(&path));
    first.does("share", "has it");
    second.does("share", "has it");
    second.does("let go", "gone");
    std::thread::scope(|threads| {
        let waits = threads.spawn(|| alone().acquire(&path));
        until_awaited(&path);
        second.does("share at once", "Locked");
        second.begins("share");
        first.does("let go", "gone");
        let guard = waits.join().unwrap().unwrap();
        assert!(!is_awaited(&path));
        drop(guard);
        second.hears("has it");
    });
}

/// One who may not give way: it has the lock already, and others wait for it.
fn who_shares_already_may_do_so_once_more() {
    let scene = Scene::new();
    let path = scene.path("j");
    let guard = at_once(&path).unwrap();
    let mut other = Other::new(&path);
    other.begins("wait");
    until_awaited(&path);
    drop(at_once(&path).unwrap());
    let elsewhere = || at_once(&path).map(drop).unwrap_err().kind();
    let refused = std::thread::scope(|threads| threads.spawn(elsewhere).join().unwrap());
    assert_eq!(refused, ErrorKind::Locked);
    drop(guard);
    other.hears("has it");
}

fn who_gives_up_or_dies_keeps_no_sharer_out() {
    let scene = Scene::new();
    let path = scene.path("j");
    let _guard = at_once(&path).unwrap();
    let mut shares = Other::new(&path);
    // Dead.
    let mut waits = Other::new(&path);
    waits.begins("wait");
    until_awaited(&path);
    shares.does("share at once", "Locked");
    waits.dies();
    assert!(!is_awaited(&path));
    shares.does("share at once", "has it");
    shares.does("let go", "gone");
    // Cancelled. Its thread waits in the kernel still.
    let token = CancelToken::new();
    std::thread::scope(|threads| {
        let call = untorn::CallOptions::new().cancel(&token);
        let waits = threads.spawn({
            let path = &path;
            move || alone().acquire_with(path, &call)
        });
        until_awaited(&path);
        shares.does("share at once", "Locked");
        token.cancel();
        assert_eq!(
            waits.join().unwrap().unwrap_err().kind(),
            ErrorKind::Cancelled
        );
    });
    assert!(!is_awaited(&path));
    shares.does("share at once", "has it");
}

/// Threads that share the lock and threads that want it alone. None waits for as
/// long as one gives way; those without a limit keep others waiting if they are
/// forgotten.
#[expect(clippy::print_stdout, reason = "what the other process says")]
fn all_at_once(path: &Path) {
    let turn = |n: usize| {
        let limit = (!n.is_multiple_of(4)).then_some(LONG * 2 / 5);
        let taken = alone()
            .shared(n.is_multiple_of(2))
            .timeout(limit)
            .acquire(path);
        drop(taken.unwrap_or_else(|error| {
            println!("{:?}", error.kind());
            std::process::exit(1)
        }));
    };
    std::thread::scope(|threads| {
        for thread in 0..6 {
            threads.spawn(move || (thread..thread + 500).for_each(turn));
        }
    });
    println!("done");
}

/// In each of two processes one who shares is before one who wants it alone.
fn nobody_gives_way_to_who_gives_way() {
    let scene = Scene::new();
    let path = scene.path("j");
    let (mut first, mut second) = (Other::new(&path), Other::new(&path));
    first.begins("all at once");
    second.begins("all at once");
    first.hears("done");
    second.hears("done");
}

/// In one process: the one between two who share gives up.
fn behind_one_who_gives_up_the_lock_is_shared() {
    let scene = Scene::new();
    let path = scene.path("j");
    let _guard = at_once(&path).unwrap();
    let token = CancelToken::new();
    std::thread::scope(|threads| {
        let call = untorn::CallOptions::new().cancel(&token);
        let waits = threads.spawn({
            let path = &path;
            move || alone().acquire_with(path, &call)
        });
        until_awaited(&path);
        let shares = threads.spawn(|| shared().acquire(&path).map(drop));
        // It queues behind the one who waits. If it is late, it need not.
        std::thread::sleep(Duration::from_millis(50));
        token.cancel();
        assert_eq!(
            waits.join().unwrap().unwrap_err().kind(),
            ErrorKind::Cancelled
        );
        shares.join().unwrap().unwrap();
    });
}

/// A stopped process is none whose turn ever comes.
fn a_stopped_process_that_waits_is_not_waited_for() {
    let scene = Scene::new();
    let path = scene.path("j");
    let guard = at_once(&path).unwrap();
    let mut waits = Other::new(&path);
    waits.begins("wait");
    until_awaited(&path);
    let pid = i32::try_from(waits.child.id()).unwrap();
    // SAFETY: a signal to our own child.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGSTOP) }, 0);
    std::thread::scope(|threads| {
        let shares = threads.spawn(|| shared().acquire(&path).map(drop));
        shares.join().unwrap().unwrap();
    });
    drop(guard);
    waits.dies();
}

/// They have no part in this.
fn foreign_programs_share_as_ever() {
    let scene = Scene::new();
    let path = scene.path("j");
    let _guard = at_once(&path).unwrap();
    let mut waits = Other::new(&path);
    waits.begins("wait");
    until_awaited(&path);
    let theirs = std::fs::File::open(path.with_extension("lock")).unwrap();
    theirs.try_lock_shared().unwrap();
    assert!(theirs.try_lock().is_err());
}

/// By section 1 of the protocol, and by nothing else.
fn a_mark_that_another_program_makes_counts() {
    let scene = Scene::new();
    let path = scene.path("j");
    drop(at_once(&path).unwrap());
    let lock = |kind, start, length| {
        let theirs = std::fs::File::open(path.with_extension("lock")).unwrap();
        let mut range = libc::flock {
            l_type: kind,
            l_whence: 0,
            l_start: start,
            l_len: length,
            l_pid: 0,
        };
        let fd = std::os::fd::AsRawFd::as_raw_fd(&theirs);
        // SAFETY: an open descriptor and a structure.
        let done = unsafe { libc::fcntl(fd, libc::F_OFD_SETLK, &raw mut range) };
        assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
        theirs
    };
    let read = i16::try_from(libc::F_RDLCK).unwrap();
    let whole_file = lock(read, 0, 0);
    drop(at_once(&path).unwrap());
    drop(whole_file);
    let mark = lock(read, 1 << 62, 1);
    assert_eq!(at_once(&path).unwrap_err().kind(), ErrorKind::Locked);
    // It is none of the lock.
    drop(
        alone()
            .timeout(Some(Duration::ZERO))
            .acquire(&path)
            .unwrap(),
    );
    let begin = Instant::now();
    std::thread::scope(|threads| {
        let shares = threads.spawn(|| shared().acquire(&path).map(drop));
        std::thread::sleep(Duration::from_millis(20));
        assert!(!shares.is_finished(), "it gives way");
        drop(mark);
        shares.join().unwrap().unwrap();
    });
    assert!(begin.elapsed() < Duration::from_secs(9), "not for ever");
}
