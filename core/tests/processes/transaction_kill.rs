//! Real processes, killed with SIGKILL at random in the middle of transactions, while
//! others append and save by themselves and lock-free readers read. Every transaction
//! is there whole or not at all.
//!
//! Without the test harness: the writers are this very program, which gets their part
//! by an environment variable.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::scene::lane;
use crate::scene::program::{Outcome, Part, Test, player, say};
use crate::scene::{Scene, records};
use serde_json::Value;
use untorn::{Document, Durability, FileLock, Journal, Snapshot, Transaction, snapshot};

/// How many rounds are tried at most, until a kill has hit what it was meant to hit.
const MOST_ROUNDS: u32 = 600;

pub const PARTS: &[Part] = &[
    ("transact", || transact(&dir())),
    ("alone", || alone(&dir())),
];

pub const TESTS: &[Test] = &[(
    "transactions_of_killed_processes",
    transactions_of_killed_processes,
)];

fn dir() -> PathBuf {
    PathBuf::from(std::env::var_os("UNTORN_TEST_PATH").expect("a directory"))
}

fn n_of(bytes: &[u8]) -> u64 {
    let value: Value = serde_json::from_slice(bytes).expect("a whole document");
    value["n"].as_u64().expect("n")
}

/// Counts in two documents and a journal at once; with each step a file comes or
/// goes.
fn transact(dir: &Path) -> ! {
    loop {
        let mut tx = Transaction::options()
            .durability(Durability::Process)
            .begin(dir)
            .unwrap();
        let n = tx.load("a").unwrap().map_or(0, |(bytes, _)| n_of(&bytes)) + 1;
        let padding = "p".repeat(fastrand::usize(..50_000));
        let value = format!("{{\"n\":{n},\"padding\":\"{padding}\"}}");
        tx.save("a", value.as_bytes()).unwrap();
        tx.save("b", value.as_bytes()).unwrap();
        tx.append("log", [&value, "{\"and\":\"another\"}"]).unwrap();
        if n % 2 == 1 {
            tx.create("odd", b"{}").unwrap();
        } else {
            assert!(tx.remove("odd").unwrap());
        }
        tx.commit().unwrap();
        say(&n.to_string());
    }
}

/// Changes the same journal, and another document, by themselves.
fn alone(dir: &Path) -> ! {
    let options = Journal::options().durability(Durability::Process);
    let log = options.open(dir.join("log")).unwrap();
    let document = Document::options()
        .durability(Durability::Process)
        .open(dir.join("c"))
        .unwrap();
    for s in 0_u32.. {
        log.append(format!("{{\"s\":{s}}}").as_bytes()).unwrap();
        log.append_all([format!("{{\"s\":{s},\"of\":2}}"), "{\"s\":null}".to_owned()])
            .unwrap();
        document
            .update(|_| Ok(format!("{{\"n\":{s}}}").into_bytes()))
            .unwrap();
        say(&s.to_string());
    }
    unreachable!()
}

struct Writer(Child, BufReader<ChildStdout>);

impl Writer {
    fn start(part: &str, dir: &Path) -> Writer {
        let mut command = player(part);
        command.env("UNTORN_TEST_PATH", dir).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Writer(child, out)
    }

    /// The last number that it acknowledged before it was killed.
    fn kill_after(mut self, count: u32) -> Option<u64> {
        let mut last = None;
        for _ in 0..count {
            let mut line = String::new();
            self.1.read_line(&mut line).unwrap();
            last = line.trim().parse().ok();
        }
        // Not to wait for anything: the kill is to hit any instruction.
        std::thread::sleep(Duration::from_micros(fastrand::u64(..1_500)));
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        for line in self.1.lines() {
            last = line.unwrap().trim().parse().ok().or(last);
        }
        last
    }
}

/// Every file by itself is whole, and all together are of one transaction.
fn check(snapshot: &Snapshot) -> u64 {
    let n = |name| {
        snapshot
            .load(name)
            .unwrap()
            .map_or(0, |(bytes, _)| n_of(&bytes))
    };
    let log: Vec<Value> = snapshot
        .records("log")
        .unwrap()
        .map(|record| serde_json::from_slice(&record.unwrap().bytes).unwrap())
        .collect();
    let counted: Vec<u64> = log
        .iter()
        .filter_map(|record| record["n"].as_u64())
        .collect();
    let last = n("a");
    assert_eq!(n("b"), last, "both documents");
    assert!(
        counted.iter().copied().eq(1..=last),
        "each step once, in order: {last}"
    );
    for (at, record) in log.iter().enumerate() {
        if record["n"].is_u64() {
            assert_eq!(log[at + 1]["and"], "another", "in one piece");
        }
    }
    let odd = snapshot.names().any(|name| name == "odd");
    assert_eq!(odd, last % 2 == 1, "the file that comes and goes");
    last
}

fn transactions_of_killed_processes() -> Outcome {
    let scene = Scene::new();
    let dir = scene.dir();
    let stop = AtomicBool::new(false);
    let mut acknowledged = 0;
    let (mut committed, mut marked) = (0, 0);
    // Each round kills at other instructions.
    let (least, mut round) = (lane::rounds(20, 60), 0);
    std::thread::scope(|scope| {
        let readers = scope.spawn(|| {
            let mut seen = BTreeSet::new();
            while !stop.load(Ordering::Relaxed) {
                for name in ["a", "b"] {
                    // Takes no lock: whole, before or after.
                    if let Ok((bytes, _)) = untorn::load(dir.join(name)) {
                        seen.insert(n_of(&bytes));
                    }
                }
                check(&snapshot(dir).unwrap());
            }
            seen.len()
        });
        // Kills that all missed would show nothing, so there are more of them.
        while round < least || ((committed == 0 || marked == 0) && round < MOST_ROUNDS) {
            let writers: Vec<_> = ["transact", "transact", "alone"]
                .map(|part| (part, Writer::start(part, dir)))
                .into();
            for (part, writer) in writers {
                let last = writer.kill_after(fastrand::u32(1..4));
                // What it left, if the reader has not settled it yet.
                committed += u32::from(dir.join(".untorn.txn").exists());
                marked += u32::from(
                    std::fs::metadata(dir.join("b.lock")).is_ok_and(|lock| lock.len() > 64),
                );
                if part == "transact" {
                    acknowledged = acknowledged.max(last.unwrap_or(0));
                }
            }
            let patient = FileLock::options().timeout(Some(Duration::from_secs(60)));
            let name = ["a", "b", "log", "odd"][round as usize % 4];
            drop(patient.acquire(dir.join(name)).expect("the locks died"));
            assert!(
                check(&snapshot(dir).unwrap()) >= acknowledged,
                "none is lost"
            );
            round += 1;
        }
        stop.store(true, Ordering::Relaxed);
        assert!(readers.join().unwrap() > 20, "the readers saw changes");
    });
    assert!(acknowledged > u64::from(least));
    assert!(!records(&dir.join("log")).is_empty());
    // It must have hit: otherwise this test shows nothing.
    assert!(committed > 0 && marked > 0, "{committed} {marked}");
    // Who locks a file settles what is pending in its lock file.
    for name in ["a", "b", "log", "odd"] {
        drop(FileLock::acquire(dir.join(name)).unwrap());
    }
    drop(Transaction::begin(dir).unwrap());
    // What a save by itself leaves, the first save of another process sweeps.
    Document::open(dir.join("c")).unwrap().save(b"{}").unwrap();
    for (name, bytes) in scene.files() {
        assert!(!name.ends_with(".lock") || bytes.len() <= 64, "{name}");
        let kept = [".lock", ".torn", ".holder"]
            .iter()
            .any(|end| name.ends_with(end));
        assert!(
            kept || ["a", "b", "c", "log", "odd"].contains(&&name[..]),
            "{name} is left"
        );
    }
    Outcome::Passed
}
