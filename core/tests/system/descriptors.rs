//! Descriptors of the library in a program that closes what it did not open, as
//! daemons do, and in one that is allowed few of them.
//!
//! What a process has open is all of its threads', so each of these is played by a
//! process of its own. Only Unix gives the number of a closed file to the next.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::scene::alone::alone;
use crate::scene::{self, Scene};
use untorn::{
    Document, Durability, ErrorKind, FileLock, Journal, JournalOptions, Scheme, Store, Transaction,
};

fn close_all() {
    // SAFETY: closes numbers; what had them is used as the library lets it be used.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) };
    assert_eq!(closed, 0);
}

/// Files of the program that have all the numbers which are free.
fn strangers(scene: &Scene) -> Vec<File> {
    let open = |n: i32| {
        OpenOptions::new()
            .read(true)
            .append(n % 2 == 0)
            .write(true)
            .create(true)
            .truncate(n % 2 != 0)
            .open(scene.path(&format!("stranger{n}")))
            .unwrap()
    };
    let files: Vec<File> = (0..40).map(open).collect();
    for mut file in &files {
        file.write_all(b"mine\n").unwrap();
    }
    files
}

fn are_untouched(scene: &Scene, files: &[File]) {
    for (n, mut file) in files.iter().enumerate() {
        let path = scene.path(&format!("stranger{n}"));
        assert_eq!(scene::bytes(&path), b"mine\n", "{}", path.display());
        // It is open still, and to be written.
        file.write_all(b"more\n").unwrap();
        assert_eq!(scene::bytes(&path), b"mine\nmore\n", "{}", path.display());
        file.set_len(0).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        file.write_all(b"mine\n").unwrap();
    }
}

fn options(scheme: Scheme) -> JournalOptions {
    Journal::options()
        .durability(Durability::Process)
        .header_prefix(r#"{"h"#)
        .scheme(scheme)
}

const SCHEMES: [Scheme; 2] = [Scheme::Sidecar, Scheme::InPlace];

struct Used {
    journal: Journal,
    document: Document,
    scheme: Scheme,
}

fn used(scene: &Scene) -> Vec<Used> {
    let open = |scheme: Scheme| {
        let path = |kind: &str| scene.path(&format!("{kind}-{scheme}"));
        let journal = options(scheme).open(path("j")).unwrap();
        journal.append_all([b"[0]", b"[0]"]).unwrap();
        journal.set_header(br#"{"h":0}"#).unwrap();
        journal.set_header(br#"{"h":1}"#).unwrap();
        let document = Document::options().scheme(scheme);
        let document = document.open(path("d")).unwrap();
        document.save(b"0").unwrap();
        Used {
            journal,
            document,
            scheme,
        }
    };
    SCHEMES.map(open).into()
}

fn works(used: &[Used]) {
    for Used {
        journal,
        document,
        scheme,
    } in used
    {
        journal.append(b"[1]").unwrap();
        journal.append_all([b"[2]", b"[3]"]).unwrap();
        journal.set_header(br#"{"h":2}"#).unwrap();
        journal.sync().unwrap();
        assert_eq!(journal.header().unwrap().unwrap(), br#"{"h":2}"#);
        assert_eq!(journal.records().unwrap().count(), 5, "{scheme}");
        assert_eq!(journal.verify().unwrap().damage_count, 0, "{scheme}");
        document.update(|_| Ok(b"1".to_vec())).unwrap();
        assert_eq!(document.load().unwrap().0, b"1", "{scheme}");
    }
}

#[test]
fn handles_of_a_program_that_closes_all() {
    if !alone(module_path!(), "handles_of_a_program_that_closes_all") {
        return;
    }
    let scene = Scene::new();
    let handles = used(&scene);
    close_all();
    works(&handles);
}

#[test]
fn handles_whose_numbers_are_other_files() {
    if !alone(module_path!(), "handles_whose_numbers_are_other_files") {
        return;
    }
    let scene = Scene::new();
    let handles = used(&scene);
    let unused = used_in(&scene, "unused");
    close_all();
    let files = strangers(&scene);
    works(&handles);
    are_untouched(&scene, &files);
    // Locked it is, by a descriptor that is the lock file's.
    let _guard = FileLock::acquire(scene.path("j-sidecar")).unwrap();
    let locked = Command::new("flock")
        .args(["--nonblock", "--conflict-exit-code", "9"])
        .arg(scene.path("j-sidecar.lock"))
        .arg("true")
        .status()
        .unwrap();
    assert_eq!(locked.code(), Some(9));
    drop((handles, unused));
    are_untouched(&scene, &files);
}

fn used_in(scene: &Scene, name: &str) -> (Journal, Document) {
    let journal = scene::journal(&scene.path(name));
    journal.append(b"[0]").unwrap();
    let document = Document::open(scene.path(&format!("{name}.json"))).unwrap();
    document.save(b"0").unwrap();
    (journal, document)
}

#[test]
fn locks_whose_numbers_are_other_files() {
    if !alone(module_path!(), "locks_whose_numbers_are_other_files") {
        return;
    }
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let guard = FileLock::acquire(&path).unwrap();
    let store = Store::open(scene.path("store")).unwrap();
    let session = store.session("s").unwrap();
    let lease = session.claim("one").unwrap();
    let mut transaction = Transaction::begin(scene.dir()).unwrap();
    transaction.save("t", b"0").unwrap();
    let pid_file = FileLock::options().scheme(Scheme::PidFile);
    let pid_file = pid_file.acquire(scene.path("p")).unwrap();
    close_all();
    let files = strangers(&scene);
    // The system has released it, so others may have it.
    let error = journal
        .append_with(b"[0]", &untorn::CallOptions::new().lock(&guard))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(transaction.commit().is_err());
    drop(transaction);
    let _ = lease.release();
    drop(lease);
    let _ = guard.release();
    drop(guard);
    drop(pid_file);
    are_untouched(&scene, &files);
    journal.append(b"[1]").unwrap();
    assert_eq!(scene::bytes(&path), b"[1]\n");
    // Its owner lives, so it is his.
    assert_eq!(session.claim("two").unwrap_err().kind(), ErrorKind::Locked);
    let mut transaction = Transaction::begin(scene.dir()).unwrap();
    transaction.save("t", b"1").unwrap();
    transaction.commit().unwrap();
    are_untouched(&scene, &files);
}

/// The threads of the library that report changes.
fn following() -> Vec<std::ffi::OsString> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .map(|task| task.unwrap())
        .filter(|task| {
            let name = std::fs::read_to_string(task.path().join("comm"));
            name.is_ok_and(|name| name == "untorn-follow\n")
        })
        .map(|task| task.file_name())
        .collect()
}

/// What such a number is given to is not read either: a pipe would lose what comes.
#[test]
fn followers_whose_numbers_are_other_files() {
    if !alone(module_path!(), "followers_whose_numbers_are_other_files") {
        return;
    }
    let scene = Scene::new();
    let journal = scene::journal(&scene.path("j"));
    journal.append(b"[0]").unwrap();
    let mut follow = journal.follow(None).unwrap();
    let once = untorn::CallOptions::new().timeout(Some(Duration::ZERO));
    assert_eq!(follow.next(&once).unwrap(), None);
    // From here on a thread reports changes to it.
    follow.wake_once(|| ());
    // A thread gives itself its name, some time after it begins.
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    let before = loop {
        let found = following();
        if found.len() == 1 {
            break found;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "no thread reports changes"
        );
        std::thread::yield_now();
    };
    close_all();
    let mut pipes: Vec<_> = (0..20).map(|_| std::io::pipe().unwrap()).collect();
    for (_, end) in &mut pipes {
        end.write_all(&[1; 64]).unwrap();
    }
    let long = untorn::CallOptions::new().timeout(Some(Duration::from_secs(60)));
    // It looks each second, and ends when it sees that its number is another's.
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while following().iter().any(|thread| before.contains(thread)) {
        assert!(std::time::Instant::now() < deadline, "it reads on");
        journal.append(b"[2]").unwrap();
        assert!(follow.next(&long).unwrap().is_some());
    }
    drop(follow);
    for (mut end, write) in pipes {
        drop(write);
        let mut came = Vec::new();
        std::io::Read::read_to_end(&mut end, &mut came).unwrap();
        assert_eq!(came, [1; 64], "somebody has read from it");
    }
}

#[test]
fn a_child_keeps_what_has_such_a_number() {
    if !alone(module_path!(), "a_child_keeps_what_has_such_a_number") {
        return;
    }
    let scene = Scene::new();
    let _handles = used(&scene);
    close_all();
    let files = strangers(&scene);
    // SAFETY: the child only writes to files that are open, and ends.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let all = files
            .iter()
            .all(|mut file| file.write_all(b"child\n").is_ok());
        // SAFETY: ends this process.
        unsafe { libc::_exit(i32::from(!all)) };
    }
    let mut status = 0;
    // SAFETY: waits for the child that was started above.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "a number of the program's was closed");
}

/// As many as `ulimit -n 64` leaves.
fn allow_few() {
    let few = libc::rlimit {
        rlim_cur: 64,
        rlim_max: 64,
    };
    // SAFETY: reads the struct.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &few) }, 0);
}

/// So many files, one after the other. One that stays open in each would show at 64.
const FILES: usize = 5000;
const FEWER: usize = 500;

fn each(scene: &Scene, files: usize, verb: impl Fn(&Path, &Store, usize)) {
    let dir = scene.path("files");
    std::fs::create_dir(&dir).unwrap();
    let store = Store::options().durability(Durability::Process);
    let store = store.open(dir.join("store")).unwrap();
    for n in 0..files {
        // The same names again and again, lest the directory be what is measured.
        verb(&dir.join(format!("{}", n % 50)), &store, n);
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn five_thousand_files_one_after_the_other() {
    if !alone(module_path!(), "five_thousand_files_one_after_the_other") {
        return;
    }
    allow_few();
    let scene = Scene::quick();
    let mut kept = Vec::new();
    let mut documents = Vec::new();
    each(&scene, FILES, |path, _, _| {
        let journal = scene::journal(path);
        journal.append(b"[0]").unwrap();
        journal.close().unwrap();
    });
    let keep = std::cell::RefCell::new(&mut kept);
    each(&scene, FEWER, |path, _, n| {
        let journal = scene::journal(path);
        journal.append_all([b"[0]", b"[1]"]).unwrap();
        let mut finished = journal.records().unwrap();
        assert!(finished.by_ref().count() >= 2);
        let mut half = journal.records().unwrap();
        let _ = half.next().unwrap();
        if n % 3 == 0 {
            let _ = half.next().unwrap();
        }
        journal.tail(1).unwrap();
        journal.verify().unwrap();
        journal.close().unwrap();
        drop(half);
        // Closed, and referred to still; so is a reader that has come to its end.
        keep.borrow_mut().push((journal, finished));
    });
    let keep = std::cell::RefCell::new(&mut documents);
    each(&scene, FEWER, |path, _, _| {
        let document = Document::options().durability(Durability::Process);
        let document = document.open(path).unwrap();
        document.save(b"0").unwrap();
        document.update(|_| Ok(b"1".to_vec())).unwrap();
        document.load().unwrap();
        document.close().unwrap();
        keep.borrow_mut().push(document);
    });
    each(&scene, FEWER, |path, store, n| {
        let session = store.session(&format!("{}", n % 50)).unwrap();
        let lease = session.claim("one").unwrap();
        let journal = session.journal().unwrap();
        journal.append(b"[0]").unwrap();
        journal.close().unwrap();
        lease.release().unwrap();
        untorn::append(path, b"[0]").unwrap();
        untorn::save(path.with_extension("json"), b"[0]").unwrap();
        untorn::load(path.with_extension("json")).unwrap();
    });
    each(&scene, FEWER, |path, _, n| {
        if n % 10 != 0 {
            return;
        }
        let journal = scene::journal(path);
        journal.append(b"[0]").unwrap();
        let snapshot = untorn::snapshot(path.parent().unwrap()).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let _ = snapshot.records(name).unwrap().next().unwrap();
        let follower = journal.follow(None);
        drop(follower);
        journal.close().unwrap();
    });
    each(&scene, FEWER, |path, _, _| {
        let lock = FileLock::options().timeout(Some(Duration::from_secs(9)));
        drop(lock.acquire(path).unwrap());
        let mut transaction = Transaction::options()
            .durability(Durability::Process)
            .begin(path.parent().unwrap())
            .unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        transaction.save(name, b"0").unwrap();
        transaction.commit().unwrap();
    });
    assert_eq!((kept.len(), documents.len()), (FEWER, FEWER));
}
