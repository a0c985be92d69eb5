//! A handle that is closed has nothing open, even if the program keeps it.

#[cfg(windows)]
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use untorn::{CallOptions, Document, Journal, Scheme};

/// What this process has open below a directory.
#[cfg(target_os = "linux")]
fn open_below(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .filter(|path| path.starts_with(dir))
        .collect();
    found.sort();
    found
}

/// What nobody can have for itself, since somebody has it open.
#[cfg(windows)]
fn open_below(dir: &Path) -> Vec<PathBuf> {
    use std::os::windows::fs::OpenOptionsExt;

    const ERROR_SHARING_VIOLATION: i32 = 32;

    let mut found: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .filter(|path| {
            let alone = OpenOptions::new().read(true).share_mode(0).open(path);
            alone.is_err_and(|e| e.raw_os_error() == Some(ERROR_SHARING_VIOLATION))
        })
        .collect();
    found.sort();
    found
}

const NOTHING: [PathBuf; 0] = [];

fn used(dir: &Path, scheme: Scheme) -> Journal {
    let journal = Journal::options()
        .scheme(scheme)
        .open(dir.join("j.jsonl"))
        .unwrap();
    let position = journal.append(b"1").unwrap();
    journal.append(b"2").unwrap();
    journal.sync().unwrap();
    journal.rewind(position).unwrap();
    journal.replace([b"3"]).unwrap();
    journal.rotate().unwrap();
    journal.append(b"4").unwrap();
    assert_eq!(journal.records().unwrap().count(), 1);
    journal
}

#[test]
fn a_journal_that_was_used() {
    for scheme in [Scheme::Sidecar, Scheme::InPlace, Scheme::PidFile] {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let journal = used(&dir, scheme);
        assert_ne!(open_below(&dir), NOTHING, "{scheme}: it keeps them at hand");
        journal.close().unwrap();
        assert_eq!(open_below(&dir), NOTHING, "{scheme}");
        // It reads still, and that leaves nothing open either.
        assert_eq!(journal.verify().unwrap().records, 1);
        assert!(journal.append(b"5").is_err());
        assert_eq!(open_below(&dir), NOTHING, "{scheme}: after later calls");
    }
}

#[test]
fn a_document_that_was_used() {
    for scheme in [Scheme::Sidecar, Scheme::InPlace, Scheme::PidFile] {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let document = Document::options()
            .scheme(scheme)
            .open(dir.join("d.json"))
            .unwrap();
        document.save(b"1").unwrap();
        document.update(|_| Ok(b"2".to_vec())).unwrap();
        assert_ne!(open_below(&dir), NOTHING, "{scheme}: it keeps them at hand");
        document.close().unwrap();
        assert_eq!(open_below(&dir), NOTHING, "{scheme}");
        assert_eq!(document.load().unwrap().0, b"2");
        assert!(document.save(b"3").is_err());
        assert_eq!(open_below(&dir), NOTHING, "{scheme}: after later calls");
    }
}

#[test]
fn what_is_under_way_closes_when_it_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().canonicalize().unwrap();
    let journal = used(&dir, Scheme::Sidecar);
    let document = Document::open(dir.join("d.json")).unwrap();
    // Both begin before the handles are closed, and end afterwards.
    let mut update = document.begin_update(&CallOptions::new()).unwrap();
    let held = untorn::FileLock::acquire(dir.join("j.jsonl")).unwrap();
    let (told, outcome) = mpsc::channel();
    let mut batch = journal.batch();
    batch.push(b"5").unwrap();
    journal.append_queued(batch, None, None, None, move |result| {
        told.send(result).unwrap();
    });
    journal.close().unwrap();
    document.close().unwrap();
    update.save(b"3").unwrap();
    drop(held);
    outcome.recv().unwrap().unwrap();
    // The callback is called by the thread that is about to close the last of it.
    while open_below(&dir) != NOTHING {
        std::thread::yield_now();
    }
    assert_eq!(document.load().unwrap().0, b"3");
    assert_eq!(journal.records().unwrap().count(), 2);
}
