//! How much memory reading takes, by an allocator that counts, and refuses sizes that
//! no machine has. One test, so that no other allocates meanwhile.

mod scene;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use scene::Scene;
use untorn::{Document, Durability, ErrorKind, Journal, JournalOptions};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// More is refused, as a full machine does.
const MOST: usize = 128 << 20;

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > MOST {
            return std::ptr::null_mut();
        }
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How much more than before the work had at once, in bytes.
fn peak(work: impl FnOnce()) -> usize {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    work();
    PEAK.load(Ordering::Relaxed) - before
}

fn options() -> JournalOptions {
    Journal::options()
        .durability(Durability::Process)
        .max_record(100_000)
}

#[test]
fn is_bounded_whatever_the_file() {
    const LENGTH: usize = 8 << 20;
    const BOUND: usize = 3 << 20;
    let scene = Scene::quick();
    let records = "{\"n\":1}\n".repeat(100);
    let nuls = "\0".repeat(LENGTH);
    let line = "x".repeat(LENGTH);
    let files = [
        ("NULs at its end", format!("{records}{nuls}")),
        ("a line without an end", format!("{records}\"{line}")),
        (
            "a long line in it",
            format!("{records}\"{line}\"\n{records}"),
        ),
        ("NULs in it", format!("{records}{nuls}\n{records}")),
        ("one long line", format!("\"{line}\"\n")),
    ];
    type Verb = fn(&Journal);
    let verbs: [(&str, Verb); 5] = [
        ("tail", |journal| drop(journal.tail(150).unwrap())),
        ("end", |journal| {
            journal.end().unwrap();
        }),
        ("records", |journal| {
            let mut records = journal.records().unwrap();
            while records.next_record().unwrap().is_some() {}
        }),
        ("verify", |journal| drop(journal.verify().unwrap())),
        ("append", |journal| {
            journal.append(b"[9]").unwrap();
        }),
    ];
    for (kind, content) in &files {
        for sealed in [false, true] {
            for (name, verb) in verbs {
                let path = scene.with("j", content);
                let journal = options().sealed(sealed).open(&path).unwrap();
                let took = peak(|| verb(&journal));
                assert!(
                    took < BOUND,
                    "{kind}, sealed: {sealed}, {name}: {took} bytes"
                );
            }
        }
    }
    drop(files);

    // A sealed append of the same length, looked at by the next handle.
    let path = scene.path("sealed");
    let open = || options().sealed(true).open(&path).unwrap();
    let record = format!("\"{}\"", "y".repeat(10_000));
    open()
        .append_all(std::iter::repeat_n(&record, LENGTH / 10_000))
        .unwrap();
    for (name, verb) in verbs {
        let journal = open();
        // The records that tail gives are asked for.
        let given = if name == "tail" { 150 * 10_100 } else { 0 };
        let took = peak(|| verb(&journal));
        assert!(took < BOUND + given, "sealed, {name}: {took} bytes");
    }

    // What can't be had is an error, and not the end of the process.
    let path = scene.path("document");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(8 << 30).unwrap();
    let error = Document::open(&path).unwrap().load().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert!(
        error.to_string().contains("do not fit into memory"),
        "{error}"
    );
    let snapshot = untorn::snapshot(scene.dir()).unwrap();
    assert_eq!(snapshot.load("document").unwrap_err().kind(), ErrorKind::Io);
    // A record that does not fit into memory is reported with its place.
    let path = scene.path("huge");
    std::fs::write(&path, "[1]\n{").unwrap();
    let file = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    for _ in 0..150 {
        std::io::Write::write_all(&mut &file, &vec![b' '; 1 << 20]).unwrap();
    }
    let journal = options().max_record(1 << 40).open(&path).unwrap();
    let mut records = journal.records().unwrap();
    assert!(records.next_record().unwrap().is_some());
    let error = records.next_record().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    assert_eq!(error.position().map(|at| at.offset), Some(4));
}
