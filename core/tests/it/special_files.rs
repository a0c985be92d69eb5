//! What is no regular file, in the place of a journal, a document or a lock
//! file: it is refused or passed over, and never waited for.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use crate::scene::{Scene, program};
use untorn::{CallOptions, Document, Durability, ErrorKind, Journal, JournalOptions};

/// Longer than anything takes here: work that is not done by then waits forever.
const LONG: Duration = Duration::from_secs(20);

fn options() -> JournalOptions {
    Journal::options().durability(Durability::Process)
}

/// Something at this path that is no regular file.
type Put = fn(&Path);

const PUTS: [(&str, Put); 3] = [
    ("FIFO", |path| {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    }),
    ("socket", |path| drop(UnixListener::bind(path).unwrap())),
    ("directory", |path| std::fs::create_dir(path).unwrap()),
];

/// The work's result, unless it waits.
fn in_time<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(work()));
    match told.recv_timeout(LONG) {
        Ok(result) => result,
        Err(_) => panic!("{what}: it still waits after {LONG:?}"),
    }
}

#[test]
fn in_the_place_of_a_journal() {
    type Verb = fn(&Journal) -> untorn::Result<()>;
    let verbs: [(&str, Verb); 7] = [
        ("records", |journal| {
            journal.records()?.next_record().map(drop)
        }),
        ("tail", |journal| journal.tail(1).map(drop)),
        ("end", |journal| journal.end().map(drop)),
        ("verify", |journal| journal.verify().map(drop)),
        ("header", |journal| journal.header().map(drop)),
        ("follow", |journal| journal.follow(None).map(drop)),
        ("append", |journal| journal.append(b"[1]").map(drop)),
    ];
    for (kind, put) in PUTS {
        for (name, verb) in verbs {
            let scene = Scene::new();
            let path = scene.path("j");
            let journal = options().header_prefix("{\"h\":").open(&path).unwrap();
            journal.append(b"[0]").unwrap();
            let mut follow = journal.follow(None).unwrap();
            std::fs::remove_file(&path).unwrap();
            put(&path);
            let what = format!("{name} of a {kind}");
            let error = in_time(&what, move || {
                let result = verb(&journal);
                // One that has begun says so, too.
                let once = CallOptions::new().timeout(Some(Duration::ZERO));
                let mut followed = follow.next(&once);
                if matches!(followed, Ok(Some(untorn::FollowItem::Rewound { .. }))) {
                    followed = follow.next(&once);
                }
                followed.unwrap_err();
                result.unwrap_err()
            });
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{what}: {error}");
            assert!(error.to_string().contains("regular file"), "{error}");
        }
    }
}

#[test]
fn in_the_place_of_a_document() {
    for (kind, put) in PUTS {
        let scene = Scene::new();
        let path = scene.path("d");
        let document = Document::open(&path).unwrap();
        document.save(b"1").unwrap();
        std::fs::remove_file(&path).unwrap();
        put(&path);
        let (loaded, updated) = in_time(kind, move || {
            let loaded = document.load().unwrap_err();
            let updated = document.update(|_| Ok(b"2".to_vec())).unwrap_err();
            (loaded, updated)
        });
        for error in [loaded, updated] {
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{kind}: {error}");
            assert!(error.to_string().contains("regular file"), "{error}");
        }
    }
}

/// Readers need no lock, so what another program left there does not stop them.
#[test]
fn in_the_place_of_a_lock_file() {
    let others: [(&str, Put); 5] = [
        ("link to a device", |path| {
            symlink("/dev/tty", path).unwrap();
        }),
        ("link to nothing", |path| symlink("nowhere", path).unwrap()),
        ("link to a file", |path| {
            std::fs::write(path.with_extension("other"), [b'x'; 300]).unwrap();
            symlink(path.with_extension("other"), path).unwrap();
        }),
        ("another program's file", |path| {
            std::fs::write(path, "pid 4711\n".repeat(40)).unwrap();
        }),
        ("file that may not be read", |path| {
            std::fs::write(path, [b'x'; 300]).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o000)).unwrap();
        }),
    ];
    if program::is_root() {
        eprintln!("root reads every file: a lock file that may not be read is one that may");
    }
    for (kind, put) in PUTS.into_iter().chain(others) {
        let scene = Scene::new();
        let path = scene.with("j", "{\"h\":1}\n[0]\n[1]\n");
        put(&scene.path("j.lock"));
        let journal = options().header_prefix("{\"h\":").open(&path).unwrap();
        in_time(kind, move || {
            assert_eq!(journal.records().unwrap().count(), 2, "{kind}");
            assert_eq!(journal.tail(5).unwrap().len(), 2, "{kind}");
            let end = journal.end().unwrap();
            assert_eq!(end.offset, 16, "{kind}");
            assert_eq!(journal.records_from(end).unwrap().count(), 0, "{kind}");
            assert_eq!(journal.verify().unwrap().records, 2, "{kind}");
            assert_eq!(journal.header().unwrap().unwrap(), b"{\"h\":1}", "{kind}");
            let start = untorn::Position { offset: 0, ..end };
            let mut follow = journal.follow(Some(start)).unwrap();
            let once = CallOptions::new().timeout(Some(Duration::ZERO));
            for _ in 0..2 {
                assert!(follow.next(&once).unwrap().is_some(), "{kind}");
            }
            assert_eq!(follow.next(&once).unwrap(), None, "{kind}");
        });
    }
}

/// What `/proc` shows of such a descriptor looks like a path, and a file of that name
/// would be made.
#[cfg(target_os = "linux")]
#[test]
fn a_descriptor_of_a_file_without_a_name() {
    use std::os::fd::AsRawFd;

    let scene = Scene::new();
    let removed = std::fs::File::create(scene.path("removed")).unwrap();
    std::fs::remove_file(scene.path("removed")).unwrap();
    let memory = rustix::fs::memfd_create("memory", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    let (pipe, _writer) = std::io::pipe().unwrap();
    let numbers = [removed.as_raw_fd(), memory.as_raw_fd(), pipe.as_raw_fd()];
    for number in numbers {
        let path = format!("/proc/self/fd/{number}");
        // By a link to it, as `/dev/stdout` is one.
        let link = scene.path("link");
        symlink(&path, &link).unwrap();
        for path in [Path::new(&path), &link] {
            let errors = [
                Journal::open(path).unwrap_err(),
                Document::open(path).unwrap_err(),
                untorn::FileLock::acquire(path).unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
                assert!(error.to_string().contains("no name"), "{error}");
            }
        }
        std::fs::remove_file(&link).unwrap();
    }
    assert!(scene.files().is_empty());
    // One that has a name is that file.
    let named = std::fs::File::create(scene.path("named")).unwrap();
    let journal = options().open(format!("/proc/self/fd/{}", named.as_raw_fd()));
    journal.unwrap().append(b"[1]").unwrap();
    assert_eq!(std::fs::read(scene.path("named")).unwrap(), b"[1]\n");
}
