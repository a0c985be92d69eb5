//! A writer of the torture, in Rust: see `torture.py`.
#![allow(clippy::print_stdout, reason = "it talks to who started it")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use untorn::{CallOptions, DamageKind, Durability, ErrorKind, Fold, Journal, Position};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Serialize, Deserialize)]
struct Record {
    w: usize,
    n: usize,
    length: usize,
    filler: String,
}

/// How many records, a hash of their order, and the last of each writer.
#[derive(Default)]
struct State {
    count: u64,
    hash: u32,
    last: BTreeMap<usize, usize>,
}

impl State {
    /// The next record, which must be whole, and not before one of its writer's.
    fn take(&mut self, bytes: &[u8]) -> std::result::Result<(), serde_json::Error> {
        let record: Record = serde_json::from_slice(bytes)?;
        assert_eq!(record.filler, filler(record.n, record.length));
        let before = self.last.insert(record.w, record.n);
        assert!(before < Some(record.n), "{before:?}, {}", record.n);
        self.count += 1;
        let id = u32::try_from(record.w * 1_000_003 + record.n).expect("small");
        self.hash = self.hash.wrapping_mul(31).wrapping_add(id);
        Ok(())
    }
}

fn filler(n: usize, length: usize) -> String {
    let letter = b'a' + u8::try_from(n % 26).expect("a letter");
    char::from(letter).to_string().repeat(length)
}

fn id(bytes: &[u8]) -> Result<[usize; 2]> {
    let record: Record = serde_json::from_slice(bytes)?;
    Ok([record.w, record.n])
}

struct Writer {
    journal: Journal,
    fold: Fold<State>,
    log: BufWriter<File>,
    number: usize,
    next: usize,
    ends: Vec<(usize, Position)>,
    random: Rng,
}

impl Writer {
    /// What came of an operation that is over.
    fn note(&mut self, entry: &Value) -> Result<()> {
        Ok(writeln!(self.log, "{entry}")?)
    }

    /// The next records of this writer.
    fn records(&mut self, count: usize) -> Vec<String> {
        let next = self.next;
        let mut made = Vec::new();
        for n in next..next + count {
            let long = if n.is_multiple_of(50) { 9_000 } else { 30 };
            let length = [0, 10, 100, 100, long][self.random.usize(..5)];
            let record =
                json!({"w": self.number, "n": n, "length": length, "filler": filler(n, length)});
            made.push(record.to_string());
        }
        made
    }

    fn appended(&mut self, count: usize, end: Position, seen: Option<(u64, u32)>) -> Result<()> {
        let first = self.next;
        self.next += count;
        if self.ends.len() == 8 {
            self.ends.remove(0);
        }
        self.ends.push((self.next - 1, end));
        let mut entry = json!({
            "op": "append", "from": first, "to": self.next - 1,
            "generation": end.generation, "end": end.offset,
        });
        if let Some(seen) = seen {
            entry["seen"] = json!(seen);
        }
        self.note(&entry)
    }

    fn append(&mut self) -> Result<()> {
        let record = self.records(1).remove(0);
        let end = self.journal.append(record.as_bytes())?;
        self.appended(1, end, None)
    }

    fn append_many(&mut self) -> Result<()> {
        let count = self.random.usize(2..=6);
        let records = self.records(count);
        let end = self.journal.append_all(&records)?;
        self.appended(count, end, None)
    }

    fn fold_append(&mut self) -> Result<()> {
        let record = self.records(1).remove(0);
        let end = self.fold.append(record.as_bytes())?;
        self.appended(1, end, None)?;
        self.fold_view("fold")
    }

    /// The state that is decided on is that of all records before this one.
    fn fold_update(&mut self) -> Result<()> {
        let record = self.records(1).remove(0);
        let mut seen = None;
        let end = self.fold.update(|state| {
            seen = Some((state.count, state.hash));
            Ok::<_, untorn::Error>([&record])
        })?;
        self.appended(1, end, seen)
    }

    fn fold_view(&mut self, op: &str) -> Result<()> {
        let (count, hash) = self.fold.read(|state| (state.count, state.hash))?;
        self.note(&json!({"op": op, "count": count, "hash": hash}))
    }

    fn refresh(&mut self) -> Result<()> {
        self.fold.refresh(&CallOptions::new())?;
        self.fold_view("fold")
    }

    /// One pass over the file, without the lock.
    fn view(&mut self) -> Result<()> {
        let mut state = State::default();
        let mut records = self.journal.records()?;
        while let Some(record) = records.next_record()? {
            state.take(record.bytes)?;
        }
        // An append in flight looks torn to a reader without the lock.
        let torn = |damage: &untorn::Damage| damage.kind == DamageKind::TornTail;
        assert!(records.damage().iter().all(torn), "{:?}", records.damage());
        self.note(&json!({"op": "view", "count": state.count, "hash": state.hash}))
    }

    fn rewind(&mut self) -> Result<()> {
        let Some((n, end)) = self.random.choice(&self.ends).copied() else {
            return Ok(());
        };
        let kept = match self.journal.rewind(end) {
            Err(error) if error.kind() == ErrorKind::Conflict => {
                return self.note(&json!({"op": "refused"}));
            }
            kept => kept?,
        };
        self.note(&json!({
            "op": "rewind", "n": n, "generation": end.generation, "end": end.offset,
            "kept": name(kept),
        }))
    }

    fn rotate(&mut self) -> Result<()> {
        let kept = self.journal.rotate()?;
        self.note(&json!({"op": "rotate", "kept": name(kept)}))
    }

    fn compact(&mut self) -> Result<()> {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut rewrite = self.journal.begin_rewrite(&CallOptions::new())?;
        for record in rewrite.records()? {
            let bytes = record?.bytes;
            before.push(id(&bytes)?);
            if before.len() == 1 || self.random.u8(..5) > 0 {
                after.push(id(&bytes)?);
                rewrite.push(&bytes)?;
            }
        }
        if before.is_empty() || self.random.u8(..4) == 0 {
            drop(rewrite);
            return self.note(&json!({"op": "gave up"}));
        }
        let end = rewrite.commit()?;
        self.note(&json!({
            "op": "compact", "before": before, "after": after, "generation": end.generation,
        }))
    }

    fn anything(&mut self) -> Result<()> {
        match self.random.u32(..1_000) {
            0..430 => self.append(),
            430..560 => self.append_many(),
            560..700 => self.fold_append(),
            700..780 => self.fold_update(),
            780..900 => self.view(),
            900..960 => self.refresh(),
            960..975 => self.rewind(),
            975..982 => self.rotate(),
            _ => self.compact(),
        }
    }
}

fn name(path: Option<PathBuf>) -> Option<String> {
    Some(path?.file_name()?.to_string_lossy().into_owned())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, journal, log, number, seed, seconds] = &arguments[..] else {
        return Err("JOURNAL LOG NUMBER SEED SECONDS".into());
    };
    let journal = Journal::options()
        .durability(Durability::Process)
        .open(journal)?;
    let fold = journal.fold(State::default, |state, record| state.take(record.bytes))?;
    let mut writer = Writer {
        journal,
        fold,
        log: BufWriter::new(File::create(log)?),
        number: number.parse()?,
        next: 0,
        ends: Vec::new(),
        random: Rng::with_seed(seed.parse()?),
    };
    let until = Instant::now() + Duration::from_secs_f64(seconds.parse()?);
    while Instant::now() < until {
        writer.anything()?;
    }
    println!("done");
    std::io::stdin().read_line(&mut String::new())?;
    writer.fold.refresh(&CallOptions::new())?;
    writer.fold_view("final")?;
    Ok(writer.log.flush()?)
}
