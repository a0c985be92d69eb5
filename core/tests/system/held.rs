//! Who waits for a lock, and which locks below a directory are held.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::scene::Scene;
use untorn::{FileLock, Journal, Scheme};

/// Another program that holds the lock of a file until it gets the order to end.
struct Holder {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Holder {
    fn of(lock: &std::path::Path) -> Holder {
        let mut child = flock(lock);
        let stdin = child.stdin.take();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        Holder { child, stdin }
    }

    fn end(mut self) {
        drop(self.stdin.take());
        self.child.wait().unwrap();
    }
}

fn flock(lock: &std::path::Path) -> Child {
    Command::new("flock")
        .arg(lock)
        .args(["sh", "-c", "echo held; read line"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("util-linux flock")
}

// `/proc/locks` is Linux's.
#[cfg(target_os = "linux")]
#[test]
fn waiters_are_known_from_the_system() {
    let scene = Scene::new();
    let path = scene.path("j");
    fs::write(scene.path("j.lock"), "").unwrap();
    assert_eq!(untorn::waiters(&path).unwrap(), []);
    let holder = Holder::of(&scene.path("j.lock"));
    assert_eq!(untorn::waiters(&path).unwrap(), []);
    let mut waiters: Vec<_> = (0..2).map(|_| flock(&scene.path("j.lock"))).collect();
    let mut pids: Vec<u32> = waiters.iter().map(Child::id).collect();
    pids.sort_unstable();
    // Whether a process waits, only its place in the table shows.
    let known = loop {
        let known: Vec<u32> = untorn::waiters(&path)
            .unwrap()
            .iter()
            .map(|w| w.pid)
            .collect();
        if known.len() == pids.len() {
            break known;
        }
        std::thread::yield_now();
    };
    assert_eq!(known, pids);
    let held = untorn::held_below(scene.dir()).unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(
        held[0].waiters.iter().map(|w| w.pid).collect::<Vec<_>>(),
        pids
    );
    holder.end();
    // All of them first: either may have the lock.
    for waiter in &mut waiters {
        waiter.stdin.take().unwrap().write_all(b"\n").unwrap();
    }
    for waiter in &mut waiters {
        waiter.wait().unwrap();
    }
}

#[test]
fn held_locks_below_a_directory() {
    let scene = Scene::new();
    fs::create_dir_all(scene.path("a/b")).unwrap();
    for name in ["a/free.jsonl", "a/b/own.jsonl", "other.jsonl", "data.json"] {
        fs::write(scene.path(name), "[1]\n").unwrap();
    }
    // Its lock file exists, and no process holds it.
    Journal::open(scene.path("a/free.jsonl"))
        .unwrap()
        .append(b"[2]")
        .unwrap();
    let own = FileLock::options()
        .label("nightly")
        .acquire(scene.path("a/b/own.jsonl"))
        .unwrap();
    let pid_file = FileLock::options()
        .scheme(Scheme::PidFile)
        .acquire(scene.path("a/pid"))
        .unwrap();
    let in_place = FileLock::options()
        .scheme(Scheme::InPlace)
        .label("in place")
        .acquire(scene.path("data.json"))
        .unwrap();
    let foreign = cfg!(target_os = "linux").then(|| Holder::of(&scene.path("other.jsonl.lock")));
    let held = untorn::held_below(scene.dir()).unwrap();
    let paths: Vec<_> = held
        .iter()
        .map(|held| {
            held.path
                .strip_prefix(scene.dir())
                .unwrap()
                .to_str()
                .unwrap()
        })
        .collect();
    let mut expected = vec!["a/b/own.jsonl", "a/pid", "data.json"];
    if let Some(foreign) = &foreign {
        expected.push("other.jsonl");
        assert_eq!(held[3].holder.pid, foreign.child.id());
    }
    assert_eq!(paths, expected);
    assert_eq!(held[0].holder.label.as_deref(), Some("nightly"));
    drop((own, pid_file, in_place));
    if let Some(foreign) = foreign {
        foreign.end();
    }
    assert_eq!(untorn::held_below(scene.dir()).unwrap(), []);
    assert!(untorn::held_below(scene.path("missing")).is_err());
}
