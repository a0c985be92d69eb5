//! Contents of a lock file that are not pending, or that can't be settled. A locker has
//! the lock all the same, or gets an error that says why not, at once.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use crate::scene;
use crate::scene::{Scene, bytes};
use untorn::{Durability, ErrorKind, FileLock, Journal, Process};

fn open(path: &Path) -> Journal {
    Journal::options()
        .durability(Durability::Process)
        .header_prefix(b"{\"h\":")
        .open(path)
        .unwrap()
}

/// Without root's rights, in this thread.
fn as_nobody(scene: &Scene, work: impl FnOnce()) {
    fs::set_permissions(scene.dir(), fs::Permissions::from_mode(0o755)).unwrap();
    let root = rustix::process::geteuid().is_root();
    let become_user = |user: libc::uid_t| {
        if root {
            // SAFETY: changes the file-system identity of this thread alone.
            unsafe { libc::syscall(libc::SYS_setfsuid, user) };
        }
    };
    become_user(65_534);
    work();
    become_user(0);
}

fn lock_it(path: &Path, shared: bool) -> untorn::Result<()> {
    let wait = Duration::from_secs(20);
    let lock = FileLock::options().shared(shared).timeout(Some(wait));
    lock.acquire(path).map(drop)
}

/// A lock file that may be read only.
fn read_only(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
}

#[test]
fn a_stamp_that_is_done_stops_nobody() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = open(&path);
    journal.append_with_header(b"{\"h\":0}", ["[0]"]).unwrap();
    // A file that can't be made shorter (append-only, say) is cleared otherwise.
    let plan = untorn::fault::Plan::new().fail_every(untorn::fault::Op::Truncate, libc::EPERM);
    plan.run(|| journal.set_header(b"{\"h\":1}")).0.unwrap();
    assert!(bytes(&scene.path("j.lock")).len() > 64);
    read_only(&scene.path("j.lock"));
    for shared in [true, false] {
        as_nobody(&scene, || lock_it(&path, shared).unwrap());
    }
}

#[test]
fn a_void_reservation_stops_nobody() {
    let scene = Scene::new();
    let path = scene.path("f");
    let mut heir = std::process::Command::new("sleep")
        .arg("600")
        .spawn()
        .unwrap();
    let guard = FileLock::acquire(&path).unwrap();
    guard.transfer(&Process::of(heir.id())).unwrap();
    heir.kill().unwrap();
    heir.wait().unwrap();
    assert!(bytes(&scene.path("f.lock")).len() > 64);
    read_only(&scene.path("f.lock"));
    for shared in [true, false] {
        as_nobody(&scene, || lock_it(&path, shared).unwrap());
    }
}

#[test]
fn what_a_power_cut_left_as_nuls_is_no_other_programs() {
    for length in [1, 64, 127, 128, 129, 300, 5_000, 1 << 20] {
        let scene = Scene::new();
        let path = scene.path("j");
        scene.with("j.lock", vec![0; length]);
        open(&path).append_all(["[0]", "[1]"]).unwrap();
        assert_eq!(bytes(&path), b"[0]\n[1]\n", "{length}");
        assert_eq!(bytes(&scene.path("j.lock")).len(), 64, "{length}");
        // What has anything else in it is.
        let scene = Scene::new();
        let path = scene.path("j");
        let mut other = vec![0; length];
        other.push(b'x');
        scene.with("j.lock", &other);
        let error = open(&path).append_all(["[0]", "[1]"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{length}: {error}");
        assert_eq!(bytes(&scene.path("j.lock")), other);
    }
}

/// A lock file with this record behind an idle first block.
fn with_record(scene: &Scene, kind: u32, fields: &[u8], behind: &[u8]) {
    let mut block = b"pending\n".to_vec();
    block.extend(kind.to_le_bytes());
    block.extend(fields);
    block.resize(60, 0);
    block.extend(crc32c::crc32c(&block).to_le_bytes());
    let mut all = b"untorn1\n".to_vec();
    all.resize(64, 0);
    scene.with("j.lock", [&all, &block, behind].concat());
}

#[test]
fn a_write_in_place_is_not_noted_beside_a_sidecar() {
    let scene = Scene::new();
    let path = scene.with("j", "[0]\n");
    with_record(&scene, 6, &[0; 4], &[]);
    for shared in [true, false] {
        lock_it(&path, shared).unwrap();
    }
    open(&path).append_all(["[1]", "[2]"]).unwrap();
    assert_eq!(bytes(&path), b"[0]\n[1]\n[2]\n");
    assert_eq!(bytes(&scene.path("j.lock")).len(), 64);
}

#[test]
fn lengths_are_believed_as_far_as_there_is_something() {
    let scene = Scene::new();
    let path = scene.with("j", "{\"h\":0}\n[0]\n");
    // A stamp of a line of 4 GiB; an append of as many pieces; a reservation for
    // a process whose name is as long.
    let mut stamp = vec![0; 48];
    stamp[44..].copy_from_slice(&u32::MAX.to_le_bytes());
    let identity = scene::identity(&path);
    stamp[4..28].copy_from_slice(&identity);
    let mut lines = [2_u32, 2].map(u32::to_le_bytes).concat();
    lines.extend(b"abcd");
    lines.extend(crc32c::crc32c(&lines).to_le_bytes());
    let mut append = vec![0; 48];
    append[44..].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut reservation = vec![0; 48];
    reservation[12..20].copy_from_slice(&u64::MAX.to_le_bytes());
    for (kind, fields, behind) in [
        (2, stamp, lines),
        (1, append, vec![]),
        (4, reservation, vec![]),
    ] {
        with_record(&scene, kind, &fields, &behind);
        assert_eq!(
            open(&path).header().unwrap().unwrap(),
            b"{\"h\":0}",
            "{kind}"
        );
        lock_it(&path, false).unwrap();
        assert_eq!(bytes(&path), b"{\"h\":0}\n[0]\n", "{kind}");
        assert_eq!(bytes(&scene.path("j.lock")).len(), 64, "{kind}");
    }
}
