//! What a terminal gets: a pseudo-terminal takes its place.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::untorn;

/// Opens a pseudo-terminal of this width: its end for us, and that of the program.
pub fn terminal(columns: u16) -> (File, OwnedFd) {
    let (mut ours, mut its) = (-1, -1);
    let size = libc::winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the two numbers are written to, and the size is only read.
    let done = unsafe {
        libc::openpty(
            &raw mut ours,
            &raw mut its,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            (&raw const size).cast_mut(),
        )
    };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: both were just opened, and are owned by nothing else.
    unsafe { (File::from_raw_fd(ours), OwnedFd::from_raw_fd(its)) }
}

/// Runs a command with its output and errors on a terminal, and returns all it printed.
fn seen(command: &mut Command, columns: u16) -> String {
    let (mut ours, its) = terminal(columns);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(its.try_clone().unwrap())
        .stderr(its)
        .spawn()
        .expect("it starts");
    // The command keeps its own copies, which would hold the terminal open here.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut all = Vec::new();
    let mut piece = [0; 4096];
    // Reading fails when the program has ended (EIO).
    while let Ok(n) = ours.read(&mut piece) {
        if n == 0 {
            break;
        }
        all.extend_from_slice(&piece[..n]);
    }
    child.wait().expect("it ends");
    assert!(ours.as_raw_fd() >= 0);
    String::from_utf8_lossy(&all).into_owned()
}

/// The width of a line, without its colors.
fn shown(line: &str) -> usize {
    let mut parts = line.split('\x1b');
    let first = parts.next().map_or(0, |part| part.chars().count());
    let rest = parts.map(|part| {
        part.split_once('m')
            .map_or(0, |(_, text)| text.chars().count())
    });
    first + rest.sum::<usize>()
}

fn damaged(dir: &Path) {
    std::fs::write(
        dir.join("j.jsonl"),
        "{\"a\":\"\\u001b[31mred\",\"b\":1}\nx\x1b[2J\n",
    )
    .unwrap();
}

#[test]
fn colors_are_for_terminals_that_want_them() {
    let dir = tempfile::tempdir().unwrap();
    damaged(dir.path());
    let check = |variable: Option<(&str, &str)>, more: &[&str]| {
        let mut command = untorn(dir.path());
        command
            .args(["check", "j.jsonl"])
            .args(more)
            .env_remove("NO_COLOR");
        if let Some((name, value)) = variable {
            command.env(name, value);
        }
        seen(&mut command, 80)
    };
    assert!(check(None, &[]).contains("\x1b[31m"));
    assert!(!check(Some(("NO_COLOR", "1")), &[]).contains('\x1b'));
    assert!(
        check(Some(("NO_COLOR", "")), &[]).contains('\x1b'),
        "an empty one is none"
    );
    assert!(!check(None, &["--color=never"]).contains('\x1b'));
    let (_, piped, _) = crate::run(dir.path(), &["check", "j.jsonl"]);
    assert!(!piped.contains('\x1b'));
    let (_, forced, _) = crate::run(dir.path(), &["check", "--color=always", "j.jsonl"]);
    assert!(forced.contains('\x1b'));
}

#[test]
fn a_terminal_gets_no_control_characters_of_a_file() {
    let dir = tempfile::tempdir().unwrap();
    damaged(dir.path());
    for words in [
        &["cat", "j.jsonl"][..],
        &["show", "j.jsonl:2"],
        &["tail", "-c", "j.jsonl"],
    ] {
        let mut command = untorn(dir.path());
        command.args(words).arg("--color=never");
        let text = seen(&mut command, 80);
        assert!(!text.contains('\x1b'), "{words:?}: {text:?}");
    }
}

#[test]
fn a_record_is_pretty_on_a_terminal_and_one_line_in_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("j.jsonl"), "{\"a\":{\"b\":1}}\n").unwrap();
    let text = seen(untorn(dir.path()).args(["tail", "j.jsonl"]), 80);
    assert!(text.contains("{\r\n  \"a\": {\r\n"), "{text:?}");
    assert_eq!(
        crate::run(dir.path(), &["tail", "j.jsonl"]).1,
        "{\"a\":{\"b\":1}}\n"
    );
}

#[test]
fn help_fits_the_width() {
    let dir = tempfile::tempdir().unwrap();
    for columns in [60, 90] {
        let text = seen(untorn(dir.path()).args(["check", "--help"]), columns);
        let longest = text.lines().map(|line| shown(line.trim_end())).max();
        assert!(
            longest <= Some(columns.into()),
            "{columns}: {longest:?}\n{text}"
        );
        assert!(
            longest > Some(usize::from(columns) - 25),
            "{columns}: {longest:?}"
        );
    }
}

#[test]
fn very_many_files_are_checked_and_the_progress_is_shown() {
    // A hundred thousand take most of a minute without optimization.
    let deep = std::env::var_os("UNTORN_DEEP").is_some();
    let (files, shown) = if deep {
        (100_000, "100,000")
    } else {
        (40_000, "40,000")
    };
    let dir = tempfile::Builder::new()
        .tempdir_in(if Path::new("/dev/shm").is_dir() {
            "/dev/shm"
        } else {
            "/tmp"
        })
        .unwrap();
    for number in 0..files {
        let inner = dir.path().join(format!("{:03}", number % 500));
        if number < 500 {
            std::fs::create_dir(&inner).unwrap();
        }
        let text = if number == 7_777 { "[1]\n[2" } else { "[1]\n" };
        std::fs::write(inner.join(format!("{number}.jsonl")), text).unwrap();
    }
    // It takes a few seconds without optimization. There is no bar in the first half second.
    let text = seen(untorn(dir.path()).args(["check", "."]), 80);
    assert!(
        text.contains(&format!("/{shown} files")),
        "{}",
        &text[..text.len().min(300)]
    );
    assert!(text.contains("7777.jsonl:2:"), "{text}");
    assert!(
        text.contains(&format!("checked {shown} journals")),
        "{text}"
    );
}
