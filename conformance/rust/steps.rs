//! Carries a step out through the public API.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use untorn::{
    CallOptions, Damage, Document, Error, FileLock, Fold, Follow, Journal, Lease, LockGuard,
    Position, Records, Session, Store, Transaction, inspect,
};

use super::arguments::{name, scheme, timeout};
use super::data::{self, bytes};
use super::following::State;
use super::options;
use super::outcome::{Kept, Outcome};

/// What the handles of a case are, and what it has kept.
pub struct Stage {
    pub dir: PathBuf,
    pub handles: BTreeMap<String, Handle>,
    pub kept: BTreeMap<String, Kept>,
}

pub enum Handle {
    Journal(Journal),
    Document(Document),
    Lock(LockGuard),
    Transaction(Box<Transaction>),
    Store(Store),
    Session(Session),
    Lease(Box<Lease>),
    Follow(Box<Follow>),
    Fold(Box<Fold<State>>),
    Foreign(Child),
}

type Result<T> = std::result::Result<T, Error>;

impl Stage {
    pub fn run(&mut self, step: &Value) -> Result<Outcome> {
        match step["op"].as_str().expect("op") {
            "journal_open" => {
                let journal = options::journal(step).open(self.path(step))?;
                self.add(step, Handle::Journal(journal));
            }
            "append" => {
                let record = bytes(&step["record"]);
                let position = self.journal(step).append_with(&record, &self.call(step))?;
                return Ok(position.into());
            }
            "append_all" => return self.append_many(step, None),
            "append_at" => return self.append_many(step, Some(self.position(&step["at"]))),
            "end" => return Ok(self.journal(step).end()?.into()),
            "records" => {
                let mut reader = self.reader(step)?;
                let records = reader.by_ref().collect::<Result<_>>()?;
                return Ok(Outcome {
                    records: Some(records),
                    damage: reader.damage().to_vec(),
                    ..Outcome::default()
                });
            }
            "values" => return self.values(step),
            "tail" => {
                let n = usize::try_from(step["n"].as_u64().expect("n")).unwrap();
                return Ok(Outcome {
                    records: Some(self.journal(step).tail(n)?),
                    ..Outcome::default()
                });
            }
            "verify" => return Ok(self.journal(step).verify()?.into()),
            "repair" => return Ok(self.journal(step).repair_with(&self.call(step))?.into()),
            "sync" => self.journal(step).sync()?,
            "close" => match self.handle(step) {
                Handle::Journal(journal) => journal.close()?,
                Handle::Document(document) => document.close()?,
                _ => panic!("close is for files: {step}"),
            },
            "lock" | "lock_at" => {
                let lock = self.take_lock(step)?;
                self.add(step, Handle::Lock(lock));
            }
            "unlock" => match self.handle(step) {
                Handle::Lock(lock) => lock.release()?,
                _ => panic!("unlock is for locks: {step}"),
            },
            "foreign_lock" => {
                let child = self.foreign_lock(step);
                self.add(step, Handle::Foreign(child));
            }
            "foreign_unlock" => match self.handles.remove(name(step)) {
                Some(Handle::Foreign(child)) => end_foreign(child),
                _ => panic!("no foreign lock: {step}"),
            },
            op if op.starts_with("file_") => self.foreign_write(op, step),
            "header" | "set_header" => return self.header_step(step),
            "rewind" | "rotate" | "clear" | "rotated" | "prune_rotated" | "replace" | "compact" => {
                return self.rewrite_step(step);
            }
            "salvage" | "salvage_plan" | "prune_torn" | "restore_torn" | "waiters"
            | "held_below" => return self.salvage_step(step),
            op if op.starts_with("torn") => return self.salvage_step(step),
            "transaction" | "commit" | "rollback" => return self.transaction_step(step),
            op if op.starts_with("tx_") => return self.transaction_step(step),
            "store" | "search" | "keys" | "store_remove" | "claim" | "release" | "reconcile" => {
                return self.session_step(step);
            }
            "follow" | "next" => return self.following_step(step),
            op if op.starts_with("fold") => return self.following_step(step),
            op if op.starts_with("session") => return self.session_step(step),
            _ => return self.document_step(step),
        }
        Ok(Outcome::default())
    }

    fn append_many(&self, step: &Value, at: Option<Position>) -> Result<Outcome> {
        let journal = self.journal(step);
        let records = step["records"].as_array().expect("records");
        let records = records.iter().map(bytes);
        // Both ways into the core: the plain verbs, and the one for bindings.
        let header = step.get("header").map(bytes);
        if step.get("lock").is_none() && step.get("timeout").is_none() {
            return Ok(match (at, header) {
                (Some(at), _) => journal.append_at(at, records)?.into(),
                (None, Some(header)) => journal.append_with_header(&header, records)?.into(),
                (None, None) => journal.append_all(records)?.into(),
            });
        }
        let mut batch = journal.batch();
        for record in records {
            batch.push(&record)?;
        }
        if let Some(header) = header {
            batch.set_header(&header)?;
        }
        Ok(journal.append_batch(&batch, at, &self.call(step))?.into())
    }

    fn reader(&self, step: &Value) -> Result<Records> {
        let journal = self.journal(step);
        let records = match step.get("start") {
            Some(start) => journal.records_from(self.position(start))?,
            None => journal.records()?,
        };
        Ok(records.limits(step["max_records"].as_u64(), step["max_bytes"].as_u64()))
    }

    /// As a binding decodes: what the decoder refuses, `inspect` names.
    fn values(&self, step: &Value) -> Result<Outcome> {
        let mut reader = self.reader(step)?;
        let (mut values, mut damage) = (Vec::new(), Vec::new());
        while let Some(record) = reader.next_record()? {
            match (serde_json::from_slice(record.bytes), inspect(record.bytes)) {
                (Ok(value), None) => values.push(value),
                (Err(_), Some(kind)) => damage.push(Damage {
                    kind,
                    offset: record.start.offset,
                    length: record.end.offset - record.start.offset,
                    line: None,
                    repairable: false,
                }),
                (decoded, kind) => panic!("{decoded:?}, but inspect says {kind:?}"),
            }
        }
        damage.extend(reader.damage());
        damage.sort_by_key(|damage| damage.offset);
        Ok(Outcome {
            values: Some(values),
            damage,
            ..Outcome::default()
        })
    }

    fn take_lock(&self, step: &Value) -> Result<LockGuard> {
        let mut options = FileLock::options()
            .timeout(timeout(step))
            .shared(step["shared"] == true);
        if let Some(scheme) = scheme(step) {
            options = options.scheme(scheme);
        }
        if let Some(label) = step["label"].as_str() {
            options = options.label(label);
        }
        match step["op"] == "lock" {
            true => options.acquire(self.path(step)),
            false => options.acquire_at(self.path(step)),
        }
    }

    /// Another process, with nothing of this library in it.
    fn foreign_lock(&self, step: &Value) -> Child {
        let mut child = Command::new("flock")
            .args((step["shared"] == true).then_some("--shared"))
            .arg(self.path(step))
            .args(["sh", "-c", "echo; read -r _"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the command flock of util-linux");
        let out = child.stdout.as_mut().expect("its output");
        out.read_exact(&mut [0]).expect("it has the lock");
        child
    }

    fn foreign_write(&self, op: &str, step: &Value) {
        let path = self.path(step);
        match op {
            "file_write" => fs::write(path, bytes(&step["bytes"])).unwrap(),
            "file_append" => fs::OpenOptions::new()
                .append(true)
                .open(path)
                .and_then(|mut file| file.write_all(&bytes(&step["bytes"])))
                .unwrap(),
            "file_replace" => {
                let new = self.dir.join("foreign.new");
                fs::write(&new, bytes(&step["bytes"])).unwrap();
                fs::rename(new, path).unwrap();
            }
            "file_remove" => fs::remove_file(path).unwrap(),
            "file_move" => {
                let to = step["to"].as_str().expect("to");
                fs::rename(path, self.dir.join(to)).unwrap();
            }
            "file_make_directory" => fs::create_dir(path).unwrap(),
            "file_is" => data::check(&path, &step["bytes"]).unwrap_or_else(|why| panic!("{why}")),
            _ => panic!("no such op: {op}"),
        }
    }

    pub fn call(&self, step: &Value) -> CallOptions<'_> {
        let mut call = CallOptions::new();
        if let Some(limit) = timeout(step) {
            call = call.timeout(Some(limit));
        }
        match step["lock"].as_str().map(|name| &self.handles[name]) {
            None => call,
            Some(Handle::Lock(lock)) => call.lock(lock),
            Some(_) => panic!("lock names no lock: {step}"),
        }
    }

    pub fn position(&self, value: &Value) -> Position {
        let of = value.as_str().or(value["of"].as_str());
        let of = of.unwrap_or_else(|| panic!("this is no position: {value}"));
        let mut position = match self.kept.get(of) {
            Some(Kept::Position(position)) => *position,
            None if of == "nothing" => Position {
                generation: 0,
                offset: 0,
            },
            _ => panic!("no position was kept as {of}"),
        };
        if let Some(offset) = value["offset"].as_u64() {
            position.offset = offset;
        }
        position
    }

    pub fn path(&self, step: &Value) -> PathBuf {
        self.dir.join(step["path"].as_str().expect("path"))
    }

    pub fn add(&mut self, step: &Value, handle: Handle) {
        self.handles.insert(name(step).to_owned(), handle);
    }

    pub fn handle(&self, step: &Value) -> &Handle {
        let handle = self.handles.get(name(step));
        handle.unwrap_or_else(|| panic!("no such handle: {step}"))
    }

    pub fn handle_mut(&mut self, step: &Value) -> &mut Handle {
        let handle = self.handles.get_mut(name(step));
        handle.unwrap_or_else(|| panic!("no such handle: {step}"))
    }

    pub fn journal(&self, step: &Value) -> &Journal {
        match self.handle(step) {
            Handle::Journal(journal) => journal,
            _ => panic!("not a journal: {step}"),
        }
    }
}

pub fn end_foreign(mut child: Child) {
    drop(child.stdin.take());
    child.wait().expect("it ends");
}
