//! Where the system does not have `statx`, or a sandbox does not know it: Linux
//! before 4.11, and filters that refuse what is new (man 2 seccomp).

use crate::scene::alone::exactly;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::scene::{Scene, bytes};
use untorn::{Document, FileLock, Journal, Scheme, Transaction};

const ERROR: &str = "UNTORN_TEST_ERROR";

/// From now on `statx` fails in this process, and in the program that it becomes.
fn refuse_statx(errno: u32) -> std::io::Result<()> {
    let statement = |code: u32, k: u32, jt, jf| libc::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    let number = libc::SYS_statx as u32;
    let mut filter = [
        // The number of the call comes first in what a filter sees.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, number, 0, 1),
        statement(
            libc::BPF_RET | libc::BPF_K,
            libc::SECCOMP_RET_ERRNO | errno,
            0,
            0,
        ),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let program = libc::sock_fprog {
        len: 4,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: plain calls; the filter lives as long as they take.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            | libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            )
    };
    match done {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Played by a process of its own, which never had the call.
#[test]
fn part() {
    if std::env::var_os(ERROR).is_none() {
        return;
    }
    let refused = rustix::fs::statx(
        rustix::fs::CWD,
        "/",
        rustix::fs::AtFlags::empty(),
        rustix::fs::StatxFlags::INO,
    );
    refused.expect_err("statx is refused");
    let scene = Scene::new();
    let path = scene.with("j", "{\"a\":1}\n{\"to");
    let journal = Journal::options()
        .header_prefix("{\"h")
        .open(&path)
        .unwrap();
    journal.append(b"{}").unwrap();
    journal.append_all([b"{}", b"[]"]).unwrap();
    journal.set_header(b"{\"h\":1}").unwrap();
    journal.set_header(b"{\"h\":2}").unwrap();
    assert_eq!(journal.header().unwrap().unwrap(), b"{\"h\":2}");
    assert_eq!(journal.records().unwrap().count(), 4);
    let end = journal.end().unwrap();
    journal.append_at(end, [b"{}"]).unwrap();
    journal.rotate().unwrap();
    journal.replace([b"{}"]).unwrap();
    for scheme in [Scheme::Sidecar, Scheme::InPlace, Scheme::PidFile] {
        let path = scene.path(&format!("d{}", scheme.as_str()));
        let document = Document::options().scheme(scheme).open(path).unwrap();
        document.save(b"1").unwrap();
        document.update(|_| Ok(b"2".to_vec())).unwrap();
        assert_eq!(document.load().unwrap().0, b"2");
    }
    let mut transaction = Transaction::begin(scene.dir()).unwrap();
    transaction.save("t", b"1").unwrap();
    transaction.commit().unwrap();
    assert_eq!(bytes(&scene.path("t")), b"1");
    drop(FileLock::acquire(&path).unwrap());
    let store = untorn::Store::open(scene.path("store")).unwrap();
    store
        .session("k")
        .unwrap()
        .claim("test")
        .unwrap()
        .release()
        .unwrap();
    assert!(store.remove("k").unwrap());
}

#[test]
fn all_works_without_statx() {
    for errno in [libc::EPERM, libc::ENOSYS] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(exactly(module_path!(), "part"))
            .env(ERROR, errno.to_string());
        // SAFETY: two system calls, and nothing that allocates.
        unsafe { command.pre_exec(move || refuse_statx(errno as u32)) };
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errno}: {said}");
    }
}
