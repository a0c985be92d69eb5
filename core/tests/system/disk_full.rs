//! A disk that is really full: a small tmpfs, mounted by root. (What a full
//! disk answers is shown without root by `fault.rs`, at every call.)

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::scene::records;
use untorn::{Document, ErrorKind, Journal};

struct Mount(tempfile::TempDir);

impl Mount {
    /// `None` without the right to mount.
    fn new(size: &str) -> Option<Mount> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "untorn-test"])
            .arg(dir.path())
            .output()
            .is_ok_and(|done| done.status.success());
        mounted.then_some(Mount(dir))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn fill(dir: &Path) {
    let mut bytes = vec![0; 1 << 20];
    while !bytes.is_empty() {
        let name = dir.join(format!("filler-{}", bytes.len()));
        if fs::write(&name, &bytes).is_err() {
            let _ = fs::remove_file(&name);
            bytes.truncate(bytes.len() / 2);
        }
    }
}

#[test]
fn a_full_disk_and_space_again() {
    let Some(mount) = Mount::new("1M") else {
        // Only root may mount; CI runs as root.
        assert!(
            !rustix::process::geteuid().is_root(),
            "root could not mount a tmpfs"
        );
        return;
    };
    let dir = mount.0.path();
    let journal = Journal::open(dir.join("j")).unwrap();
    let document = Document::open(dir.join("d")).unwrap();
    let record = |n: u32| format!("{{\"n\":{n},\"text\":\"{}\"}}", "x".repeat(20_000));
    let old = format!("\"{}\"", "o".repeat(300_000));
    document.save(old.as_bytes()).unwrap();
    let mut written = 0;
    let error = loop {
        match journal.append(record(written).as_bytes()) {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    assert_eq!(error.raw_os_error(), Some(libc::ENOSPC));
    assert_eq!(
        records(&dir.join("j")).len(),
        written as usize,
        "nothing torn is left"
    );
    let error = journal.append_all((0..50).map(record)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    let error = document
        .save(format!("\"{}\"", "n".repeat(900_000)).as_bytes())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    assert_eq!(fs::read(dir.join("d")).unwrap(), old.as_bytes());
    fill(dir);
    journal
        .append(b"[\"small\"]")
        .map(drop)
        .unwrap_or_else(|error| {
            assert_eq!(error.kind(), ErrorKind::StorageFull);
        });
    let before = records(&dir.join("j")).len();
    assert_eq!(
        journal.append(record(0).as_bytes()).unwrap_err().kind(),
        ErrorKind::StorageFull
    );
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().starts_with("filler") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    document.remove().unwrap();
    journal.append(record(1).as_bytes()).unwrap();
    journal.append_all((0..3).map(record)).unwrap();
    document.save(b"{}").unwrap();
    assert_eq!(records(&dir.join("j")).len(), before + 4);
    let names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 4, "no temporary is left: {names:?}");
}
