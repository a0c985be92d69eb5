//! What others can do by the names beside a file, in a directory that they may
//! write: symbolic links, FIFOs and files of their own. `docs/security.md` says
//! what is promised.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use crate::scene;
use crate::scene::{Scene, bytes, journal};
use untorn::fault::{Call, Op, Plan};
use untorn::{Document, ErrorKind, FileLock, Journal, Transaction};

/// A user who is neither we nor root.
const STRANGER: u32 = 65_534;

/// Whether this test can make files of others; it says so if not.
fn can_plant() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: only root can make a file of another user");
    }
    root
}

/// A directory in which everybody may make files, as /tmp is or is not sticky.
fn shared(scene: &Scene, mode: u32) {
    fs::set_permissions(scene.dir(), fs::Permissions::from_mode(mode)).unwrap();
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// A file of a stranger, whom its mode does not keep from writing it.
fn plant(path: &Path, content: &[u8]) {
    fs::write(path, content).unwrap();
    chown(path, Some(STRANGER), Some(STRANGER)).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
}

fn fifo(path: &Path) {
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o666),
        0,
    )
    .unwrap();
}

/// What a lock file holds of a journal, as `docs/protocol.md` says it.
mod forged {
    use std::path::Path;

    pub fn sealed(mut block: Vec<u8>) -> Vec<u8> {
        assert_eq!(block.len(), 60);
        block.extend(crc32c::crc32c(&block).to_le_bytes());
        block
    }

    pub fn idle() -> Vec<u8> {
        let mut block = b"untorn1\n".to_vec();
        block.resize(60, 0);
        sealed(block)
    }

    fn head(kind: u32, checksum: u32) -> Vec<u8> {
        let mut block = b"pending\n".to_vec();
        block.extend(kind.to_le_bytes());
        block.extend(checksum.to_le_bytes());
        block
    }

    /// All that the file holds is a part of an append.
    pub fn append(journal: &Path) -> Vec<u8> {
        let mut block = head(1, 0);
        block.extend(crate::scene::identity(journal));
        block.extend(0_u64.to_le_bytes());
        block.extend(1_000_000_u64.to_le_bytes());
        block.resize(60, 0);
        [idle(), sealed(block)].concat()
    }

    /// Its first bytes are a header, and another one is being put there.
    pub fn stamp(journal: &Path, line: u32, old: &[u8], new: &[u8]) -> Vec<u8> {
        let mut block = head(2, 0);
        block.extend(crate::scene::identity(journal));
        block.extend([0; 16]);
        block.extend(line.to_le_bytes());
        let mut text = Vec::new();
        for part in [old, new] {
            text.extend(u32::try_from(part.len()).unwrap().to_le_bytes());
        }
        text.extend(old);
        text.extend(new);
        text.extend(crc32c::crc32c(&text).to_le_bytes());
        [idle(), sealed(block), text].concat()
    }

    /// In `P.redo`: these bytes are being replaced by those.
    pub fn overwrite(old: &[u8], new: &[u8]) -> Vec<u8> {
        let both = [old, new].concat();
        let mut block = head(6, crc32c::crc32c(&both));
        for number in [0, old.len() as u64, new.len() as u64, 0, 1] {
            block.extend(number.to_le_bytes());
        }
        block.resize(60, 0);
        [idle(), sealed(block), both].concat()
    }

    pub fn manifest(changes: &serde_json::Value, appended: &[u8]) -> Vec<u8> {
        let head = serde_json::json!({
            "id": "0123456789abcdef0123456789abcdef",
            "durability": "process",
            "changes": changes,
        });
        let body = [head.to_string().as_bytes(), b"\n", appended].concat();
        let first = format!(
            "untorn transaction 1 {:08x} {}\n",
            crc32c::crc32c(&body),
            body.len()
        );
        [first.as_bytes(), &body].concat()
    }
}

/// A member of a manifest that appends to whatever file this path leads to.
fn appends(name: &str, to: &Path, length: usize) -> serde_json::Value {
    let seen = scene::identity(to);
    let number = |at: usize| u64::from_le_bytes(seen[at..at + 8].try_into().unwrap());
    serde_json::json!({
        "name": name, "change": "append", "device": number(0), "inode": number(8),
        "birth": number(16), "start": bytes(to).len(), "length": length,
    })
}

#[cfg(target_os = "linux")]
#[test]
fn a_manifest_leads_nowhere_through_a_link() {
    let (scene, elsewhere) = (Scene::new(), Scene::new());
    let victim = elsewhere.with("crontab", "# crontab\n");
    symlink(&victim, scene.path("x.jsonl")).unwrap();
    let evil = b"* * * * * root evil\n";
    let changes = serde_json::json!([appends("x.jsonl", &victim, evil.len())]);
    for (name, before) in [(".untorn.txn", &b"# crontab\n"[..]), (".untorn.prep", &[])] {
        // Appended by one who finishes, cut by one who undoes.
        let mut there = before.to_vec();
        there.extend(if name == ".untorn.prep" {
            &evil[..]
        } else {
            &[]
        });
        fs::write(&victim, &there).unwrap();
        scene.with(name, forged::manifest(&changes, evil));
        drop(Transaction::begin(scene.dir()).unwrap());
        assert_eq!(bytes(&victim), there, "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_strangers_manifest_is_not_believed() {
    if !can_plant() {
        return;
    }
    for mode in [0o777, 0o1777] {
        let scene = Scene::new();
        shared(&scene, mode);
        let path = scene.with("x.jsonl", "{}\n");
        let evil = b"{\"evil\":1}\n";
        let changes = serde_json::json!([appends("x.jsonl", &path, evil.len())]);
        plant(
            &scene.path(".untorn.txn"),
            &forged::manifest(&changes, evil),
        );
        journal(&path).append(b"{\"n\":1}").unwrap();
        assert_eq!(bytes(&path), b"{}\n{\"n\":1}\n", "{mode:o}");
        // That of the file's owner is: he may write it anyway.
        chown(&path, Some(STRANGER), None).unwrap();
        let changes = serde_json::json!([appends("x.jsonl", &path, evil.len())]);
        plant(
            &scene.path(".untorn.txn"),
            &forged::manifest(&changes, evil),
        );
        fs::set_permissions(scene.path(".untorn.txn"), fs::Permissions::from_mode(0o644)).unwrap();
        journal(&path).append(b"{\"n\":2}").unwrap();
        let all = b"{}\n{\"n\":1}\n{\"evil\":1}\n{\"n\":2}\n";
        assert_eq!(bytes(&path), all, "{mode:o}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_strangers_lock_file_is_locked_and_no_more() {
    if !can_plant() {
        return;
    }
    for mode in [0o777, 0o1777] {
        let scene = Scene::new();
        shared(&scene, mode);
        let path = scene.path("j.jsonl");
        let lock = beside(&path, ".lock");
        plant(&lock, b"");
        let used = journal(&path);
        used.append(b"{\"role\":\"user\"}").unwrap();
        let before = bytes(&path);
        let evil = br#"{"role":"root"}"#;
        let line = u32::try_from(before.len()).unwrap();
        for record in [
            forged::stamp(&path, line, &before[..before.len() - 1], evil),
            forged::stamp(&path, u32::MAX, b"{}", b"[]"),
            forged::append(&path),
        ] {
            plant(&lock, &record);
            plant(&beside(&path, ".torn"), b"");
            // A handle from before, and one that comes later.
            for handle in [&used, &journal(&path)] {
                let there = bytes(&path);
                handle.append(b"{}").unwrap();
                assert_eq!(bytes(&path), [&there[..], b"{}\n"].concat());
                let error = handle.append_all([b"{}", b"[]"]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
                assert!(error.to_string().contains("remove it"), "{error}");
                drop(FileLock::options().shared(true).acquire(&path).unwrap());
            }
            assert_eq!(bytes(&lock), record, "nothing is written to it");
            assert_eq!(bytes(&beside(&path, ".torn")), b"");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_strangers_redo_is_not_believed() {
    if !can_plant() {
        return;
    }
    let scene = Scene::new();
    shared(&scene, 0o1777);
    let path = scene.with("d.json", r#"{"v":1}"#);
    let document = Document::options()
        .scheme(untorn::Scheme::InPlace)
        .open(&path)
        .unwrap();
    let evil = br#"{"v":6}"#;
    for (old, new) in [(&evil[..], &br#"{"v":1 "#[..]), (br#"["v":1}"#, evil)] {
        let record = forged::overwrite(old, new);
        plant(&beside(&path, ".redo"), &record);
        assert_eq!(document.load().unwrap().0, br#"{"v":1}"#);
        let error = document.update(|now| {
            assert_eq!(now, Some(&br#"{"v":1}"#[..]));
            Ok(br#"{"secret":1}"#.to_vec())
        });
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert_eq!(bytes(&path), br#"{"v":1}"#);
        assert_eq!(bytes(&beside(&path, ".redo")), record);
    }
}

#[test]
fn what_is_cut_goes_through_no_link() {
    let (scene, elsewhere) = (Scene::new(), Scene::new());
    let victim = elsewhere.with("victim", "no newline at the end");
    fifo(&elsewhere.path("fifo"));
    for target in [&victim, &elsewhere.path("nothing"), Path::new("/dev/null")] {
        let path = scene.with("j.jsonl", "{\"a\":1}\n{\"to");
        let torn = beside(&path, ".torn");
        symlink(target, &torn).unwrap();
        let error = journal(&path).append(b"{}").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert_eq!(bytes(&path), b"{\"a\":1}\n{\"to", "nothing was cut");
        fs::remove_file(&torn).unwrap();
    }
    assert_eq!(bytes(&victim), b"no newline at the end");
    assert!(!elsewhere.path("nothing").exists());
    let path = scene.with("j.jsonl", "{\"a\":1}\n{\"to");
    fifo(&beside(&path, ".torn"));
    let error = journal(&path).append(b"{}").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
}

#[test]
fn a_users_own_file_of_that_name_is_kept() {
    let scene = Scene::new();
    for own in [
        "my own notes",
        "{\"time\":\"of my life\"",
        "{\"time\":\"2026-01-01T00:00:00Z\",\"offset\":1,\"length\":2,\"nuls\":0}, or so",
        "[1]\n[2]",
    ] {
        let path = scene.with("j.jsonl", "{\"a\":1}\n{\"to");
        let torn = scene.with("j.jsonl.torn", own);
        journal(&path).append(b"{}").unwrap();
        let kept = bytes(&torn);
        assert!(kept.starts_with([own.as_bytes(), b"\n{\"time\":"].concat().as_slice()));
        assert!(kept.ends_with(b"\n{\"to\n"));
    }
    // But an entry that was never finished is taken for what it is.
    for unfinished in [
        "{\"ti",
        "{\"time\":\"2026-01-01T00:00:00Z\",\"offset\":1,\"len",
    ] {
        let path = scene.with("j.jsonl", "{\"a\":1}\n{\"to");
        scene.with("j.jsonl.torn", unfinished);
        journal(&path).append(b"{}").unwrap();
        assert_eq!(scene::torn(&path), [(8, b"{\"to".to_vec())]);
    }
}

#[test]
fn a_strangers_torn_is_given_nothing() {
    if !can_plant() {
        return;
    }
    let scene = Scene::new();
    shared(&scene, 0o1777);
    let path = scene.with("j.jsonl", "{\"a\":1}\n{\"secret");
    plant(&beside(&path, ".torn"), b"");
    let error = journal(&path).append(b"{}").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert_eq!(bytes(&beside(&path, ".torn")), b"");
    assert_eq!(bytes(&path), b"{\"a\":1}\n{\"secret");
}

/// A handle whose file was swapped for a link, a FIFO or a directory.
#[test]
fn what_takes_a_files_place_is_not_opened() {
    let elsewhere = Scene::new();
    let victim = elsewhere.with("victim", "{\"theirs\":1}\n");
    for what in ["link", "fifo", "directory"] {
        let scene = Scene::new();
        let (one, two) = (scene.path("j.jsonl"), scene.path("d.json"));
        let used = Journal::open(&one).unwrap();
        used.append(b"{\"ours\":1}").unwrap();
        let document = Document::open(&two).unwrap();
        document.save(b"{}").unwrap();
        for path in [&one, &two] {
            fs::remove_file(path).unwrap();
            match what {
                "link" => symlink(&victim, path).unwrap(),
                "fifo" => fifo(path),
                _ => fs::create_dir(path).unwrap(),
            }
        }
        used.append(b"{}").expect_err(what);
        used.append_all([b"{}", b"[]"]).expect_err(what);
        used.set_header(b"{}").expect_err(what);
        used.compact(|_| Ok(())).expect_err(what);
        used.repair().expect_err(what);
        used.records()
            .and_then(|mut all| all.next().transpose())
            .expect_err(what);
        document.load().expect_err(what);
        document.update(|_| Ok(Vec::new())).expect_err(what);
        assert_eq!(bytes(&victim), b"{\"theirs\":1}\n", "{what}");
    }
    assert_eq!(fs::metadata(&victim).unwrap().nlink(), 1);
}

/// A user who may write in a store puts links in the place of files that are being
/// removed.
#[test]
fn removals_follow_no_link_that_comes_meanwhile() {
    for (swapped, verb) in [
        ("", "remove"),
        ("media", "remove"),
        ("", "keys"),
        ("media", "keys"),
    ] {
        for at in 0.. {
            let (scene, elsewhere) = (Scene::quick(), Scene::quick());
            let names = ["one", "two.lock", "three"];
            for name in names {
                elsewhere.with(name, "precious");
            }
            let store = untorn::Store::open(scene.dir()).unwrap();
            store.session("k").unwrap().media("a").unwrap();
            let gone = scene.path(".untorn.gone.k");
            for dir in ["k", "k/media"] {
                scene.with(&format!("{dir}/of ours"), "");
            }
            if verb == "keys" {
                fs::rename(scene.path("k"), &gone).unwrap();
            }
            let (victim, aside) = (elsewhere.dir().to_owned(), scene.path("aside"));
            let place = if swapped.is_empty() {
                gone
            } else {
                gone.join(swapped)
            };
            let swap = move |call: &Call<'_>| {
                if call.number == at && fs::rename(&place, &aside).is_ok() {
                    symlink(&victim, &place).unwrap();
                }
            };
            let (_, calls) = Plan::new().before(swap).run(|| match verb {
                "remove" => store.remove("k").map(drop),
                _ => store.keys().map(drop),
            });
            assert_eq!(elsewhere.files().len(), names.len(), "{verb}, call {at}");
            if at >= calls.len() {
                break;
            }
        }
    }
}

#[test]
fn a_listing_removes_nothing_of_a_stranger() {
    if !can_plant() {
        return;
    }
    let scene = Scene::new();
    shared(&scene, 0o1777);
    let store = untorn::Store::open(scene.dir()).unwrap();
    for (name, owner) in [(".untorn.gone.a", STRANGER), (".untorn.gone.b", 0)] {
        fs::create_dir(scene.path(name)).unwrap();
        chown(scene.path(name), Some(owner), None).unwrap();
    }
    let left = format!(".untorn.{:032x}.0", 1);
    plant(&scene.path(&left), b"");
    store.keys().unwrap();
    drop(Transaction::begin(scene.dir()).unwrap());
    assert!(scene.path(".untorn.gone.a").exists());
    assert!(!scene.path(".untorn.gone.b").exists());
    assert!(scene.path(&left).exists());
}

/// Whatever is opened by its name, in whatever verb: a symbolic link that comes
/// just before leads nowhere.
#[test]
fn nothing_is_opened_through_a_link() {
    type Verb = fn(&Scene, &Journal, &Document, &Document) -> untorn::Result<()>;
    let verbs: [(&str, Verb); 15] = [
        ("append", |_, j, _, _| j.append(b"{}").map(drop)),
        ("append_all", |_, j, _, _| {
            j.append_all([b"{}", b"[]"]).map(drop)
        }),
        ("header", |_, j, _, _| j.set_header(b"{\"h\":2}")),
        ("replace", |_, j, _, _| j.replace([b"{}"]).map(drop)),
        ("rotate", |_, j, _, _| j.rotate().map(drop)),
        ("clear", |_, j, _, _| j.clear().map(drop)),
        ("repair", |_, j, _, _| j.repair().map(drop)),
        ("read", |_, j, _, _| j.records().map(drop)),
        ("tail", |_, j, _, _| j.tail(1).map(drop)),
        ("save", |_, _, d, _| d.save(b"2").map(drop)),
        ("load", |_, _, d, _| d.load().map(drop)),
        ("in place", |_, _, _, d| d.save(b"2").map(drop)),
        ("load in place", |_, _, _, d| d.load().map(drop)),
        ("lock", |scene, _, _, _| {
            FileLock::acquire(scene.path("d")).map(drop)
        }),
        ("transaction", |scene, _, _, _| {
            let mut transaction = Transaction::begin(scene.dir())?;
            transaction.save("d", b"3")?;
            transaction.append("j", [b"{}"])?;
            transaction.commit()
        }),
    ];
    for (name, verb) in verbs {
        for fresh in [false, true] {
            for at in 0.. {
                let (scene, elsewhere) = (Scene::quick(), Scene::quick());
                let victim = elsewhere.with("victim", "{\"theirs\":1}\n");
                let path = scene.with("j", "{\"h\":1}   \n{\"a\":1}\n{\"to");
                let open = || {
                    let options = Journal::options().durability(untorn::Durability::Process);
                    options.header_prefix("{\"h").open(&path).unwrap()
                };
                let journal = open();
                let document = Document::open(scene.with("d", "1")).unwrap();
                let options = Document::options().scheme(untorn::Scheme::InPlace);
                let in_place = options.open(scene.with("i", "1")).unwrap();
                if !fresh {
                    // A torn tail is left for the verb.
                    let _ = journal.end();
                    document.save(b"1").unwrap();
                    in_place.save(b"1 ").unwrap();
                }
                let leads_to = victim.clone();
                let plant = move |call: &Call<'_>| {
                    let opens = matches!(call.op, Op::Open | Op::Create);
                    if let (true, true, Some(path)) = (call.number == at, opens, call.path) {
                        let _ = fs::remove_file(path);
                        symlink(&leads_to, path).unwrap();
                    }
                };
                let work = || verb(&scene, &journal, &document, &in_place);
                let (_, calls) = Plan::new().before(plant).run(work);
                let seen = fs::metadata(&victim).unwrap();
                let there = (bytes(&victim), seen.nlink(), seen.mode() & 0o777);
                let mode = fs::metadata(elsewhere.with("other", "")).unwrap().mode();
                let before = (b"{\"theirs\":1}\n".to_vec(), 1, mode & 0o777);
                assert_eq!(there, before, "{name}, call {at}");
                if at >= calls.len() {
                    break;
                }
            }
        }
    }
}
