//! The users who may read and write a file after it was saved, and the files next to
//! it: no more users than before.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::scene::{Scene, bytes, journal};
use untorn::fault::{Call, Op, Plan, Verdict};
use untorn::{Document, Durability, ErrorKind, FileLock, Journal, Scheme, Transaction};

const NOBODY: u32 = 65_534;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: only root can be somebody else for a while");
    }
    root
}

/// Runs `work` as another user, on a thread whose rights are its own (man 2
/// setresuid; the C library's functions change those of all threads).
#[cfg(target_os = "linux")]
fn as_user(user: u32, groups: &[u32], work: impl FnOnce() + Send) {
    std::thread::scope(|threads| {
        threads
            .spawn(|| {
                let group = groups.first().copied().unwrap_or(user);
                // SAFETY: plain system calls on this thread; `groups` outlives them.
                let done = unsafe {
                    libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr())
                        | libc::syscall(libc::SYS_setresgid, group, group, group)
                        | libc::syscall(libc::SYS_setresuid, user, user, user)
                };
                assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
                work();
            })
            .join()
            .unwrap();
    });
}

/// A POSIX access list: rights of the owner, of this user, of the group, of all
/// these together, and of others.
#[cfg(target_os = "linux")]
fn list(owner: u16, user: (u32, u16), group: u16, mask: u16, others: u16) -> Vec<u8> {
    const NO_ID: u32 = u32::MAX;
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in [
        (0x01_u16, owner, NO_ID),
        (0x02, user.1, user.0),
        (0x04, group, NO_ID),
        (0x10, mask, NO_ID),
        (0x20, others, NO_ID),
    ] {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(rights.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

const LIST: &str = "system.posix_acl_access";

/// `false`, and says so, where the file system has no access lists.
#[cfg(target_os = "linux")]
fn set_list(path: &Path, name: &str, list: &[u8]) -> bool {
    match rustix::fs::setxattr(path, name, list, rustix::fs::XattrFlags::empty()) {
        Ok(()) => true,
        Err(rustix::io::Errno::NOTSUP) => {
            eprintln!("skipped: no access lists on this file system");
            false
        }
        Err(error) => panic!("{error}"),
    }
}

fn list_of(path: &Path) -> Option<Vec<u8>> {
    let mut value = [0; 1024];
    match rustix::fs::getxattr(path, LIST, &mut value) {
        Ok(n) => Some(value[..n].to_vec()),
        Err(_) => None,
    }
}

fn in_place(path: &Path) -> Document {
    Document::options()
        .scheme(Scheme::InPlace)
        .durability(Durability::Process)
        .open(path)
        .unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_save_gives_no_right_that_the_directory_would_give() {
    let scene = Scene::new();
    let inherited = list(7, (NOBODY, 6), 5, 7, 5);
    if !set_list(scene.dir(), "system.posix_acl_default", &inherited) {
        return;
    }
    let paths = ["d", "t", "j"].map(|name| {
        let path = scene.with(name, "{}\n");
        rustix::fs::removexattr(&path, LIST).unwrap();
        set_mode(&path, 0o640);
        path
    });
    let [document, member, other] = &paths;
    Document::open(document)
        .unwrap()
        .save(b"{\"secret\":1}")
        .unwrap();
    let mut transaction = Transaction::begin(scene.dir()).unwrap();
    transaction.save("t", b"{\"secret\":1}").unwrap();
    transaction.commit().unwrap();
    let handle = journal(other);
    handle.replace([b"{\"secret\":1}"]).unwrap();
    for path in [document, member, other] {
        assert_eq!((list_of(path), mode(path)), (None, 0o640), "{path:?}");
    }
    let rotated = handle.rotate().unwrap();
    for path in [other, &rotated.unwrap()] {
        assert_eq!((list_of(path), mode(path)), (None, 0o640), "{path:?}");
    }
}

/// What lies beside a file that one more user may read, and its group may not.
#[cfg(target_os = "linux")]
#[test]
fn side_files_have_the_access_list_of_theirs() {
    let scene = Scene::new();
    let wanted = list(6, (NOBODY, 4), 0, 4, 0);
    let path = scene.with("j", "{\"a\":1}\n{\"to");
    let document = scene.with("d", "1");
    if !set_list(&path, LIST, &wanted) {
        return;
    }
    set_list(&document, LIST, &wanted);
    let handle = journal(&path);
    handle.append(b"{}").unwrap();
    handle.rotate().unwrap();
    in_place(&document).save(b"2").unwrap();
    let mut seen = 0;
    for name in scene.files().into_keys() {
        assert_eq!(list_of(&scene.path(&name)), Some(wanted.clone()), "{name}");
        assert_eq!(mode(&scene.path(&name)), 0o640, "{name}");
        seen += 1;
    }
    // The journal, rotated, its lock, what was cut and its list; the document and
    // what makes it whole.
    assert_eq!(seen, 7, "{:?}", scene.files().into_keys());
}

/// Checks at every write to a file next to `path` that no user may read it who may not
/// read `path`.
fn no_wider_than(path: &Path) -> impl FnMut(&Call<'_>) + 'static {
    let path = path.to_owned();
    move |call| {
        let Some(beside) = call.path.filter(|_| call.op == Op::Write) else {
            return;
        };
        if let (Ok(seen), Ok(of)) = (fs::metadata(beside), fs::metadata(&path)) {
            let more = seen.mode() & 0o066 & !of.mode();
            assert_eq!(more, 0, "{beside:?} is {:o}", seen.mode());
        }
    }
}

#[test]
fn side_files_follow_the_rights_of_theirs() {
    let scene = Scene::new();
    let (path, document) = (scene.with("j", ""), scene.with("d", "1"));
    let (handle, saved) = (journal(&path), in_place(&document));
    for (wanted, n) in [(0o664, 1), (0o600, 2), (0o644, 3), (0o400, 4), (0o660, 5)] {
        set_mode(&path, wanted);
        set_mode(&document, wanted);
        if wanted == 0o400 && !rustix::process::geteuid().is_root() {
            continue;
        }
        let mut torn = bytes(&path);
        torn.extend(b"{\"secret");
        fs::write(&path, torn).unwrap();
        let work = || {
            handle.append(b"{}").unwrap();
            saved.save(format!("{{\"n\":{n}}}").as_bytes()).unwrap();
        };
        Plan::new().before(no_wider_than(&path)).run(work);
        for beside in [beside(&path, ".torn"), beside(&document, ".redo")] {
            assert_eq!(mode(&beside), wanted, "{beside:?}");
        }
    }
    // Records in place: what is noted of them, too.
    let path = scene.with("k", "{}\n");
    let handle = Journal::options()
        .scheme(Scheme::InPlace)
        .open(&path)
        .unwrap();
    for wanted in [0o644, 0o600, 0o640] {
        set_mode(&path, wanted);
        let work = || {
            handle
                .append_all([b"{\"secret\":1}", b"{\"secret\":2}"])
                .unwrap()
        };
        Plan::new().before(no_wider_than(&path)).run(work);
        assert_eq!(mode(&beside(&path, ".redo")), wanted);
    }
}

/// Whom a file gives no right any more may have opened what lies beside it in the
/// moment before its rights followed.
#[test]
fn who_has_a_side_file_open_is_not_shown_what_came_later() {
    use std::io::Read;
    let scene = Scene::new();
    let (path, document) = (scene.with("j", "{}\n{\"torn"), scene.with("d", "1"));
    let records = scene.with("k", "{}\n");
    let in_place_journal = Journal::options().scheme(Scheme::InPlace);
    let (handle, saved) = (journal(&path), in_place(&document));
    let appended = in_place_journal.open(&records).unwrap();
    handle.append(b"{\"before\":1}").unwrap();
    saved.save(b"{\"before\":1}").unwrap();
    appended.append_all([b"1", b"2"]).unwrap();
    let side_files = [
        beside(&path, ".torn"),
        beside(&document, ".redo"),
        beside(&records, ".redo"),
    ];
    for round in 0..2 {
        for file in [&path, &document, &records] {
            set_mode(file, 0o644);
        }
        let kept = bytes(&side_files[0]);
        for side in &side_files {
            set_mode(side, 0o644);
        }
        let mut open = side_files.clone().map(|side| fs::File::open(side).unwrap());
        for file in [&path, &document, &records] {
            set_mode(file, 0o600);
        }
        fs::write(&path, [&bytes(&path)[..], b"{\"secret"].concat()).unwrap();
        handle.append(b"{}").unwrap();
        saved.save(b"{\"secret\":1}").unwrap();
        saved.save(b"{\"secret\":22}").unwrap();
        let (before, secret) = (saved.load().unwrap().1, b"{\"secret\":333}");
        saved.save_if(Some(before), secret).unwrap();
        appended.append_all([b"\"secret\"", b"\"secret\""]).unwrap();
        for (side, open) in side_files.iter().zip(&mut open) {
            let mut shown = Vec::new();
            open.read_to_end(&mut shown).unwrap();
            let shown = String::from_utf8_lossy(&shown);
            let before = shown.matches("secret").count();
            // What was cut in the first round was readable in the second.
            let least = usize::from(round == 1 && *side == side_files[0]);
            assert_eq!(before, least, "{side:?}: {shown}");
            assert_eq!(mode(side), 0o600, "{side:?}");
        }
        assert!(bytes(&side_files[0]).starts_with(&kept), "nothing is lost");
        assert_eq!(saved.load().unwrap().0, b"{\"secret\":333}");
    }
    let names: Vec<_> = scene.files().into_keys().collect();
    assert_eq!(names.len(), 7, "{names:?}");
}

/// Both headers are noted in the lock file, and all that is appended is in the
/// manifest.
#[test]
fn what_is_noted_of_a_private_file_is_private() {
    let scene = Scene::new();
    let path = scene.path("j");
    let options = Journal::options().header_prefix("{\"h\"");
    let handle = options.open(&path).unwrap();
    handle.set_header(b"{\"h\":\"a\"}").unwrap();
    handle.append_all([b"1", b"2"]).unwrap();
    scene.with("d", "1");
    set_mode(&path, 0o644);
    set_mode(&beside(&path, ".lock"), 0o644);
    set_mode(&path, 0o600);
    let dir = scene.dir().to_owned();
    let look = move |_: &Call<'_>| {
        for entry in fs::read_dir(&dir).unwrap().flatten() {
            let Ok(noted) = fs::read(entry.path()) else {
                continue;
            };
            if String::from_utf8_lossy(&noted).contains("secret") {
                assert_eq!(mode(&entry.path()) & 0o077, 0, "{:?}", entry.path());
            }
        }
    };
    let work = || handle.set_header(b"{\"h\":\"secret\"}");
    Plan::new().before(look.clone()).run(work).0.unwrap();
    let work = || {
        let mut transaction = Transaction::begin(scene.dir()).unwrap();
        transaction.append("j", ["\"secret\""]).unwrap();
        transaction.save("d", b"2").unwrap();
        transaction.commit()
    };
    Plan::new().before(look.clone()).run(work).0.unwrap();
    let work = || {
        let mut transaction = Transaction::begin(scene.dir()).unwrap();
        transaction.append("j", ["\"secret\""]).unwrap();
        transaction.commit()
    };
    Plan::new().before(look).run(work).0.unwrap();
}

#[test]
fn a_lock_file_has_the_mode_that_its_file_will_have() {
    let scene = Scene::new();
    let wanted = 0o664;
    for scheme in [Scheme::Sidecar, Scheme::PidFile, Scheme::InPlace] {
        let end = match scheme {
            Scheme::Sidecar => ".lock",
            Scheme::PidFile => ".lock.guard",
            _ => ".redo",
        };
        let path = scene.path(&format!("j{}", scheme.as_str()));
        let options = Journal::options().scheme(scheme).mode(Some(wanted));
        options
            .open(&path)
            .unwrap()
            .append_all([b"{}", b"[]"])
            .unwrap();
        assert_eq!(mode(&path), wanted, "{scheme:?}");
        assert_eq!(mode(&beside(&path, end)), wanted, "{scheme:?}");
        let path = scene.path(&format!("d{}", scheme.as_str()));
        let options = Document::options().scheme(scheme).mode(Some(wanted));
        options.open(&path).unwrap().save(b"{}").unwrap();
        assert_eq!(mode(&path), wanted, "{scheme:?}");
        assert_eq!(mode(&beside(&path, end)), wanted, "{scheme:?}");
    }
}

/// A process that finds a lock file finds it with all its rights: it may keep it open.
#[test]
fn a_lock_file_is_there_at_once() {
    let scene = Scene::new();
    let root = rustix::process::geteuid().is_root();
    for name in ["a", "b"] {
        let path = scene.with(name, "{}\n");
        set_mode(&path, 0o666);
        if root {
            chown(&path, Some(12), Some(34)).unwrap();
        }
        let (lock, of) = (beside(&path, ".lock"), path.clone());
        let look = move |_: &Call<'_>| {
            if let Ok(seen) = fs::metadata(&lock) {
                let of = fs::metadata(&of).unwrap();
                let rights = |of: &fs::Metadata| (of.uid(), of.gid(), of.mode());
                assert_eq!(rights(&seen), rights(&of));
            }
        };
        let (made, calls) = Plan::new()
            .before(look.clone())
            .run(|| FileLock::acquire(&path));
        drop(made.unwrap());
        if name == "b" {
            continue;
        }
        // Whatever fails: it is there so, or not at all, and nothing else is.
        for at in 0..calls.len() {
            let path = scene.with("c", "{}\n");
            set_mode(&path, 0o666);
            let _ = fs::remove_file(beside(&path, ".lock"));
            let (made, _) = Plan::new()
                .fail(at, libc::EIO)
                .run(|| FileLock::acquire(&path));
            drop(made);
            if beside(&path, ".lock").exists() {
                assert_eq!(mode(&beside(&path, ".lock")), 0o666, "call {at}");
            }
        }
    }
}

/// A handle that could only read the lock file writes to it when it may.
#[cfg(target_os = "linux")]
#[test]
fn rights_that_come_later_count() {
    if !is_root() {
        return;
    }
    let scene = Scene::new();
    set_mode(scene.dir(), 0o777);
    for scheme in [Scheme::Sidecar, Scheme::InPlace] {
        let path = scene.with("j", "");
        let lock = match scheme {
            Scheme::InPlace => path.clone(),
            _ => scene.with("j.lock", ""),
        };
        for file in [&path, &lock] {
            chown(file, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        set_mode(&lock, 0o400);
        as_user(NOBODY, &[], || {
            let journal = Journal::options().scheme(scheme).open(&path).unwrap();
            let mut batch = journal.batch();
            batch.push(b"{}").unwrap();
            batch.push(b"[]").unwrap();
            // So that the same descriptor stays in use.
            let guard = FileLock::options().scheme(scheme).acquire(&path).unwrap();
            let under = untorn::CallOptions::new().lock(&guard);
            let error = journal.append_batch(&batch, None, &under).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{scheme:?}");
            set_mode(&lock, 0o600);
            journal.append_batch(&batch, None, &under).unwrap();
            drop(guard);
            journal.append_all([b"{}", b"[]"]).unwrap();
        });
        assert_eq!(bytes(&path), b"{}\n[]\n{}\n[]\n");
        fs::remove_file(&path).unwrap();
    }
}

/// `P.redo` follows with the next save; until then its length tells enough.
#[test]
fn who_may_read_a_document_now_can_load_it_at_once() {
    if !is_root() {
        return;
    }
    let scene = Scene::new();
    set_mode(scene.dir(), 0o755);
    let path = scene.with("d", "{\"v\":1}");
    set_mode(&path, 0o600);
    let owners = in_place(&path);
    owners.save(b"{\"v\":2}").unwrap();
    set_mode(&path, 0o644);
    assert_eq!(mode(&beside(&path, ".redo")), 0o600);
    as_user(NOBODY, &[], || {
        assert_eq!(in_place(&path).load().unwrap().0, b"{\"v\":2}");
    });
    // An unfinished file is no value for any reader.
    set_mode(&path, 0o600);
    let redo = beside(&path, ".redo");
    let save = || owners.save(b"{\"v\":3,\"longer\":true}");
    let (mut writes, of) = (0, path.clone());
    let dies = Plan::new().judge(move |call| {
        writes += usize::from(call.op == Op::Write && call.path == Some(&of));
        match writes < 2 {
            true => Verdict::Go,
            false => Verdict::Fail(libc::EIO),
        }
    });
    dies.run(save).0.unwrap_err();
    assert!(fs::metadata(&redo).unwrap().len() > 64);
    set_mode(&path, 0o644);
    set_mode(&redo, 0o600);
    as_user(NOBODY, &[], || {
        let error = in_place(&path).load().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    });
}

#[test]
fn a_lock_file_that_more_may_write_than_its_file_is_narrowed() {
    let scene = Scene::new();
    let path = scene.with("j", "{}\n");
    scene.with("j.lock", "");
    set_mode(&beside(&path, ".lock"), 0o666);
    set_mode(&path, 0o640);
    journal(&path).append_all([b"{}", b"[]"]).unwrap();
    assert_eq!(mode(&beside(&path, ".lock")), 0o644);
}

#[test]
fn a_mode_is_permission_bits() {
    let scene = Scene::new();
    let path = scene.path("x");
    for mode in [0o1000, 0o4755, 0o107_777, u32::MAX] {
        let mode = Some(mode);
        let refused = [
            Journal::options().mode(mode).open(&path).unwrap_err(),
            Document::options().mode(mode).open(&path).unwrap_err(),
            Transaction::options()
                .mode(mode)
                .begin(scene.dir())
                .unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        }
    }
    assert!(scene.files().is_empty(), "nothing is made");
}

#[cfg(target_os = "linux")]
#[test]
fn set_id_rights_and_capabilities_stay_where_they_are() {
    const GROUP: u32 = 4242;
    if !is_root() {
        return;
    }
    let scene = Scene::new();
    chown(scene.dir(), None, Some(GROUP)).unwrap();
    set_mode(scene.dir(), 0o775);
    let path = scene.with("tool", "old");
    let capability = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let give = |owner, mode| {
        chown(&path, Some(owner), Some(GROUP)).unwrap();
        set_mode(&path, mode);
        rustix::fs::setxattr(
            &path,
            "security.capability",
            &capability,
            rustix::fs::XattrFlags::empty(),
        )
    };
    let capable = give(0, 0o6755).is_ok();
    let save = || {
        Document::open(&path).unwrap().save(b"new").unwrap();
    };
    save();
    assert_eq!(mode(&path), 0o6755, "of the same owner");
    let mut value = [0; 64];
    let kept = rustix::fs::getxattr(&path, "security.capability", &mut value);
    assert!(kept.is_err(), "a capability is the old content's");
    assert!(capable, "this file system keeps capabilities");
    for before in [0o4755, 0o6775, 0o2755] {
        let _ = give(0, before);
        as_user(1234, &[GROUP], save);
        let seen = fs::metadata(&path).unwrap();
        assert_eq!((seen.uid(), seen.gid()), (1234, GROUP));
        assert_eq!(mode(&path), before & 0o777, "{before:o}, of another owner");
    }
}

/// A group that the saver is not in, and a list that means that group.
#[cfg(target_os = "linux")]
#[test]
fn a_groups_rights_go_to_no_other_group() {
    if !is_root() {
        return;
    }
    let scene = Scene::new();
    set_mode(scene.dir(), 0o777);
    for listed in [false, true] {
        let path = scene.with("d", "1");
        chown(&path, Some(0), Some(4242)).unwrap();
        set_mode(&path, 0o664);
        if listed && !set_list(&path, LIST, &list(6, (NOBODY, 6), 6, 6, 4)) {
            continue;
        }
        as_user(1234, &[1234], || {
            Document::open(&path).unwrap().save(b"2").unwrap();
        });
        let seen = fs::metadata(&path).unwrap();
        assert_eq!((seen.uid(), seen.gid()), (1234, 1234));
        match list_of(&path) {
            None => assert_eq!(mode(&path), 0o644),
            // The new group has what others have; the one more user what he had.
            Some(now) => assert_eq!(now, list(6, (NOBODY, 6), 4, 6, 4)),
        }
        fs::remove_file(beside(&path, ".lock")).unwrap();
    }
}

/// FUSE and bind mounts, sandboxes.
#[test]
fn where_no_mode_can_be_set() {
    let scene = Scene::new();
    let refused = || Plan::new().fail_every(Op::SetAttributes, libc::EPERM);
    // Usual rights need not be set.
    let usual = mode(&scene.with("usual", ""));
    let document = Document::open(scene.with("d", "1")).unwrap();
    refused().run(|| document.save(b"2")).0.unwrap();
    assert_eq!(
        (mode(document.path()), bytes(document.path())),
        (usual, b"2".to_vec())
    );
    let path = scene.with("j", "{\"a\":1}\n{\"to");
    let handle = journal(&path);
    refused().run(|| handle.append(b"{}")).0.unwrap();
    refused().run(|| handle.compact(|_| Ok(()))).0.unwrap();
    assert_eq!((mode(&path), bytes(&path)), (usual, Vec::new()));
    let mut transaction = Transaction::begin(scene.dir()).unwrap();
    transaction.save("d", b"3").unwrap();
    refused().run(|| transaction.commit()).0.unwrap();
    // Others must; if they can't be, nothing has happened.
    for path in ["d", "j"] {
        set_mode(&scene.path(path), 0o666);
    }
    let before = scene.files();
    refused().run(|| document.save(b"4")).0.unwrap_err();
    refused().run(|| handle.compact(|_| Ok(()))).0.unwrap_err();
    let new = Document::options()
        .mode(Some(0o666))
        .open(scene.path("n"))
        .unwrap();
    refused().run(|| new.save(b"1")).0.unwrap_err();
    let new = Journal::options()
        .mode(Some(0o666))
        .open(scene.path("m"))
        .unwrap();
    refused().run(|| new.append(b"1")).0.unwrap_err();
    let mut transaction = Transaction::begin(scene.dir()).unwrap();
    transaction.save("d", b"4").unwrap();
    refused().run(|| transaction.commit()).0.unwrap_err();
    let after = scene.files();
    let same = |files: &std::collections::BTreeMap<String, Vec<u8>>| {
        let content = |(name, _): &(&String, &Vec<u8>)| !name.ends_with(".lock");
        let all = files.iter().filter(content);
        all.map(|(name, bytes)| (name.clone(), bytes.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(same(&after), same(&before));
}

#[test]
fn a_mount_point_is_named_as_one() {
    let scene = Scene::new();
    let document = Document::open(scene.with("d", "1")).unwrap();
    let busy = Plan::new().fail_every(Op::Rename, libc::EBUSY);
    let error = busy.run(|| document.save(b"2")).0.unwrap_err();
    assert!(error.to_string().contains("in-place"), "{error}");
    assert_eq!(bytes(document.path()), b"1");
}
