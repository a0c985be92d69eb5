//! What `watch` shows on a terminal while things change: each look clears the screen and
//! draws it again.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Child;

use crate::locks::Running;
use crate::terminal::terminal;
use crate::untorn;

/// Where a look begins.
const CLEAR: &str = "\x1b[H\x1b[J";

/// More looks than any change needs. The test fails instead of looking forever.
const MOST: usize = 300;

struct Watch {
    child: Child,
    screen: File,
    /// What was read, from the beginning of the last look on.
    text: String,
}

impl Watch {
    /// Starts it in a session of its own, so that the terminal's Ctrl-C is for it.
    fn start(dir: &Path) -> Watch {
        let (screen, its) = terminal(100);
        let mut command = untorn(dir);
        command.args(["watch", "--every", "20ms", "--color=never", "."]);
        command.stdin(its.try_clone().unwrap());
        command.stdout(its.try_clone().unwrap()).stderr(its);
        // SAFETY: both calls may be made between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::setsid();
                libc::ioctl(0, libc::TIOCSCTTY, 0);
                Ok(())
            });
        }
        let child = command.spawn().expect("it starts");
        Watch {
            child,
            screen,
            text: String::new(),
        }
    }

    /// Returns the lines of the next look.
    fn look(&mut self) -> Vec<String> {
        let mut piece = [0; 4096];
        loop {
            // A look is whole when the next one begins.
            let begun = self.text.split_once(CLEAR).map(|(_, begun)| begun);
            if let Some((whole, next)) = begun.and_then(|begun| begun.split_once(CLEAR)) {
                let (whole, next) = (whole.to_owned(), format!("{CLEAR}{next}"));
                self.text = next;
                return whole
                    .lines()
                    .map(|line| line.trim_end().to_owned())
                    .collect();
            }
            let n = self.screen.read(&mut piece).expect("it goes on");
            self.text += std::str::from_utf8(&piece[..n]).expect("the names are ASCII");
        }
    }

    /// Waits for a look of which this is true.
    fn until(&mut self, what: &str, wanted: impl Fn(&[String]) -> bool) {
        let mut look = Vec::new();
        for _ in 0..MOST {
            look = self.look();
            if wanted(&look) {
                return;
            }
        }
        panic!("{what}: never seen; at last\n{}", look.join("\n"));
    }

    /// Waits until the line of a file has these columns.
    fn until_row(&mut self, name: &str, wanted: impl Fn(&str) -> bool) {
        self.until(name, |look| {
            let mut rows = look.iter();
            rows.any(|row| row.ends_with(name) && wanted(row))
        });
    }

    fn resize(&self, columns: u16, rows: u16) {
        let size = libc::winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        // SAFETY: the size is only read.
        let done =
            unsafe { libc::ioctl(self.screen.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
        assert_eq!(done, 0);
    }

    /// Types Ctrl-C, and returns the exit status.
    fn interrupt(mut self) -> Option<i32> {
        self.screen.write_all(b"\x03").unwrap();
        // What it printed until then must be read, or it could not print and end.
        let mut rest = Vec::new();
        let _ = self.screen.read_to_end(&mut rest);
        self.child.wait().unwrap().code()
    }
}

#[test]
fn files_come_grow_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let mut watch = Watch::start(at);
    watch.until("an empty directory", |look| {
        look.last().is_some_and(|sum| sum == "0 journals")
    });
    fs::write(at.join("a.jsonl"), "[1]\n").unwrap();
    watch.until_row("a.jsonl", |row| row.contains("4 B"));
    fs::create_dir(at.join("sub")).unwrap();
    fs::write(at.join("sub/b.jsonl"), "").unwrap();
    watch.until_row("sub/b.jsonl", |_| true);
    // The rate is of the time between two looks, and then it is nothing again.
    let journal = untorn::Journal::open(at.join("a.jsonl")).unwrap();
    journal.append_all(["[2]", "[3]"]).unwrap();
    let rate = |row: &str| {
        row.split_whitespace()
            .next()
            .unwrap()
            .parse::<f64>()
            .unwrap()
    };
    watch.until_row("a.jsonl", |row| rate(row) > 0.0);
    watch.until_row("a.jsonl", |row| rate(row) == 0.0 && row.contains("12 B"));
    fs::remove_dir_all(at.join("sub")).unwrap();
    watch.until("one is gone", |look| {
        look.last().is_some_and(|sum| sum == "1 journal")
    });
    assert_eq!(watch.interrupt(), Some(130));
}

#[test]
fn locks_and_who_waits_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    fs::write(&path, "[1]\n").unwrap();
    let mut watch = Watch::start(dir.path());
    watch.until_row("a.jsonl", |row| row.contains("  -  "));
    let held = untorn::FileLock::options()
        .label("nightly")
        .acquire(&path)
        .unwrap();
    watch.until_row("a.jsonl", |row| row.contains("(nightly)"));
    let waiting = Running::start(dir.path(), &["lock", "a.jsonl", "--", "true"]);
    let waiters = |row: &str, n: &str| row.split_whitespace().rev().nth(1) == Some(n);
    watch.until_row("a.jsonl", |row| waiters(row, "1"));
    drop(held);
    watch.until_row("a.jsonl", |row| waiters(row, "0") && row.contains("  -  "));
    assert!(waiting.end().0.success());
    assert_eq!(watch.interrupt(), Some(130));
}

#[test]
fn a_look_fits_the_terminal_also_after_a_resize() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..30 {
        fs::write(dir.path().join(format!("{n:02}.jsonl")), "[1]\n").unwrap();
    }
    let mut watch = Watch::start(dir.path());
    let fits = |look: &[String], columns: usize, rows: usize| {
        // The cursor is below the last line.
        let widest = look.iter().map(|line| line.chars().count()).max();
        widest <= Some(columns) && look.len() < rows
    };
    watch.until("24 rows", |look| fits(look, 100, 24) && look.len() == 23);
    watch.resize(40, 10);
    let sum = "30 journals, 23 of them not shown";
    watch.until("10 rows", |look| {
        fits(look, 40, 10) && look.last().is_some_and(|last| last == sum)
    });
    watch.resize(120, 50);
    watch.until("all", |look| {
        look.len() == 32 && look.last().is_some_and(|last| last == "30 journals")
    });
    assert_eq!(watch.interrupt(), Some(130));
}
