//! Real processes, killed with SIGKILL at random while they append and save, also with
//! a forked child that lives on. Nothing acknowledged is lost, no batch is there in
//! part, and the locks die with their holders.
//!
//! Without the test harness: the writers are this very program, which gets their part
//! by an environment variable.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::scene::lane::rounds;
use crate::scene::program::{Outcome, Part, Test};
use crate::scene::{Scene, bytes, records};
use untorn::{Document, Durability, FileLock, Journal, Scheme};

/// How many rounds are tried at least. The daily lane tries fewer: each kills at another
/// instruction.
fn least_rounds() -> u32 {
    rounds(10, 60)
}

/// How many are tried at most, until a kill has hit what it was meant to hit.
const MOST_ROUNDS: u32 = 600;

pub const PARTS: &[Part] = &[
    ("append", || append(&path())),
    ("save", || save(&path())),
    ("rewrite", || rewrite(&path())),
    ("number", || number(&path())),
];

pub const TESTS: &[Test] = &[
    ("appends_of_killed_processes", || {
        appends_of_killed_processes(Scheme::Sidecar);
        Outcome::Passed
    }),
    ("saves_of_killed_processes", || {
        saves_of_killed_processes();
        Outcome::Passed
    }),
    ("appends_in_place_of_killed_processes", || {
        appends_of_killed_processes(Scheme::InPlace);
        Outcome::Passed
    }),
    ("rewrites_of_killed_processes", || {
        rewrites_of_killed_processes();
        Outcome::Passed
    }),
];

fn path() -> PathBuf {
    PathBuf::from(std::env::var_os("UNTORN_TEST_PATH").unwrap())
}

/// Tells the test what is done, with one write, so that a kill can't halve it.
fn acknowledge(text: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{text}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

fn scheme() -> Scheme {
    let word = std::env::var("UNTORN_TEST_SCHEME").unwrap();
    word.parse().unwrap()
}

fn id() -> String {
    std::env::var("UNTORN_TEST_ID").unwrap()
}

/// Appends single records of 100 B to 90 KB and batches of more than 1 MiB.
fn append(path: &Path) -> ! {
    let journal = Journal::options()
        .durability(Durability::Process)
        .scheme(scheme())
        .open(path)
        .unwrap();
    let id = id();
    for n in 0_u32.. {
        if fastrand::u8(..4) == 0 {
            let size = fastrand::usize(2_000..20_000);
            let count = 1_200_000 / size;
            journal
                .append_all((0..count).map(|m| {
                    let text = "b".repeat(size);
                    format!(
                        "{{\"w\":\"{id}\",\"n\":{n},\"m\":{m},\"of\":{count},\"t\":\"{text}\"}}"
                    )
                }))
                .unwrap();
        } else {
            let text = "s".repeat(fastrand::usize(60..90_000));
            let record = format!("{{\"w\":\"{id}\",\"n\":{n},\"t\":\"{text}\"}}");
            journal.append(record.as_bytes()).unwrap();
        }
        acknowledge(&n.to_string());
    }
    unreachable!()
}

fn save(path: &Path) -> ! {
    // There is no fork on Windows: all are plain there.
    #[cfg(unix)]
    if id().starts_with("forks") {
        // SAFETY: only one thread yet; the child does nothing but live.
        if unsafe { libc::fork() } == 0 {
            loop {
                std::thread::park();
            }
        }
    }
    let document = Document::options()
        .durability(Durability::Process)
        .scheme(scheme())
        .open(path)
        .unwrap();
    for n in 0_u32.. {
        document
            .update(|old| {
                let mut value: BTreeMap<String, serde_json::Value> = match old {
                    Some(old) => serde_json::from_slice(old).expect("a whole document"),
                    None => BTreeMap::new(),
                };
                value.insert(id(), n.into());
                value.insert(
                    "padding".to_owned(),
                    "p".repeat(fastrand::usize(..300_000)).into(),
                );
                Ok(serde_json::to_vec(&value).unwrap())
            })
            .unwrap();
        acknowledge(&n.to_string());
    }
    unreachable!()
}

/// Appends small numbered records, single and in batches of five, also with a
/// stamp of the header.
fn number(path: &Path) -> ! {
    let journal = rewritable(path);
    let id = id();
    for n in 0_u32.. {
        let record = |m: u32| format!("{{\"w\":\"{id}\",\"n\":{n},\"m\":{m}}}");
        match n % 3 {
            0 => journal.append(record(0).as_bytes()).map(drop),
            1 => journal.append_all((0..5).map(record)).map(drop),
            _ => {
                let header = format!("{{\"head\":[\"{id}\",{n}]}}");
                journal
                    .append_with_header(header.as_bytes(), (0..5).map(record))
                    .map(drop)
            }
        }
        .unwrap();
        acknowledge(&n.to_string());
    }
    unreachable!()
}

/// Rotates, rewinds by a few records and compacts (to the same records), without end.
fn rewrite(path: &Path) -> ! {
    let journal = rewritable(path);
    for n in 0_u32.. {
        match fastrand::u8(..4) {
            0 => drop(journal.rotate().unwrap()),
            1 => {
                let last = journal.tail(fastrand::usize(1..20)).unwrap();
                let Some(first) = last.first() else { continue };
                match journal.rewind(first.start) {
                    // Another has rewritten it since.
                    Err(error) if error.kind() == untorn::ErrorKind::Conflict => {}
                    result => drop(result.unwrap()),
                }
            }
            _ => {
                let all = |rewrite: &mut untorn::Rewrite| {
                    for record in rewrite.records()? {
                        rewrite.push_encoded(&record?.bytes)?;
                    }
                    Ok(())
                };
                journal.compact(all).map(drop).unwrap();
            }
        }
        acknowledge(&n.to_string());
    }
    unreachable!()
}

fn rewritable(path: &Path) -> Journal {
    Journal::options()
        .durability(Durability::Process)
        .header_prefix("{\"head\"")
        .open(path)
        .unwrap()
}

struct Writer {
    id: String,
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Writer {
    fn start(part: &str, scheme: Scheme, path: &Path, id: String) -> Writer {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env("UNTORN_TEST_PART", part)
            .env("UNTORN_TEST_SCHEME", scheme.as_str())
            .env("UNTORN_TEST_PATH", path)
            .env("UNTORN_TEST_ID", &id)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Writer { id, child, out }
    }

    /// Lets it acknowledge so many, then kills it a random moment later; gives
    /// the last number that it acknowledged.
    fn kill_after(mut self, count: u32) -> Option<u32> {
        let last = self.acknowledges(count);
        at_any_moment();
        self.child.kill().unwrap();
        self.ended(last)
    }

    /// Gives the last number of so many that it acknowledges.
    fn acknowledges(&mut self, count: u32) -> Option<u32> {
        let mut last = None;
        let mut line = String::new();
        for _ in 0..count {
            line.clear();
            self.out.read_line(&mut line).unwrap();
            last = Some(line.trim().parse().unwrap());
        }
        last
    }

    /// After the kill: gives the last number that it acknowledged.
    fn ended(mut self, mut last: Option<u32>) -> Option<u32> {
        self.child.wait().unwrap();
        // What it acknowledged until then is in the pipe. (A child that lives
        // on has the pipe's other end, so do not read to its end.)
        if self.id.starts_with("forks") {
            return last;
        }
        for line in self.out.lines() {
            last = Some(line.unwrap().trim().parse().unwrap());
        }
        last
    }
}

/// Not to wait for anything: the kill is to hit any instruction.
fn at_any_moment() {
    std::thread::sleep(Duration::from_micros(fastrand::u64(..3_000)));
}

/// When writers are killed.
#[derive(Clone, Copy)]
enum Kill {
    /// One after the other, so that the others settle what each left.
    OneByOne,
    /// All at one moment, so that nobody settles what the holder of the lock left.
    AllAtOnce,
    /// The same, as soon as the holder has noted what it is about to change.
    InAChange,
}

/// Gives the last number that each acknowledged.
fn kill_each(mut writers: Vec<Writer>, when: Kill, scene: &Scene) -> Vec<(String, u32)> {
    let any = || fastrand::u32(1..4);
    let mut ended = Vec::new();
    if let Kill::OneByOne = when {
        for writer in writers {
            ended.push((writer.id.clone(), writer.kill_after(any())));
        }
    } else {
        let last: Vec<_> = writers.iter_mut().map(|w| w.acknowledges(any())).collect();
        match when {
            Kill::InAChange => {
                let pending = || is_pending(scene, "j.redo") || is_pending(scene, "j.lock");
                while !pending() {
                    for writer in &mut writers {
                        let ended = writer.child.try_wait().unwrap();
                        assert_eq!(ended, None, "it appends until it is killed");
                    }
                }
            }
            _ => at_any_moment(),
        }
        for writer in &mut writers {
            writer.child.kill().unwrap();
        }
        for (writer, last) in writers.into_iter().zip(last) {
            ended.push((writer.id.clone(), writer.ended(last)));
        }
    }
    let known = |(id, last): (String, Option<u32>)| Some((id, last?));
    ended.into_iter().filter_map(known).collect()
}

fn appends_of_killed_processes(scheme: Scheme) {
    let scene = Scene::new();
    let path = scene.path("j");
    let mut acknowledged = BTreeMap::new();
    let (least, mut round, mut left_pending) = (least_rounds_of(scheme), 0, false);
    // On Windows a write that has begun is finished before its process ends.
    let has_hit = |left_pending| match scheme {
        _ if cfg!(windows) => true,
        Scheme::InPlace => left_pending,
        // Its last entry may be a part: the kill can hit the repair that keeps a cut.
        _ => std::fs::metadata(scene.path("j.torn")).is_ok_and(|kept| kept.len() > 0),
    };
    // Kills that all missed would show nothing, so there are more of them.
    while round < least || (!has_hit(left_pending) && round < MOST_ROUNDS) {
        let writers: Vec<_> = (0..3)
            .map(|n| Writer::start("append", scheme, &path, format!("{round}-{n}")))
            .collect();
        let when = match round % 4 {
            _ if round >= least => Kill::InAChange,
            0 | 1 => Kill::OneByOne,
            _ => Kill::AllAtOnce,
        };
        acknowledged.extend(kill_each(writers, when, &scene));
        // Half of the time a reader finds what they left as it is.
        if round % 2 == 0 {
            let _ = open(scheme, &path).verify().unwrap();
        }
        left_pending |= is_pending(&scene, "j.redo");
        let locked = FileLock::options()
            .scheme(scheme)
            .timeout(Some(Duration::from_secs(60)))
            .acquire(&path);
        drop(locked.expect("the locks died with their holders"));
        round += 1;
    }
    open(scheme, &path)
        .append(b"{\"w\":\"end\",\"n\":0}")
        .unwrap();
    let mut seen: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let all = records(&path);
    let mut rest = &all[..];
    while let Some(first) = rest.first() {
        let count = first["of"]
            .as_u64()
            .map_or(1, |of| usize::try_from(of).unwrap());
        for (m, record) in rest[..count].iter().enumerate() {
            assert_eq!(
                (&record["w"], &record["n"]),
                (&first["w"], &first["n"]),
                "in one piece"
            );
            assert_eq!(
                record["m"].as_u64().unwrap_or(0),
                m as u64,
                "whole and in order"
            );
        }
        let list = seen
            .entry(first["w"].as_str().unwrap().to_owned())
            .or_default();
        list.push(first["n"].as_u64().unwrap());
        rest = &rest[count..];
    }
    for (id, last) in &acknowledged {
        let list = &seen[id];
        // One more may be there that could not be acknowledged any more.
        assert!(
            [u64::from(*last) + 1, u64::from(*last) + 2].contains(&(list.len() as u64)),
            "{id}"
        );
        assert!(
            list.iter().copied().eq(0..list.len() as u64),
            "{id}: once, and in order"
        );
    }
    assert!(acknowledged.len() > least as usize);
    assert!(
        has_hit(left_pending),
        "no kill left anything torn in {round} rounds"
    );
}

fn saves_of_killed_processes() {
    let scene = Scene::new();
    let path = scene.path("d");
    let mut acknowledged = BTreeMap::new();
    let mut orphans = Vec::new();
    for round in 0..least_rounds() {
        let name = if round % 4 == 0 { "forks" } else { "plain" };
        let writers: Vec<_> = (0..2)
            .map(|n| {
                Writer::start(
                    "save",
                    Scheme::Sidecar,
                    &path,
                    format!("{name}-{round}-{n}"),
                )
            })
            .collect();
        for writer in writers {
            let id = writer.id.clone();
            orphans.push(writer.child.id());
            if let Some(last) = writer.kill_after(fastrand::u32(1..4)) {
                acknowledged.insert(id, last);
            }
        }
        let locked = FileLock::options()
            .timeout(Some(Duration::from_secs(60)))
            .acquire(&path);
        drop(locked.expect("the locks died with their holders, whatever children live on"));
        let value: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(&bytes(&path)).expect("a whole document");
        for (id, last) in &acknowledged {
            assert!(
                value[id].as_u64().unwrap() >= u64::from(*last),
                "{id}: an update was lost"
            );
        }
    }
    #[cfg(unix)]
    kill_children_that_live_on(&path);
    // What they left half-written beside it goes with the next open in a new
    // process; at most one each.
    let left = scene
        .files()
        .keys()
        .filter(|name| name.ends_with(".untorn"))
        .count();
    assert!(left <= orphans.len(), "{left}");
    let swept = Writer::start("save", Scheme::Sidecar, &path, "plain-sweep".to_owned());
    swept.kill_after(1);
    let after = scene
        .files()
        .keys()
        .filter(|name| name.ends_with(".untorn"))
        .count();
    assert!(after <= 1, "{after} orphans stay");
}

fn least_rounds_of(scheme: Scheme) -> u32 {
    match scheme {
        Scheme::Sidecar => least_rounds(),
        _ => least_rounds() / 2,
    }
}

fn open(scheme: Scheme, path: &Path) -> Journal {
    Journal::options().scheme(scheme).open(path).unwrap()
}

/// Whether a change is noted in this file: one is under way, or its process died.
fn is_pending(scene: &Scene, name: &str) -> bool {
    std::fs::metadata(scene.path(name)).is_ok_and(|file| file.len() > 64)
}

/// They are in their parents' process groups, which is ours.
#[cfg(unix)]
fn kill_children_that_live_on(path: &Path) {
    for entry in std::fs::read_dir("/proc").unwrap() {
        let name = entry.unwrap().file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let ours = path.as_os_str().as_encoded_bytes();
        if environment.windows(ours.len()).any(|window| window == ours) {
            // SAFETY: a process that this test started.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
    }
}

fn rewrites_of_killed_processes() {
    let scene = Scene::quick();
    let path = scene.path("j.jsonl");
    let mut acknowledged: BTreeMap<String, u32> = BTreeMap::new();
    let (least, mut round, mut killed_inside) = (least_rounds(), 0, 0);
    // Kills that all missed would show nothing, so there are more of them.
    while round < least || (killed_inside == 0 && round < MOST_ROUNDS) {
        let writers: Vec<_> = (0..2)
            .map(|n| Writer::start("number", Scheme::Sidecar, &path, format!("{round}-{n}")))
            .collect();
        let rewriters: Vec<_> = (0..2)
            .map(|n| {
                Writer::start(
                    "rewrite",
                    Scheme::Sidecar,
                    &path,
                    format!("rewrite-{round}-{n}"),
                )
            })
            .collect();
        for rewriter in rewriters {
            let _ = rewriter.kill_after(fastrand::u32(1..5));
        }
        killed_inside += usize::from(has_temporaries(&scene));
        for writer in writers {
            let id = writer.id.clone();
            if let Some(last) = writer.kill_after(fastrand::u32(1..5)) {
                acknowledged.insert(id, last);
            }
        }
        // Half of the time the next processes find what these left as it is.
        if round % 2 == 0 {
            drop(FileLock::acquire(&path).unwrap());
            assert!(!has_temporaries(&scene), "round {round}: a temporary stays");
        }
        round += 1;
    }
    let journal = rewritable(&path);
    journal.append(b"{\"w\":\"end\",\"n\":0,\"m\":0}").unwrap();
    assert!(!has_temporaries(&scene));
    assert!(killed_inside > 0, "no kill hit a rewrite in {round} rounds");
    let header = journal.header().unwrap();
    // Every record is in the journal or in a rotated file, and each step of a
    // writer whole.
    let mut seen: BTreeMap<(String, u64), BTreeSet<u64>> = BTreeMap::new();
    for (name, _) in scene.files() {
        if !name.ends_with(".jsonl") {
            continue;
        }
        for record in records(&scene.path(&name)) {
            if let Some(head) = record.get("head") {
                assert!(header.is_some(), "{head}");
                continue;
            }
            let key = (
                record["w"].as_str().unwrap().to_owned(),
                record["n"].as_u64().unwrap(),
            );
            seen.entry(key)
                .or_default()
                .insert(record["m"].as_u64().unwrap());
        }
    }
    for (id, last) in &acknowledged {
        for n in 0..=*last {
            let count = if n % 3 == 0 { 1 } else { 5 };
            let found = seen.get(&(id.clone(), n.into())).map_or(0, BTreeSet::len);
            assert_eq!(found, count, "{id}: {n} is lost, or a part of it");
        }
    }
    assert!(acknowledged.len() > least as usize);
}

/// By the names alone: while others write, a file may go before it is read.
fn has_temporaries(scene: &Scene) -> bool {
    std::fs::read_dir(scene.dir())
        .expect("list the directory")
        .map(|entry| entry.expect("an entry").file_name())
        .any(|name| name.to_string_lossy().ends_with(".untorn"))
}
