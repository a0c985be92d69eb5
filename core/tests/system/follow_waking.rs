//! What wakes one who follows a journal: directories that go and come again,
//! event loops, and systems that give no thread.

use crate::scene::alone::{alone, exactly};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use crate::scene;
use crate::scene::Scene;
use untorn::{CallOptions, Follow, FollowItem};

/// Longer than anything takes here: a test that gets so far has failed.
const LONG: Duration = Duration::from_secs(20);

fn now() -> CallOptions<'static> {
    CallOptions::new().timeout(Some(Duration::ZERO))
}

fn told(follow: &mut Follow) -> FollowItem {
    let call = CallOptions::new().timeout(Some(LONG));
    follow.next(&call).unwrap().expect("news within 20 s")
}

/// All that is reported up to this record, without the records.
fn until(follow: &mut Follow, record: &[u8]) -> Vec<FollowItem> {
    let mut others = Vec::new();
    loop {
        match told(follow) {
            FollowItem::Record(found) if found.bytes == record => return others,
            other => others.push(other),
        }
    }
}

/// Another process appends to the journal, with a shell.
fn append_elsewhere(path: &Path, record: &str) {
    let script = format!("mkdir -p \"$(dirname \"$1\")\" && echo '{record}' >> \"$1\"");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, "sh"]).arg(path);
    assert!(shell.status().unwrap().success());
}

/// A follower that sleeps in `dir/a/b`, while `change` does something to the
/// directories and another process makes them and the journal again.
fn through(change: impl Fn(&Scene)) {
    let scene = Scene::new();
    let dir = scene.path("a").join("b");
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("j");
    let journal = scene::journal(&path);
    journal.append(b"[0]").unwrap();
    let mut follow = journal.follow(None).unwrap();
    let (awake, is_awake) = mpsc::channel();
    std::thread::scope(|threads| {
        let waits = threads.spawn(move || {
            // It has slept, and sleeps again.
            until(&mut follow, b"[1]");
            awake.send(()).unwrap();
            let others = until(&mut follow, b"[2]");
            (until(&mut follow, b"[3]"), others)
        });
        append_elsewhere(&path, "[1]");
        is_awake.recv_timeout(LONG).unwrap();
        change(&scene);
        append_elsewhere(&path, "[2]");
        append_elsewhere(&path, "[3]");
        let (none, others) = waits.join().unwrap();
        assert_eq!(none, []);
        // Behind it come the records of the new file.
        assert!(
            matches!(others[0], FollowItem::Rewound { .. }),
            "{others:?}"
        );
        let rewinds = |news: &&FollowItem| matches!(news, FollowItem::Rewound { .. });
        assert_eq!(others.iter().filter(rewinds).count(), 1, "{others:?}");
    });
}

/// inotify tells of it only when the last file in it is closed, and the follower
/// has one open.
#[test]
fn the_directory_is_removed_and_made_anew() {
    through(|scene| std::fs::remove_dir_all(scene.path("a").join("b")).unwrap());
    through(|scene| std::fs::remove_dir_all(scene.path("a")).unwrap());
}

/// inotify tells nothing of that.
#[test]
fn a_parent_is_moved_and_made_anew() {
    through(|scene| std::fs::rename(scene.path("a"), scene.path("old")).unwrap());
    through(|scene| {
        std::fs::rename(scene.path("a"), scene.path("old")).unwrap();
        let (old, new) = (scene.path("old"), scene.path("a"));
        // There at once, with a journal that is another file.
        std::fs::create_dir_all(new.join("b")).unwrap();
        std::fs::copy(old.join("b/j"), new.join("b/j")).unwrap();
    });
}

/// A parent that is a symbolic link by now, to another directory.
#[test]
fn a_parent_becomes_a_symbolic_link() {
    through(|scene| {
        std::fs::rename(scene.path("a"), scene.path("old")).unwrap();
        std::fs::create_dir_all(scene.path("new").join("b")).unwrap();
        std::os::unix::fs::symlink(scene.path("new"), scene.path("a")).unwrap();
    });
}

/// Whose file is gone learns it at once, not when there is another.
#[test]
fn a_journal_that_is_deleted() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let mut fresh = journal.follow(None).unwrap();
    let end = journal.append(b"[1]").unwrap();
    assert!(matches!(told(&mut fresh), FollowItem::Record(_)));
    let mut stored = journal.follow(Some(end)).unwrap();
    for follow in [&mut fresh, &mut stored] {
        std::thread::scope(|threads| {
            let waits = threads.spawn(|| told(follow));
            let _ = std::fs::remove_file(&path);
            let FollowItem::Rewound { from, to } = waits.join().unwrap() else {
                panic!("a rewind is told");
            };
            assert_eq!((from, to), (end, journal.end().unwrap()));
        });
        assert_eq!(follow.position(), journal.end().unwrap());
    }
    // One whose position was stored when there was one.
    let mut late = journal.follow(Some(end)).unwrap();
    assert!(matches!(told(&mut late), FollowItem::Rewound { .. }));
    append_elsewhere(&path, "[2]");
    for follow in [&mut fresh, &mut stored, &mut late] {
        assert_eq!(until(follow, b"[2]"), []);
    }
}

/// Many followers on one thread, as an event loop has them.
#[test]
fn an_event_loop_sleeps_for_many() {
    if !alone(module_path!(), "an_event_loop_sleeps_for_many") {
        return;
    }
    let scene = Scene::new();
    let paths: Vec<_> = (0..400).map(|n| scene.path(&format!("j{n}"))).collect();
    let journals: Vec<_> = paths.iter().map(|path| scene::journal(path)).collect();
    let mut follows: Vec<_> = journals
        .iter()
        .map(|journal| journal.follow(None).unwrap())
        .collect();
    let (wake, woken) = mpsc::channel();
    let mut seen = vec![0; journals.len()];
    let mut look = |seen: &mut Vec<usize>, n: usize| {
        while let Some(news) = follows[n].next(&now()).unwrap() {
            assert!(matches!(news, FollowItem::Record(_)));
            seen[n] += 1;
        }
        let wake = wake.clone();
        let look_again = follows[n].wake_once(move || wake.send(n).unwrap_or_default());
        assert_eq!(look_again, None, "all is told here");
    };
    let before = threads_of_this_process();
    (0..journals.len()).for_each(|n| look(&mut seen, n));
    for round in 1..4 {
        for path in &paths {
            scene::journal(path).append(b"{}").unwrap();
        }
        while seen.iter().any(|seen| *seen < round) {
            let n = woken.recv_timeout(LONG).expect("woken within 20 s");
            look(&mut seen, n);
        }
    }
    assert!(threads_of_this_process() < before + 50);
    assert!(seen.iter().all(|seen| *seen == 3));
}

/// Many fall asleep in one directory while a record comes: each is woken.
#[test]
fn a_record_comes_while_many_fall_asleep() {
    const ROUNDS: u32 = 300;
    const MANY: usize = 6;
    let scene = Scene::new();
    let journal = scene::journal(&scene.path("j"));
    let begin = std::sync::Barrier::new(MANY + 1);
    std::thread::scope(|threads| {
        for _ in 0..MANY {
            let mut follow = journal.follow(None).unwrap();
            let begin = &begin;
            threads.spawn(move || {
                let mut missed = None;
                for round in 0..ROUNDS {
                    // It watches from now on only.
                    follow.close();
                    begin.wait();
                    if missed.is_none() {
                        let call = CallOptions::new().timeout(Some(LONG));
                        let next = follow.next(&call).unwrap();
                        missed = next.is_none().then_some(round);
                    }
                    begin.wait();
                }
                assert_eq!(missed, None, "the record of this round");
            });
        }
        for round in 0..ROUNDS {
            begin.wait();
            let pause = Duration::from_micros(u64::from(round % 50) * 5);
            let at = std::time::Instant::now() + pause;
            while std::time::Instant::now() < at {
                std::hint::spin_loop();
            }
            journal.append(b"{}").unwrap();
            begin.wait();
        }
    });
}

/// Its other name is in another directory, of which the system tells nothing here.
#[test]
fn a_journal_is_written_by_another_name() {
    let scene = Scene::new();
    let (path, other) = (scene.path("j"), scene.path("elsewhere").join("j"));
    std::fs::create_dir(scene.path("elsewhere")).unwrap();
    let options = || untorn::Journal::options().scheme(untorn::Scheme::InPlace);
    let journal = options().open(&path).unwrap();
    journal.append(b"[0]").unwrap();
    std::fs::hard_link(&path, &other).unwrap();
    let mut follow = journal.follow(None).unwrap();
    let (awake, is_awake) = mpsc::channel();
    std::thread::scope(|threads| {
        let waits = threads.spawn(move || {
            until(&mut follow, b"[1]");
            awake.send(()).unwrap();
            until(&mut follow, b"[2]")
        });
        for record in ["[1]", "[2]"] {
            append_elsewhere(&other, record);
            if record == "[1]" {
                is_awake.recv_timeout(LONG).unwrap();
            }
        }
        assert_eq!(waits.join().unwrap(), []);
    });
}

/// Nothing changes: only the close wakes it.
#[test]
fn a_close_wakes_an_event_loop() {
    let scene = Scene::new();
    let journal = scene::journal(&scene.path("j"));
    let mut follow = journal.follow(None).unwrap();
    let (wake, woken) = mpsc::channel();
    let look = |follow: &mut Follow| {
        assert_eq!(follow.next(&now()).unwrap(), None);
        let wake = wake.clone();
        follow.wake_once(move || wake.send(()).unwrap_or_default());
    };
    look(&mut follow);
    // The first time it has to look again, as it is watched only now.
    woken.recv_timeout(LONG).unwrap();
    look(&mut follow);
    assert!(woken.try_recv().is_err(), "it sleeps");
    journal.close().unwrap();
    woken.recv_timeout(LONG).unwrap();
    assert_eq!(follow.next(&now()).unwrap(), None);
    assert!(follow.is_closed());
}

fn threads_of_this_process() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// The system gives no thread to this user: what was woken by one is looked for.
#[test]
fn no_thread_is_to_be_had() {
    const PART: &str = "UNTORN_TEST_WITHOUT_THREADS";
    if let Some(path) = std::env::var_os(PART) {
        return follow_without_threads(Path::new(&path));
    }
    let scene = Scene::new();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(scene.dir(), open).unwrap();
    let path = scene.path("j");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(exactly(module_path!(), "no_thread_is_to_be_had"));
    child.arg("--test-threads=1");
    child.env(PART, &path);
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("it follows"),
        "{}: {said}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

fn follow_without_threads(path: &Path) {
    // SAFETY: plain system calls. Root has as many threads as it likes, so as some user
    // that has no process.
    unsafe {
        if libc::geteuid() == 0 {
            assert_eq!(libc::setresuid(64_999, 64_999, 64_999), 0);
        }
        let none = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        assert_eq!(libc::setrlimit(libc::RLIMIT_NPROC, &raw const none), 0);
    }
    let begun = std::thread::Builder::new().spawn(|| {});
    assert!(begun.is_err(), "this system gives a thread all the same");
    let journal = scene::journal(path);
    let mut follow = journal.follow(None).unwrap();
    let soon = CallOptions::new().timeout(Some(Duration::from_millis(20)));
    assert_eq!(follow.next(&soon).unwrap(), None);
    assert!(follow.wake_once(|| {}).is_some(), "look again");
    journal.append(b"[1]").unwrap();
    assert!(matches!(told(&mut follow), FollowItem::Record(_)));
    #[expect(
        clippy::print_stdout,
        reason = "what the test's other process listens for"
    )]
    {
        println!("it follows");
    }
}

/// A follower that is closed, or whose journal is, keeps no file open.
#[cfg(target_os = "linux")]
#[test]
fn a_close_lets_the_files_go() {
    let scene = Scene::new();
    let path = scene.path("only-this-test-has-it");
    let journal = scene::journal(&path);
    let end = journal.append(b"[1]").unwrap();
    let open = || {
        let all = std::fs::read_dir("/proc/self/fd").unwrap();
        all.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok())
            .filter(|target| target == &path)
            .count()
    };
    let others = open();
    let mut follow = journal.follow(Some(end)).unwrap();
    let soon = CallOptions::new().timeout(Some(Duration::from_millis(1)));
    assert_eq!(follow.next(&soon).unwrap(), None);
    assert_eq!(open(), others + 1);
    follow.close();
    assert_eq!(open(), others);
    // It goes on where it was, if it is asked.
    journal.append(b"[2]").unwrap();
    assert_eq!(until(&mut follow, b"[2]"), []);
    follow.close();
    std::fs::write(&path, "[7]\n[8]\n[9]\n").unwrap();
    assert!(matches!(told(&mut follow), FollowItem::Rewound { .. }));
    until(&mut follow, b"[9]");
    assert!(open() > others);
    journal.close().unwrap();
    assert_eq!(follow.next(&soon).unwrap(), None);
    assert!(open() <= others);
}
