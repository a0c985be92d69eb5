//! A reader that goes away, a full disk, no permission, and very many files.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{run, said, untorn};

fn is_root() -> bool {
    // SAFETY: it only returns a number.
    unsafe { libc::geteuid() == 0 }
}

#[test]
fn a_reader_that_goes_away_ends_the_command_silently() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("\"{}\"\n", "x".repeat(100));
    std::fs::write(dir.path().join("j.jsonl"), line.repeat(20_000)).unwrap();
    for words in [
        &["cat", "j.jsonl"][..],
        &["tail", "-n", "20000", "j.jsonl"],
        &["cat", "--json", "j.jsonl"],
    ] {
        let mut child = untorn(dir.path())
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        drop(out);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.signal(), Some(libc::SIGPIPE), "{words:?}");
        assert!(
            output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn no_output_is_cut_in_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let records: Vec<_> = (0..30_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    std::fs::write(dir.path().join("j.jsonl"), records.concat()).unwrap();
    let (status, out, _) = run(dir.path(), &["cat", "j.jsonl"]);
    assert_eq!((status, out), (0, records.concat()));
}

/// Mounts a small file system, if this process may.
struct Small<'a>(&'a Path);

impl Small<'_> {
    fn mount(dir: &Path) -> Option<Small<'_>> {
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=128k", "tmpfs"])
            .arg(dir)
            .status();
        mount
            .is_ok_and(|status| status.success())
            .then_some(Small(dir))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

// A mount is for root. Elsewhere the seam's tests in the core play a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(dir.path()) else {
        return eprintln!("skipped: only root mounts a file system of 128 KiB");
    };
    let (status, ..) = run(dir.path(), &["append", "r.jsonl", "[1]"]);
    assert_eq!(status, 0);
    assert_eq!(run(dir.path(), &["rotate", "r.jsonl"]).0, 0);
    let journal = dir.path().join("j.jsonl");
    let text = format!("[1][2]\n{}{{\"torn", "{\"a\":\"some text\"}\n".repeat(4000));
    std::fs::write(&journal, &text[..]).unwrap();
    // Fills the rest.
    let mut filler = std::fs::File::create(dir.path().join("filler")).unwrap();
    while std::io::Write::write_all(&mut filler, &[1; 512]).is_ok() {}
    let wanted: [&[&str]; 4] = [
        &["append", "j.jsonl", "{\"b\":1}"],
        &["repair", "--yes", "j.jsonl"],
        &["repair", "--salvage", "--yes", "j.jsonl"],
        &["convert", "--skip-bad", "bad", "j.jsonl", "new.json"],
    ];
    for words in wanted {
        let (status, _, err) = run(dir.path(), words);
        assert_eq!(status, 3, "{words:?}: {err}");
        assert!(err.contains("No space left on device"), "{words:?}: {err}");
        assert_eq!(
            std::fs::read_to_string(&journal).unwrap(),
            text,
            "{words:?}"
        );
    }
    // A rotated file stays until its compressed copy is whole.
    let (status, _, err) = run(dir.path(), &["rotate", "--gzip", "--keep", "0", "r.jsonl"]);
    assert_eq!(status, 3, "{err}");
    assert!(err.contains("No space left on device"), "{err}");
    let rotated = std::fs::read(dir.path().join("r_1.jsonl"));
    assert_eq!(rotated.unwrap(), b"[1]\n");
    for name in ["r_1.jsonl.gz", "r_1.jsonl.gz.part"] {
        assert!(!dir.path().join(name).exists(), "{name}");
    }
    drop(small);
}

#[test]
fn no_permission_is_said_and_the_rest_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(dir.path(), open).unwrap();
    for (name, mode) in [("a.jsonl", 0o644), ("b.jsonl", 0o000), ("c.jsonl", 0o644)] {
        let path = dir.path().join(name);
        std::fs::write(&path, "[1]\nx\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    // Root may read everything. The program may be in a directory of root's.
    let program = dir.path().join("untorn");
    std::fs::copy(env!("CARGO_BIN_EXE_untorn"), &program).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let run = |words: &[&str]| {
        let mut command = untorn(dir.path());
        if is_root() {
            command = Command::new(&program);
            command.current_dir(dir.path()).uid(65_534).gid(65_534);
        }
        said(command.args(words).output().unwrap())
    };
    let (status, out, err) = run(&["check", "--json", "."]);
    assert_eq!(status, 3, "{out}");
    assert!(
        err.contains("b.jsonl") && err.contains("Permission denied"),
        "{err}"
    );
    assert_eq!(out.lines().count(), 2, "{out}");
    // So do all commands that take many files. A directory is skipped as a file is.
    let closed = dir.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    for words in [
        &["check", "--stat", "."][..],
        &["cat", "."],
        &["grep", "1", "."],
        &["grep", "-c", "1", "."],
        &["tail", "."],
        &["stats", "."],
        &["torn", "."],
        &["repair", "."],
    ] {
        let (status, out, err) = run(words);
        assert_eq!(status, 3, "{words:?}: {out}");
        assert!(
            err.contains("closed: Permission denied"),
            "{words:?}: {err}"
        );
        let of_file = err.lines().filter(|line| line.contains("b.jsonl")).count();
        assert_eq!(of_file, usize::from(words[0] != "torn"), "{words:?}: {err}");
        assert!(
            out.contains("c.jsonl") || out.contains("[1]") || words[0] == "torn",
            "{words:?}: {out}"
        );
    }
    let (status, out, err) = run(&["cat", "missing.jsonl", "a.jsonl"]);
    assert_eq!((status, &*out), (3, "[1]\n"), "{err}");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o755)).unwrap();
    if is_root() {
        // The owner of a directory may write to it. No test here owns it.
        let (status, _, err) = run(&["append", "a.jsonl", "[2]"]);
        assert_eq!(status, 3);
        assert!(err.contains("Permission denied"), "{err}");
    }
}
