//! Salvage: damage in the middle of a journal is mended, and nothing is thrown away,
//! whatever fails or dies meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::scene::death::each_death;
use crate::scene::faults::each_fault;
#[cfg(unix)]
use crate::scene::lane::every;
#[cfg(unix)]
use crate::scene::power::{images, materialise};
use crate::scene::{Scene, bytes, journal, records, torn};
use untorn::fault::{Op, Plan};
use untorn::{DamageKind, ErrorKind, Format, Journal, Salvage, Scheme};

const OLD: &[u8] =
    b"{\"n\":0}\n{\"n\":1}{\"n\":2}\n{\"half\":\n\0\0\0\0{\"n\":3}\nnot\xff\n{\"n\":4}\n{\"torn\":";
const NEW: &[u8] = b"{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n";

/// What goes to `P.torn` of `OLD`: without the torn tail, and then that.
fn aside() -> Vec<(u64, Vec<u8>)> {
    let at = |text: &[u8]| OLD.windows(text.len()).position(|w| w == text).unwrap() as u64;
    vec![
        (at(b"{\"half\":"), b"{\"half\":".to_vec()),
        (at(b"\0\0\0\0"), b"\0\0\0\0".to_vec()),
        (at(b"not\xff"), b"not\xff".to_vec()),
    ]
}

fn tail() -> (u64, Vec<u8>) {
    let text = b"{\"torn\":";
    ((OLD.len() - text.len()) as u64, text.to_vec())
}

/// A death or a power cut can leave half an entry, or bytes that are none, so this does
/// not read the entries.
fn is_kept(scene: &Scene, text: &[u8]) -> bool {
    let kept = bytes(&scene.path("j.torn"));
    kept.windows(text.len()).any(|w| w == text)
}

fn all_is_kept(scene: &Scene) -> bool {
    let texts = [&b"{\"half\":"[..], b"not\xff", b"\"nuls\":4"];
    texts.into_iter().all(|text| is_kept(scene, text))
}

/// The old file, with or without its torn tail, or the new one; and nothing that is
/// not in the new one is lost.
fn check(scene: &Scene, what: &str) {
    let path = scene.path("j");
    let now = bytes(&path);
    let whole = &OLD[..OLD.len() - tail().1.len()];
    let shown = String::from_utf8_lossy(&now);
    assert!(now == OLD || now == whole || now == NEW, "{what}: {shown}");
    assert!(now == OLD || is_kept(scene, &tail().1), "{what}");
    assert!(now != NEW || all_is_kept(scene), "{what}");
    // It can be gone on with, whatever was left.
    let salvaged = journal(&path).salvage().expect(what);
    assert_eq!(bytes(&path), NEW, "{what}");
    assert_eq!(
        salvaged.line_count,
        if now == NEW { 0 } else { 4 },
        "{what}"
    );
    assert!(all_is_kept(scene), "{what}");
    let beside: Vec<_> = scene.files().into_keys().collect();
    assert_eq!(beside, ["j", "j.lock", "j.torn"], "{what}");
    assert!(scene.files()["j.lock"].len() <= 64, "{what}");
}

#[test]
fn damage_in_the_middle_is_mended_and_nothing_is_lost() {
    let scene = Scene::new();
    let path = scene.with("j", OLD);
    let plan = journal(&path).salvage_plan().unwrap();
    assert_eq!(scene.files().len(), 1, "a plan makes no file");
    assert_eq!(bytes(&path), OLD);
    let done = journal(&path).salvage().unwrap();
    assert_eq!(done, plan);
    assert_eq!(bytes(&path), NEW);
    assert_eq!(torn(&path), [vec![tail()], aside()].concat());
    let lines: Vec<_> = done
        .lines
        .iter()
        .map(|line| (line.kind, line.line))
        .collect();
    assert_eq!(
        lines,
        [
            (DamageKind::Glued, 2),
            (DamageKind::NotJson, 3),
            (DamageKind::NulRun, 4),
            (DamageKind::NotUtf8, 5)
        ]
    );
    assert_eq!((done.records, done.kept, done.nuls), (3, 12, 4));
    assert!(journal(&path).verify().unwrap().is_ok());
    assert!(journal(&path).salvage().unwrap().is_empty());
}

#[test]
fn a_death_at_any_call_loses_nothing() {
    each_death(
        |scene| drop(scene.with("j", OLD)),
        |scene| Journal::open(scene.path("j"))?.salvage().map(drop),
        check,
    );
}

#[test]
fn a_failure_of_any_call_loses_nothing() {
    each_fault(
        |scene| drop(scene.with("j", OLD)),
        |scene| Journal::open(scene.path("j"))?.salvage().map(drop),
        |scene, result, what| {
            let now = bytes(&scene.path("j"));
            match &result {
                Ok(()) => assert_eq!(now, NEW, "{what}"),
                Err(error) if error.kind() == ErrorKind::NotDurable => {}
                Err(error) => assert_ne!(now, NEW, "{what}: {error}"),
            }
            check(scene, what);
        },
    );
}

// As `power.rs`.
#[cfg(unix)]
#[test]
fn a_power_cut_loses_nothing() {
    let scene = Scene::quick();
    let path = scene.with("j", OLD);
    let found = images(&scene, |acknowledged| {
        journal(&path).salvage().unwrap();
        *acknowledged.borrow_mut() += 1;
    });
    assert!(found.len() > 100);
    for image in every(8, &found) {
        let now = image.files.get("j").expect("there is a journal");
        assert!(image.acknowledged == 0 || now == NEW, "{}", image.what);
        check(&materialise(image), &image.what);
    }
}

#[test]
fn a_journal_that_keeps_its_inode_is_mended_in_place() {
    let scene = Scene::new();
    let path = scene.with("j", OLD);
    let other = std::fs::File::open(&path).unwrap();
    let options = Journal::options().scheme(Scheme::InPlace);
    options.open(&path).unwrap().salvage().unwrap();
    assert_eq!(bytes(&path), NEW);
    let mut seen = Vec::new();
    std::io::Read::read_to_end(&mut { other }, &mut seen).unwrap();
    assert_eq!(seen, NEW, "the same file");
    assert_eq!(torn(&path), [vec![tail()], aside()].concat());
}

#[test]
fn sealed_records_keep_a_seal_and_others_get_none() {
    let scene = Scene::new();
    let path = scene.path("j");
    let sealed = Journal::options().sealed(true);
    let handle = sealed.clone().open(&path).unwrap();
    handle.append_all(["[1]", "[2]", "[3]"]).unwrap();
    handle.append(b"[4]").unwrap();
    let good = bytes(&path);
    let line = |n: u8| {
        let at = good
            .windows(3)
            .position(|w| w == [b'[', b'0' + n, b']'])
            .unwrap();
        good[at..at + 38].to_vec()
    };
    // A changed byte within a batch; records glued in front of a seal; one without.
    let broken = [&line(2)[..1], b"7", &line(2)[2..]].concat();
    let glued = [b"[8][9]", &line(4)[..]].concat();
    let file = [line(1), broken.clone(), line(3), glued, b"[5]\n".to_vec()].concat();
    std::fs::write(&path, &file).unwrap();
    let done = sealed.clone().open(&path).unwrap().salvage().unwrap();
    assert_eq!((done.line_count, done.records), (2, 3));
    let report = sealed.clone().open(&path).unwrap().verify().unwrap();
    assert!(report.is_ok(), "{report:?}");
    // [8], [9] and [5] had no seal, and get none.
    assert_eq!((report.records, report.unsealed), (6, 3));
    assert_eq!(torn(&path), [(38, broken[..37].to_vec())]);
}

#[test]
fn a_text_that_is_no_journal_is_left_alone() {
    let scene = Scene::new();
    for text in [
        &b"{\n \"a\": 1\n}\n"[..],
        b"SQLite format 3\0\x10\0\n",
        b"# Notes\n",
    ] {
        let path = scene.with("j", text);
        for result in [journal(&path).salvage_plan(), journal(&path).salvage()] {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Corrupt);
        }
        assert_eq!(bytes(&path), text);
    }
}

#[test]
fn lines_of_any_bytes_lose_only_their_nuls() {
    let scene = Scene::new();
    let path = scene.with("j", b"a{}{}\nb\0\0c\n\xff\n");
    let lines = Journal::options()
        .format(Format::Lines)
        .open(&path)
        .unwrap();
    let done = lines.salvage().unwrap();
    assert_eq!(bytes(&path), b"a{}{}\n\xff\n");
    // Whether `b` and `c` are whole, nothing says.
    assert_eq!((done.records, done.kept, done.nuls), (0, 2, 2));
}

#[test]
fn a_line_that_is_too_long_stays() {
    let scene = Scene::new();
    let long = format!("\"{}\"\n", "x".repeat(300_000));
    let path = scene.with("j", format!("{long}[1][2]\n{long}"));
    let options = Journal::options().max_record(1000);
    let done = options.open(&path).unwrap().salvage().unwrap();
    assert_eq!((done.left, done.line_count), (2, 1));
    assert_eq!(bytes(&path), format!("{long}[1]\n[2]\n{long}").as_bytes());
}

#[test]
fn more_damage_than_is_listed_is_mended() {
    let scene = Scene::new();
    let path = scene.with("j", "\0\n".repeat(3000) + "[1]\n");
    let done = journal(&path).salvage().unwrap();
    assert_eq!(
        (done.line_count, done.lines.len(), done.nuls),
        (3000, 1024, 3000)
    );
    assert_eq!(bytes(&path), b"[1]\n");
}

#[test]
fn a_record_that_would_become_the_header_is_set_aside() {
    let scene = Scene::new();
    let path = scene.with("j", "x\n{\"h\":1}{\"b\":2}\n[1]\n");
    let options = Journal::options().header_prefix("{\"h\"");
    options.open(&path).unwrap().salvage().unwrap();
    assert_eq!(bytes(&path), b"{\"b\":2}\n[1]\n");
    let kept = torn(&path);
    assert_eq!(kept[1].1, b"{\"h\":1}");
}

#[test]
fn a_program_that_ignores_the_lock_loses_nothing() {
    let scene = Scene::quick();
    let path = scene.with("j", OLD);
    let (_, calls) = Plan::new().run(|| Journal::open(&path)?.salvage().map(drop));
    for (n, op) in calls.iter().enumerate() {
        if matches!(op, Op::Rename | Op::Truncate) {
            // Between the last look and the rename, or the cut of the tail, is a moment
            // in which such a program's bytes go with what is replaced: see the
            // guarantees.
            continue;
        }
        let scene = Scene::quick();
        let path = scene.with("j", OLD);
        let (place, mut call) = (path.clone(), 0);
        let foreign = move |_: &untorn::fault::Call<'_>| {
            if call == n {
                let file = std::fs::OpenOptions::new().append(true).open(&place);
                std::io::Write::write_all(&mut file.unwrap(), b"\n{\"foreign\":1}\n").unwrap();
            }
            call += 1;
        };
        let plan = Plan::new().before(foreign);
        let (result, _) = plan.run(|| Journal::open(&path)?.salvage().map(drop));
        let kept = torn(&path).into_iter().flat_map(|(_, bytes)| bytes);
        let all: Vec<u8> = bytes(&path).into_iter().chain(kept).collect();
        let found = all.windows(11).any(|w| w == b"{\"foreign\":");
        assert!(found, "before call {n}, {op:?}: {result:?}");
    }
}

#[test]
fn others_append_meanwhile() {
    let scene = Scene::new();
    let path = scene.with("j", OLD);
    let done = AtomicBool::new(false);
    let appended = std::thread::scope(|scope| {
        let appender = scope.spawn(|| {
            let handle = journal(&path);
            let mut n = 0_u64;
            while !done.load(Ordering::Relaxed) || n < 50 {
                handle.append(format!("{{\"w\":{n}}}").as_bytes()).unwrap();
                n += 1;
            }
            n
        });
        let mender = journal(&path);
        for _ in 0..20 {
            drop::<Salvage>(mender.salvage().unwrap());
        }
        done.store(true, Ordering::Relaxed);
        appender.join().unwrap()
    });
    let written = records(&path)
        .iter()
        .filter(|record| record["w"].is_u64())
        .count() as u64;
    assert_eq!(written, appended);
    assert!(journal(&path).verify().unwrap().is_ok());
}
