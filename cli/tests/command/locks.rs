//! `lock` and `who`: locks that outlive the command, and waits that end.
//!
//! On Unix: on Windows no program takes the place of another.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use crate::{run, untorn};

/// A process whose lines are read as they come.
pub struct Running {
    pub child: Child,
    out: BufReader<ChildStdout>,
}

impl Running {
    pub fn start(dir: &Path, words: &[&str]) -> Running {
        let mut child = untorn(dir)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        Running { child, out }
    }

    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a line");
        line
    }

    pub fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.child.id()).expect("a pid");
        // SAFETY: it only sends a signal, to a child that was not waited for.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    }

    /// Ends its input, and returns its status and what it complained of.
    pub fn end(mut self) -> (std::process::ExitStatus, String) {
        drop(self.child.stdin.take());
        let mut said = String::new();
        let mut err = self.child.stderr.take().expect("piped");
        err.read_to_string(&mut said).expect("UTF-8");
        (self.child.wait().expect("it ends"), said)
    }
}

/// Returns when this process waits for the lock: only the system's table shows that.
fn until_it_waits(path: &Path, pid: u32) {
    while !untorn::waiters(path)
        .unwrap()
        .iter()
        .any(|waiter| waiter.pid == pid)
    {
        std::thread::yield_now();
    }
}

#[test]
fn the_exit_status_and_the_signals_are_the_command_s() {
    let dir = tempfile::tempdir().unwrap();
    let status = |words: &[&str]| run(dir.path(), &[&["lock", "j", "--"], words].concat()).0;
    assert_eq!(status(&["true"]), 0);
    assert_eq!(status(&["sh", "-c", "exit 7"]), 7);
    assert_eq!(status(&["./missing"]), 127);
    std::fs::write(dir.path().join("file"), "").unwrap();
    assert_eq!(status(&["./file"]), 126);
    let killed = untorn(dir.path())
        .args(["lock", "j", "--", "sh", "-c", "kill -TERM $$"])
        .status();
    assert_eq!(killed.unwrap().signal(), Some(libc::SIGTERM));
    // Ctrl-C is the command's own to handle, not untorn's.
    let trap = "trap 'exit 9' INT; kill -INT $$; exit 1";
    assert_eq!(status(&["sh", "-c", trap]), 9);
}

#[test]
fn the_lock_is_held_while_any_process_of_the_command_lives() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    // A child of its own, which ends with the input that it has inherited.
    let script = "exec 9<&0; cat <&9 >/dev/null & echo started; wait";
    let mut holder = Running::start(dir.path(), &["lock", "j", "--", "sh", "-c", script]);
    assert_eq!(holder.line(), "started\n");
    let (status, _, err) = run(dir.path(), &["lock", "-n", "j", "--", "true"]);
    assert_eq!(status, 75);
    let pid = holder.child.id();
    assert!(
        err.contains(&format!("held by pid {pid} (sh -c exec 9")),
        "{err}"
    );
    assert_eq!(
        run(dir.path(), &["lock", "-E", "9", "-n", "j", "--", "true"]).0,
        9
    );
    // The process that was untorn dies. Its child has inherited the lock.
    let input = holder.child.stdin.take();
    holder.signal(libc::SIGKILL);
    holder.child.wait().unwrap();
    assert_eq!(run(dir.path(), &["lock", "-n", "j", "--", "true"]).0, 75);
    drop(input);
    // The child ends with its input. Blocking: nothing else tells when.
    drop(untorn::FileLock::acquire(&path).unwrap());
    assert_eq!(run(dir.path(), &["lock", "-n", "j", "--", "true"]).0, 0);
}

// Who waits is known on Linux alone.
#[cfg(target_os = "linux")]
#[test]
fn a_wait_says_for_whom_and_who_says_who_waits() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    let script = "echo held; read line";
    let mut holder = Running::start(
        dir.path(),
        &["lock", "-l", "nightly", "j", "--", "sh", "-c", script],
    );
    assert_eq!(holder.line(), "held\n");
    let mut waiting = Running::start(dir.path(), &["lock", "j", "--", "true"]);
    let until_free = Running::start(dir.path(), &["who", "--wait", "j"]);
    until_it_waits(&path, waiting.child.id());
    until_it_waits(&path, until_free.child.id());
    let (status, out, _) = run(dir.path(), &["who", "--json", "-r", "."]);
    assert_eq!(status, 0);
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(found["pid"], holder.child.id());
    assert_eq!(found["label"], "nightly");
    assert_eq!(found["waiting"].as_array().unwrap().len(), 2);
    let command = found["waiting"][0]["command"].as_str().unwrap();
    assert!(command.contains("untorn"), "{command}");
    // What it complains of comes after half a second, so it is awaited.
    let mut said = String::new();
    let err = waiting.child.stderr.as_mut().unwrap();
    BufReader::new(err).read_line(&mut said).unwrap();
    assert!(
        said.contains("held by pid") && said.contains("(nightly)"),
        "{said}"
    );
    holder
        .child
        .stdin
        .as_mut()
        .unwrap()
        .write_all(b"\n")
        .unwrap();
    assert!(waiting.end().0.success());
    assert!(until_free.end().0.success());
    assert!(holder.child.wait().unwrap().success());
}

#[test]
fn a_journal_that_does_not_exist_yet_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let mut tail = Running::start(dir.path(), &["tail", "-f", "later.jsonl"]);
    let (status, _, err) = run(dir.path(), &["append", "later.jsonl", "[1]"]);
    assert_eq!(status, 0, "{err}");
    assert_eq!(tail.line(), "[1]\n");
    tail.signal(libc::SIGINT);
    assert_eq!(tail.end().0.code(), Some(130));
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_each_wait() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j.jsonl");
    std::fs::write(&path, "[1]\n").unwrap();
    let held = untorn::FileLock::acquire(&path).unwrap();
    let waits: [&[&str]; 6] = [
        &["lock", "j.jsonl", "--", "true"],
        &["append", "j.jsonl", "[2]"],
        &["repair", "--salvage", "--yes", "d.jsonl"],
        &["rewind", "-n", "1", "j.jsonl"],
        &["who", "--wait", "j.jsonl"],
        &["torn", "--prune", "t.jsonl"],
    ];
    std::fs::write(dir.path().join("d.jsonl"), "[1][2]\n").unwrap();
    std::fs::write(dir.path().join("t.jsonl"), "[1]\n").unwrap();
    let entry = "{\"time\":\"2001-01-01T00:00:00Z\",\"offset\":0,\"length\":1,\"nuls\":0}\nx\n";
    std::fs::write(dir.path().join("t.jsonl.torn"), entry).unwrap();
    let others = ["d.jsonl", "t.jsonl"].map(|name| {
        let path = dir.path().join(name);
        (untorn::FileLock::acquire(&path).unwrap(), path)
    });
    for words in waits {
        let waiting = Running::start(dir.path(), words);
        let target = words.iter().find(|word| word.ends_with(".jsonl")).unwrap();
        until_it_waits(&dir.path().join(target), waiting.child.id());
        waiting.signal(libc::SIGINT);
        let (status, said) = waiting.end();
        assert_eq!(status.code(), Some(130), "{words:?}: {said}");
    }
    drop((held, others));
    assert_eq!(std::fs::read(&path).unwrap(), b"[1]\n");
    // These wait for news, after they have printed what is there.
    let follows: [&[&str]; 3] = [
        &["tail", "-f", "j.jsonl"],
        &["watch", "."],
        &["who", "--watch", "j.jsonl"],
    ];
    for words in follows {
        let mut waiting = Running::start(dir.path(), words);
        assert!(!waiting.line().is_empty(), "{words:?}");
        waiting.signal(libc::SIGINT);
        let (status, said) = waiting.end();
        assert_eq!(status.code(), Some(130), "{words:?}: {said}");
    }
}
