//! The process dies before each of its system calls in turn, and in the middle
//! of each write; whoever comes next finds the file as the guarantees say.

mod scene;

use scene::death::each_death;
use scene::{Scene, bytes, records, torn};
use untorn::fault::{Op, Plan};
use untorn::{Document, Durability, FileLock, Journal};

const OLD: &[u8] = b"{\"n\":0}\n{\"n\":1}\n";

fn many() -> Vec<String> {
    (0..50).map(|n| format!("{{\"batch\":{n}}}")).collect()
}

#[test]
fn many_records_are_there_whole_or_not_at_all() {
    each_death(
        |scene| drop(scene.with("j", OLD)),
        |scene| {
            let journal = Journal::options()
                .durability(Durability::Process)
                .open(scene.path("j"))?;
            journal.append_all(many()).map(drop)
        },
        |scene, what| {
            let path = scene.path("j");
            Journal::open(&path).unwrap().append(b"{\"n\":2}").unwrap();
            let read = records(&path);
            assert!(
                [3, 53].contains(&read.len()),
                "{what}: {} records",
                read.len()
            );
            // What was cut was kept.
            for (offset, cut) in torn(&path) {
                assert_eq!(offset, OLD.len() as u64, "{what}");
                assert!(!cut.is_empty(), "{what}");
            }
            assert!(
                scene.files()["j.lock"].len() <= 64,
                "{what}: something is pending still"
            );
        },
    );
}

#[test]
fn any_locker_settles_what_is_pending() {
    // Not only an append: also a plain lock, and a repair.
    let lockers: [fn(&std::path::Path); 3] = [
        |path| drop(FileLock::acquire(path).unwrap()),
        |path| drop(FileLock::options().shared(true).acquire(path).unwrap()),
        |path| drop(Journal::open(path).unwrap().repair().unwrap()),
    ];
    for locker in lockers {
        let scene = Scene::new();
        let path = scene.with("j", OLD);
        let work = || Journal::open(&path).unwrap().append_all(many());
        work().unwrap();
        let (_, calls) = Plan::new().run(work);
        let write = calls.iter().rposition(|op| *op == Op::Write).unwrap();
        std::fs::write(&path, OLD).unwrap();
        let (result, _) = Plan::new().short(write, 100).die(write + 1).run(work);
        result.unwrap_err();
        assert!(bytes(&path).len() > OLD.len(), "a part is there");
        assert_eq!(scene.files()["j.lock"].len(), 128, "and it is noted");
        locker(&path);
        assert_eq!(bytes(&path), OLD);
        assert_eq!(torn(&path).len(), 1);
    }
}

#[test]
fn a_foreign_append_after_a_dead_one_is_not_cut() {
    let scene = Scene::new();
    let path = scene.with("j", OLD);
    let work = || Journal::open(&path).unwrap().append_all(many());
    work().unwrap();
    let (_, calls) = Plan::new().run(work);
    let write = calls.iter().rposition(|op| *op == Op::Write).unwrap();
    std::fs::write(&path, OLD).unwrap();
    let (result, _) = Plan::new().short(write, 100).die(write + 1).run(work);
    result.unwrap_err();
    let foreign = format!("{{\"foreign\":\"{}\"}}\n", "x".repeat(2000));
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    std::io::Write::write_all(&mut file, foreign.as_bytes()).unwrap();
    Journal::open(&path).unwrap().append(b"{\"n\":2}").unwrap();
    let after = bytes(&path);
    let kept: Vec<u8> = torn(&path).into_iter().flat_map(|(_, cut)| cut).collect();
    let whole = [&after[..], &kept].concat();
    assert!(
        whole
            .windows(foreign.len())
            .any(|window| window == foreign.as_bytes())
    );
}

#[test]
fn a_lock_file_of_another_program_is_not_written_to() {
    // `FileLock("poetry")` locks poetry.lock, which is somebody's data.
    let scene = Scene::new();
    let data = "# not a lock\n".repeat(50);
    scene.with("poetry.lock", &data);
    let path = scene.path("poetry");
    drop(FileLock::acquire(&path).unwrap());
    let journal = Journal::open(&path).unwrap();
    journal.append(b"[1]").unwrap();
    let error = journal.append_all(["[2]", "[3]"]).unwrap_err();
    assert_eq!(error.kind(), untorn::ErrorKind::Corrupt, "{error}");
    assert_eq!(bytes(&path), b"[1]\n");
    assert_eq!(bytes(&scene.path("poetry.lock")), data.as_bytes());
}

#[test]
fn a_document_is_its_old_value_or_its_new_one() {
    for old in [None, Some(&b"{\"old\":true}"[..])] {
        each_death(
            |scene| {
                if let Some(old) = old {
                    scene.with("d", old);
                }
            },
            |scene| {
                Document::open(scene.path("d"))?
                    .save(b"{\"new\":true}")
                    .map(drop)
            },
            |scene, what| {
                let now = scene.files().get("d").cloned();
                let new = Some(b"{\"new\":true}".to_vec());
                assert!(
                    now == old.map(<[u8]>::to_vec) || now == new,
                    "{what}: {now:?}"
                );
            },
        );
    }
}

#[test]
fn a_torn_tail_cut_at_every_byte() {
    let last = "{\"text\":\"h\u{e9}llo \\u2028 \u{1f980}\",\"n\":[1,2.5e3,null,true]}";
    for nuls in [0, 1, 4096] {
        for cut in 0..=last.len() {
            let scene = Scene::new();
            let tail = [&last.as_bytes()[..cut], &vec![0; nuls]].concat();
            let path = scene.with("j", [OLD, &tail].concat());
            Journal::open(&path).unwrap().append(b"{\"n\":2}").unwrap();
            let whole = cut == last.len();
            let expected = if whole {
                format!("{last}\n")
            } else {
                String::new()
            };
            assert_eq!(
                bytes(&path),
                [OLD, expected.as_bytes(), b"{\"n\":2}\n"].concat(),
                "cut at {cut}, {nuls} NULs"
            );
            let kept = torn(&path);
            let gone = if whole { &tail[cut..] } else { &tail[..] };
            if gone.is_empty() {
                assert!(kept.is_empty());
            } else {
                let offset = OLD.len() + if whole { cut } else { 0 };
                assert_eq!(kept, [(offset as u64, gone.to_vec())]);
            }
        }
    }
}

#[test]
fn what_a_newline_less_tail_is() {
    for (tail, whole) in [
        ("[1]", true),
        ("\"text\"", true),
        ("true", true),
        ("false", true),
        ("null", true),
        ("{}\r", true),
        (" \t{\"a\":1} ", true),
        // A form feed is no white space in JSON.
        ("{\"a\":1}\u{c}", false),
        ("\u{c}{\"a\":1}", false),
        (" \t12", false),
        ("12", false),
        ("-1.5", false),
        ("nul", false),
        ("   ", false),
        ("{}{", false),
        ("{\"a\":1}{\"b\":2}", false),
    ] {
        let scene = Scene::new();
        let path = scene.with("j", tail);
        Journal::open(&path).unwrap().append(b"[0]").unwrap();
        let expected = if whole {
            format!("{tail}\n[0]\n")
        } else {
            "[0]\n".to_owned()
        };
        assert_eq!(
            String::from_utf8(bytes(&path)).unwrap(),
            expected,
            "{tail:?}"
        );
    }
}
