//! The process dies before each of its system calls in turn, and in the middle of each
//! write. The next process finds the file as the guarantees say.

use crate::scene::death::{dies_within_a_write, each_death};
use crate::scene::lane::every;
use crate::scene::{Scene, bytes, records, torn};
use untorn::fault::{Op, Plan, Verdict};
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
        std::fs::write(&path, OLD).unwrap();
        let (_, calls) = Plan::new().run(work);
        let write = calls.iter().rposition(|op| *op == Op::Write).unwrap();
        std::fs::write(&path, OLD).unwrap();
        let (result, _) = Plan::new().short(write, 100).die(write + 1).run(work);
        result.unwrap_err();
        assert!(bytes(&path).len() > OLD.len(), "a part is there");
        assert!(scene.files()["j.lock"].len() > 128, "and it is noted");
        locker(&path);
        assert_eq!(bytes(&path), OLD);
        assert_eq!(torn(&path).len(), 1);
    }
}

/// An append of these records that dies when so many of its bytes are written.
fn dies_after(scene: &Scene, batch: &[String], part: usize) {
    let path = scene.with("j", OLD);
    let plan = dies_within_a_write(&path, part);
    let process = Journal::options().durability(Durability::Process);
    let (result, _) = plan.run(|| process.open(&path)?.append_all(batch));
    result.unwrap_err();
    assert_eq!(bytes(&path).len(), OLD.len() + part);
}

/// What a program leaves that has taken the lock and knows no more of this.
fn append_foreign(path: &std::path::Path, foreign: &str) {
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    std::io::Write::write_all(&mut file, foreign.as_bytes()).unwrap();
}

/// All records that a reader of this library is given.
fn given(path: &std::path::Path) -> Vec<String> {
    let records = Journal::open(path).unwrap().records().unwrap();
    records
        .map(|record| String::from_utf8(record.unwrap().bytes).unwrap())
        .collect()
}

#[test]
fn what_others_append_behind_a_dead_append_stays() {
    const PAGE: usize = 4096;
    // Lines that are short, that are longer than a page, and that end with one.
    let line = |n: usize, length: usize| {
        let text = format!("{{\"batch\":{n},\"x\":\"");
        let padding = "y".repeat(length - text.len() - 3);
        format!("{text}{padding}\"}}")
    };
    let small: Vec<_> = (0..5).map(|n| line(n, 28 + n)).collect();
    let large: Vec<_> = (0..4).map(|n| line(n, 3_000 + 2_000 * n)).collect();
    let aligned = vec![line(0, PAGE - OLD.len()), line(1, PAGE), line(2, 2 * PAGE)];
    let of_one_kind = vec![line(7, 40); 5];
    for (which, batch) in [small, large, aligned, of_one_kind].iter().enumerate() {
        let lines: String = batch.iter().map(|line| format!("{line}\n")).collect();
        // Where a piece of it ends: a killed write ends with a sector.
        let ends: Vec<usize> = (0..=lines.len())
            .filter(|at| {
                let line = *at > 0 && lines.as_bytes()[at - 1] == b'\n';
                line || *at == 0 || (OLD.len() + at).is_multiple_of(512)
            })
            .collect();
        let mut parts: Vec<usize> = match lines.len() {
            0..1_000 => (0..lines.len()).collect(),
            _ => ends
                .iter()
                .flat_map(|end| [end.saturating_sub(1), *end, end + 1])
                .filter(|part| *part < lines.len())
                .collect(),
        };
        parts.dedup();
        let long = format!("{{\"foreign\":\"{}\"}}\n", "x".repeat(30_000));
        let of_ours = format!("{}\n", line(7, 41));
        let whole = [
            "{\"foreign\":1}\n",
            "[1]\n[2]\n",
            &long,
            "\"no newline\"",
            &of_ours,
        ];
        let broken = ["{\"foreign\":", "12"];
        for part in every(8, parts) {
            for foreign in whole.iter().chain(&broken).chain(&[""]) {
                let what = format!("batch {which}, {part} bytes, then {foreign:.20?}");
                let scene = Scene::quick();
                let path = scene.path("j");
                dies_after(&scene, batch, part);
                append_foreign(&path, foreign);
                let next = Journal::options().durability(Durability::Process);
                next.open(&path).unwrap().append(b"{\"n\":2}").unwrap();
                let now = bytes(&path);
                let cut: Vec<u8> = torn(&path).into_iter().flat_map(|(_, cut)| cut).collect();
                let contains = |all: &[u8], wanted: &str| {
                    wanted.is_empty() || memchr::memmem::find(all, wanted.as_bytes()).is_some()
                };
                let at_an_end = ends.contains(&part);
                // A tail without an end is cut and kept, whichever program wrote it.
                let stays = foreign.ends_with('\n') || whole.contains(foreign) && at_an_end;
                assert!(contains(&now, foreign) || !stays, "{what}: in the journal");
                assert!(
                    contains(&[&now[..], &cut].concat(), foreign),
                    "{what}: kept"
                );
                assert!(contains(&cut, &lines[..part]) || !at_an_end, "{what}: kept");
                let given = given(&path);
                let theirs: Vec<_> = foreign.lines().map(str::to_owned).collect();
                if stays && at_an_end {
                    let expected = [&given[..2], &theirs, &given[given.len() - 1..]].concat();
                    assert_eq!(given, expected, "{what}");
                } else if stays {
                    // The first line of theirs is behind a part of ours.
                    assert!(
                        given.ends_with(&theirs[1..]) || given.len() >= theirs.len(),
                        "{what}"
                    );
                } else {
                    assert_eq!(given.len(), 3, "{what}: {given:?}");
                }
                assert_eq!(given[0], "{\"n\":0}", "{what}");
                assert_eq!(given.last().unwrap(), "{\"n\":2}", "{what}");
                let ours = given.iter().filter(|line| batch.contains(line));
                assert_eq!(ours.count(), 0, "{what}: of the dead append");
                assert_eq!(scene.files()["j.lock"].len(), 64, "{what}");
            }
        }
    }
}

#[test]
fn a_death_while_a_part_is_taken_back() {
    let batch: Vec<_> = (0..4).map(|n| format!("{{\"batch\":{n}}}")).collect();
    let part = 2 * batch[0].len() + 2;
    let set_up = |scene: &Scene| {
        dies_after(scene, &batch, part);
        append_foreign(&scene.path("j"), "[1]\n");
    };
    let settle = |scene: &Scene| FileLock::acquire(scene.path("j")).map(drop);
    let scene = Scene::quick();
    set_up(&scene);
    let (_, calls) = Plan::new().run(|| settle(&scene).unwrap());
    for n in 0..calls.len() {
        for short in [None, Some(1), Some(5)] {
            let scene = Scene::quick();
            set_up(&scene);
            let plan = match short {
                None => Plan::new().die(n),
                Some(bytes) => Plan::new().short(n, bytes).die(n + 1),
            };
            let _ = plan.run(|| settle(&scene));
            settle(&scene).unwrap();
            let what = format!("died at {n} after {short:?} bytes");
            assert_eq!(given(&scene.path("j"))[2..], ["[1]"], "{what}");
            let cut = torn(&scene.path("j"));
            assert!(!cut.is_empty(), "{what}");
            assert_eq!(cut[0].1.len(), part, "{what}");
        }
    }
}

/// As logrotate's copytruncate does, whatever is noted: what others have appended
/// since is at the place that the note is about, but is not what it is about.
#[test]
fn an_old_note_cuts_nothing_of_a_file_that_others_emptied() {
    let batch: Vec<_> = (0..40)
        .map(|n| format!("{{\"batch\":{n},\"x\":\"{}\"}}", "y".repeat(20)))
        .collect();
    let lines: String = batch.iter().map(|line| format!("{line}\n")).collect();
    for part in [0, 1, 38, 600, lines.len() - 1] {
        for lengths in [[10, 0], [OLD.len(), 0], [60, 500], [30, 2_000], [600, 600]] {
            let scene = Scene::quick();
            let path = scene.path("j");
            dies_after(&scene, &batch, part);
            let file = std::fs::OpenOptions::new().write(true).open(&path);
            file.unwrap().set_len(0).unwrap();
            let mut foreign = String::new();
            for (n, length) in lengths.into_iter().enumerate() {
                foreign += &format!("{{\"foreign\":{n},\"x\":\"{}\"}}\n", "z".repeat(length));
            }
            append_foreign(&path, &foreign);
            let what = format!("{part} bytes, then {lengths:?}");
            let theirs: Vec<_> = foreign.lines().map(str::to_owned).collect();
            assert_eq!(given(&path), theirs, "{what}: before");
            let next = Journal::options().durability(Durability::Process);
            next.open(&path).unwrap().append(b"{\"n\":2}").unwrap();
            let now = String::from_utf8(bytes(&path)).unwrap();
            assert_eq!(now, format!("{foreign}{{\"n\":2}}\n"), "{what}");
            assert!(!scene.path("j.torn").exists(), "{what}");
        }
    }
}

/// The same while the dead append was being taken back.
#[test]
fn an_old_way_back_blanks_nothing_of_others() {
    let batch: Vec<_> = (0..60)
        .map(|n| format!("{{\"batch\":{n},\"x\":\"{}\"}}", "y".repeat(20)))
        .collect();
    let process = || Journal::options().durability(Durability::Process);
    // More than a sector, to the end of a line.
    let part = batch[..45].iter().map(|line| line.len() + 1).sum();
    // Dies before each of its writes to the journal and the lock file.
    for nth in 0..6 {
        for emptied in [true, false] {
            let scene = Scene::quick();
            let path = scene.path("j");
            dies_after(&scene, &batch, part);
            append_foreign(&path, "{\"foreign\":1}\n");
            let mut writes = 0;
            let plan = Plan::new().judge(move |call| {
                writes += usize::from(call.op == Op::Write);
                match writes > nth {
                    true => Verdict::Fail(libc::EIO),
                    false => Verdict::Go,
                }
            });
            let _ = plan.run(|| process().open(&path)?.append(b"{\"n\":2}"));
            let mut theirs = "{\"foreign\":1}\n".to_owned();
            if emptied {
                let file = std::fs::OpenOptions::new().write(true).open(&path);
                file.unwrap().set_len(0).unwrap();
                theirs = (0..200).map(|n| format!("{{\"theirs\": {n}}}\n")).collect();
                append_foreign(&path, &theirs);
            }
            process().open(&path).unwrap().append(b"{\"n\":3}").unwrap();
            let now = String::from_utf8(bytes(&path)).unwrap();
            assert!(now.contains(&theirs), "write {nth}: {now}");
            assert!(!now.contains("batch"), "write {nth}: {now}");
        }
    }
}

#[test]
fn what_others_append_behind_a_dead_stamp_stays() {
    const HEADER: &[u8] = b"{\"head\":0}";
    let options = || {
        Journal::options()
            .durability(Durability::Process)
            .header_prefix(b"{\"head\":")
    };
    let batch = ["{\"batch\":1}", "{\"batch\":2}", "{\"batch\":3}"];
    for lines in 0..=batch.len() {
        for foreign in ["[9]\n", "{\"a longer one\":\"of others\"}\n", ""] {
            let scene = Scene::quick();
            let path = scene.path("j");
            options()
                .open(&path)
                .unwrap()
                .append_with_header(HEADER, ["[0]"])
                .unwrap();
            let part = lines * (batch[0].len() + 1);
            let (result, _) = dies_within_a_write(&path, part).run(|| {
                let journal = options().open(&path)?;
                journal.append_with_header(b"{\"head\":1}", batch)
            });
            result.unwrap_err();
            append_foreign(&path, foreign);
            let journal = options().open(&path).unwrap();
            journal.append(b"[1]").unwrap();
            let what = format!("{lines} of {}, then {foreign:?}", batch.len());
            let header = journal.header().unwrap().unwrap();
            let done = lines == batch.len();
            assert_eq!(header == HEADER, !done, "{what}");
            let mut expected = vec!["[0]"];
            expected.extend(batch.iter().filter(|_| done));
            expected.extend(foreign.lines());
            expected.push("[1]");
            let given: Vec<_> = journal
                .records()
                .unwrap()
                .map(|record| String::from_utf8(record.unwrap().bytes).unwrap())
                .collect();
            assert_eq!(given, expected, "{what}");
        }
    }
}

#[test]
fn a_tail_that_may_not_be_cut_is_kept_once() {
    let scene = Scene::quick();
    dies_after(&scene, &many(), 100);
    for _ in 0..5 {
        let refused = Plan::new().fail_every(Op::Truncate, libc::EPERM);
        let (result, _) = refused.run(|| FileLock::acquire(scene.path("j")));
        result.unwrap_err();
    }
    // Its own entry could not be taken back either.
    let kept = torn(&scene.path("j")).len();
    let only_it = Plan::new().judge(|call| {
        match call.op == Op::Truncate && call.path.is_some_and(|path| path.ends_with("j")) {
            true => Verdict::Fail(libc::EPERM),
            false => Verdict::Go,
        }
    });
    let (result, _) = only_it.run(|| FileLock::acquire(scene.path("j")));
    result.unwrap_err();
    assert_eq!(torn(&scene.path("j")).len(), kept);
}

#[test]
fn a_lock_file_of_another_program_is_not_written_to() {
    // `FileLock("poetry")` locks poetry.lock, which is another program's data.
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
            let scene = Scene::quick();
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
