//! Carries a step out through the crate's API.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use untorn::{
    CallOptions, Damage, Durability, Error, Expect, Follow, FollowItem, Position, Reconciled,
    Records, inspect,
};
use untorn_postgres::{Document, Fold, Journal, Lease, Session, Store, StoreOptions, Transaction};

use super::data::bytes;
use super::options;
use super::outcome::{Kept, Outcome};
use crate::sessions::pool;

/// All records.
type State = Vec<Vec<u8>>;
pub type Result<T> = std::result::Result<T, Error>;

/// Longer than anything takes: a record that does not come is a failure.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Stage {
    pub at: crate::store::Store,
    /// Its statements go by asynchronous clients.
    #[cfg_attr(
        not(feature = "tokio-postgres"),
        expect(dead_code, reason = "there are none")
    )]
    is_async: bool,
    pub key: String,
    pub handles: BTreeMap<String, Handle>,
    pub kept: BTreeMap<String, Kept>,
}

pub enum Handle {
    Journal(Journal),
    Document(Document),
    Transaction(Box<Transaction>),
    Store(Store),
    Session(Session),
    Lease(Box<Lease>),
    Follow(Box<Follow>),
    Fold(Box<Fold<State>>),
}

/// The handle of this name.
macro_rules! handle {
    ($stage:expr, $name:expr, $kind:ident) => {
        match $stage.handles.get_mut($name) {
            Some(Handle::$kind(handle)) => handle,
            _ => panic!("no {} of the name {}", stringify!($kind), $name),
        }
    };
}

pub fn text<'a>(step: &'a Value, key: &str) -> &'a str {
    step[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key}: {step}"))
}

pub fn call(step: &Value) -> CallOptions<'static> {
    let limit = step["timeout"].as_u64().map(Duration::from_millis);
    match limit {
        Some(limit) => CallOptions::new().timeout(Some(limit)),
        None => CallOptions::new(),
    }
}

impl Stage {
    pub fn new(store: &crate::store::Store, key: &str, is_async: bool) -> Stage {
        Stage {
            is_async,
            at: crate::store::Store {
                dir: store.dir.clone(),
                schema: store.schema.clone(),
            },
            key: key.to_owned(),
            handles: BTreeMap::new(),
            kept: BTreeMap::new(),
        }
    }

    fn open(&self, options: StoreOptions) -> Result<Store> {
        #[cfg(feature = "tokio-postgres")]
        if self.is_async {
            return options.open(crate::tokio::pool(&self.at.dir), &self.at.schema);
        }
        options.open(pool(&self.at.dir), &self.at.schema)
    }

    fn add(&mut self, step: &Value, handle: Handle) -> Result<Outcome> {
        self.handles.insert(text(step, "on").to_owned(), handle);
        Ok(Outcome::default())
    }

    pub fn position(&self, value: &Value) -> Position {
        let of = value.as_str().or(value["of"].as_str()).expect("a position");
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

    pub fn run(&mut self, step: &Value) -> Result<Outcome> {
        let op = text(step, "op");
        match op {
            "journal_open" => {
                let options = options::journal(step);
                let store = self.open(Store::options().journal(options))?;
                let journal = store
                    .session(&self.key)?
                    .journal_named(text(step, "path"))?;
                self.add(step, Handle::Journal(journal))
            }
            "append" | "append_all" | "append_at" | "end" | "records" | "values" | "tail"
            | "verify" | "sync" => self.journal_step(op, step),
            "rewind" | "replace" | "rotate" | "clear" | "rotated" | "prune_rotated" | "compact"
            | "header" | "set_header" => self.rewrite_step(op, step),
            "file_remove" | "file_replace" => self.foreign_step(op, step),
            "document_open" => {
                let store = self.open(Store::options())?;
                let document = store.session(&self.key)?.document(text(step, "path"))?;
                self.add(step, Handle::Document(document))
            }
            "load_json" => {
                let store = self.open(Store::options())?;
                let document = store.session(&self.key)?.document(text(step, "path"))?;
                let (bytes, _) = document.load()?;
                untorn::document_json(std::path::Path::new(text(step, "path")), &bytes)?;
                Ok(Outcome::default())
            }
            "load" | "save" | "create" | "update" | "remove" => self.document_step(op, step),
            "follow" | "next" | "fold" | "fold_refresh" | "fold_append" => {
                self.following_step(op, step)
            }
            "transaction" | "commit" | "rollback" => self.transaction_step(op, step),
            op if op.starts_with("tx_") => self.transaction_step(op, step),
            _ => self.session_step(op, step),
        }
    }

    fn reader(&mut self, step: &Value) -> Result<Records> {
        let start = step.get("start").map(|start| self.position(start));
        let journal = handle!(self, text(step, "on"), Journal);
        let records = match start {
            Some(start) => journal.records_from(start)?,
            None => journal.records()?,
        };
        Ok(records.limits(step["max_records"].as_u64(), step["max_bytes"].as_u64()))
    }

    fn journal_step(&mut self, op: &str, step: &Value) -> Result<Outcome> {
        let records = || {
            step["records"]
                .as_array()
                .expect("records")
                .iter()
                .map(bytes)
        };
        let at = step.get("at").map(|at| self.position(at));
        if let "records" | "values" = op {
            let mut reader = self.reader(step)?;
            let (mut all, mut values, mut damage) = (Vec::new(), Vec::new(), Vec::new());
            while let Some(record) = reader.next_record()? {
                match (
                    serde_json::from_slice::<Value>(record.bytes),
                    inspect(record.bytes),
                ) {
                    (Ok(value), None) => values.push(value),
                    (_, Some(kind)) if op == "values" => damage.push(Damage {
                        kind,
                        offset: record.start.offset,
                        length: record.end.offset - record.start.offset,
                        line: None,
                        repairable: false,
                    }),
                    _ => {}
                }
                all.push(untorn::OwnedRecord::from(record));
            }
            damage.extend(reader.damage());
            damage.sort_by_key(|damage| damage.offset);
            return Ok(Outcome {
                records: (op == "records").then_some(all),
                values: Some(values),
                damage,
                ..Outcome::default()
            });
        }
        let journal = handle!(self, text(step, "on"), Journal);
        Ok(match op {
            "append" => journal
                .append_with(&bytes(&step["record"]), &call(step))?
                .into(),
            "append_all" => match step.get("header") {
                Some(header) => journal
                    .append_with_header(&bytes(header), records())?
                    .into(),
                None => journal.append_all(records())?.into(),
            },
            "append_at" => journal.append_at(at.expect("at"), records())?.into(),
            "end" => journal.end()?.into(),
            "verify" => journal.verify()?.into(),
            "sync" => {
                journal.sync()?;
                Outcome::default()
            }
            "tail" => Outcome {
                records: Some(journal.tail(step["n"].as_u64().expect("n") as usize)?),
                ..Outcome::default()
            },
            op => panic!("no such op: {op}"),
        })
    }

    fn document_step(&mut self, op: &str, step: &Value) -> Result<Outcome> {
        let expect = match step["expect"].as_str().map(|name| self.kept.get(name)) {
            None => Expect::Anything,
            Some(Some(Kept::Version(version))) => Expect::Version(*version),
            Some(_) => panic!("no version of this name was kept: {step}"),
        };
        let document = handle!(self, text(step, "on"), Document);
        Ok(match op {
            "load" => {
                let (value, version) = document.load()?;
                Outcome {
                    value: Some(Some(value)),
                    ..version.into()
                }
            }
            "save" => document
                .save_with(&bytes(&step["bytes"]), expect, &call(step))?
                .into(),
            "create" => document.create(&bytes(&step["bytes"]))?.into(),
            "remove" => Outcome {
                removed: Some(document.remove_with(expect, &call(step))?),
                ..Outcome::default()
            },
            "update" => {
                let mut was = None;
                let result = document.update(|old| {
                    was = Some(old.map(<[u8]>::to_vec));
                    match step["fail"] == true {
                        true => Err(Error::internal("mine", std::path::Path::new("d"), "no")),
                        false => Ok(bytes(&step["bytes"])),
                    }
                });
                let outcome = match result {
                    Err(error) if step["fail"] == true && error.operation() == "mine" => {
                        Outcome::default()
                    }
                    result => result?.into(),
                };
                Outcome {
                    value: was,
                    ..outcome
                }
            }
            op => panic!("no such op: {op}"),
        })
    }

    fn following_step(&mut self, op: &str, step: &Value) -> Result<Outcome> {
        let on = text(step, "on");
        match op {
            "follow" => {
                let start = step.get("start").map(|start| self.position(start));
                let follow = handle!(self, text(step, "journal"), Journal).follow(start)?;
                return self.add(step, Handle::Follow(Box::new(follow)));
            }
            "next" => {
                let limit = step["timeout"].as_u64().map(Duration::from_millis);
                let call = CallOptions::new().timeout(Some(limit.unwrap_or(PATIENCE)));
                let found = handle!(self, on, Follow).next(&call)?;
                let told = match &found {
                    None => Some("nothing"),
                    Some(FollowItem::Rewound { .. }) => Some("rewound"),
                    _ => None,
                };
                for key in ["nothing", "rewound"] {
                    assert_eq!(
                        told == Some(key),
                        step.get(key).is_some(),
                        "{step}: {found:?}"
                    );
                }
                return Ok(match found {
                    Some(FollowItem::Record(record)) => {
                        assert_eq!(record.bytes, bytes(&step["record"]), "{step}");
                        Outcome::default()
                    }
                    Some(FollowItem::Rewound { from, to }) => {
                        Outcome::of("rewound", json!([from.offset, to.offset]))
                    }
                    _ => Outcome::of("nothing", true),
                });
            }
            "fold" => {
                let journal = handle!(self, text(step, "journal"), Journal);
                let fold = journal.fold(State::new, |state: &mut State, record| {
                    state.push(record.bytes.to_vec());
                    Ok::<(), std::convert::Infallible>(())
                })?;
                return self.add(step, Handle::Fold(Box::new(fold)));
            }
            _ => {}
        }
        let fold = handle!(self, on, Fold);
        match op {
            "fold_refresh" => fold.refresh(&CallOptions::new())?,
            _ => fold.append(&bytes(&step["record"]))?,
        };
        let expected: State = step["state"]
            .as_array()
            .expect("state")
            .iter()
            .map(bytes)
            .collect();
        fold.read(|state| assert_eq!(*state, expected, "{step}"))?;
        Ok(Outcome::default())
    }

    fn transaction_step(&mut self, op: &str, step: &Value) -> Result<Outcome> {
        if op == "transaction" {
            let store = self.open(Store::options().journal(options::journal(step)))?;
            let transaction = store.session(&self.key)?.transaction()?;
            return self.add(step, Handle::Transaction(Box::new(transaction)));
        }
        let transaction = handle!(self, text(step, "on"), Transaction);
        let mut outcome = Outcome::default();
        match op {
            "commit" => transaction.commit()?,
            "rollback" => transaction.rollback(),
            _ => {
                let name = text(step, "name");
                match op {
                    "tx_load" => outcome.value = Some(transaction.load(name)?.map(|found| found.0)),
                    "tx_save" => outcome = transaction.save(name, &bytes(&step["bytes"]))?.into(),
                    "tx_create" => {
                        outcome = transaction.create(name, &bytes(&step["bytes"]))?.into()
                    }
                    "tx_remove" => outcome.removed = Some(transaction.remove(name)?),
                    "tx_set_header" => transaction.set_header(name, &bytes(&step["bytes"]))?,
                    "tx_append" => {
                        let records = step["records"].as_array().expect("records");
                        transaction.append(name, records.iter().map(bytes))?;
                    }
                    op => panic!("no such op: {op}"),
                }
            }
        }
        Ok(outcome)
    }

    fn session_step(&mut self, op: &str, step: &Value) -> Result<Outcome> {
        match op {
            "store" => {
                let limit = step["timeout"].as_u64().map(Duration::from_millis);
                let word = step["durability"].as_str().unwrap_or("process");
                let durability: Durability = word.parse().expect("a durability");
                let mut options = Store::options().durability(durability).timeout(limit);
                if let Some(name) = step["journal_name"].as_str() {
                    options = options.journal_name(name);
                }
                if let Some(name) = step["state_name"].as_str() {
                    options = options.state_name(name);
                }
                let store = self.open(options)?;
                self.add(step, Handle::Store(store))
            }
            "keys" => {
                let keys = handle!(self, text(step, "on"), Store).keys()?;
                Ok(Outcome::of("keys", keys))
            }
            "store_remove" => Ok(Outcome {
                removed: Some(handle!(self, text(step, "on"), Store).remove(text(step, "key"))?),
                ..Outcome::default()
            }),
            "search" => {
                let mut search = handle!(self, text(step, "on"), Store).search(text(step, "text"));
                if let Some(n) = step["max_hits"].as_u64() {
                    search = search.max_hits(n as usize);
                }
                let hits = search.run()?;
                let hits = hits.iter().map(|hit| {
                    let (start, end) = hit.range;
                    json!([hit.key, hit.snippet[start..end]])
                });
                Ok(Outcome::of("hits", hits.collect::<Value>()))
            }
            "session" => {
                let store = handle!(self, text(step, "store"), Store);
                let session = store.session(text(step, "key"))?;
                let exists = session.exists()?;
                self.add(step, Handle::Session(session))?;
                Ok(Outcome::of("exists", exists))
            }
            "session_journal" => {
                let journal = handle!(self, text(step, "session"), Session).journal()?;
                self.add(step, Handle::Journal(journal))
            }
            "session_state" => {
                let state = handle!(self, text(step, "session"), Session).state()?;
                self.add(step, Handle::Document(state))
            }
            "session_document" => {
                let session = handle!(self, text(step, "session"), Session);
                let document = session.document(text(step, "name"))?;
                self.add(step, Handle::Document(document))
            }
            "session_holder" => {
                let holder = handle!(self, text(step, "on"), Session).holder()?;
                let expected = &step["holder"];
                let shown = holder.map_or(Value::Null, |holder| {
                    let mut all = json!({
                        "label": holder.label,
                        "alive": holder.alive().as_str(),
                        "self": holder.pid == std::process::id(),
                    });
                    if let (Some(all), Some(expected)) = (all.as_object_mut(), expected.as_object())
                    {
                        all.retain(|key, _| expected.contains_key(key));
                    }
                    all
                });
                Ok(Outcome::of("holder", shown))
            }
            "claim" => {
                let session = handle!(self, text(step, "session"), Session);
                let lease = match step.get("timeout") {
                    None => session.claim(text(step, "label"))?,
                    Some(_) => session.claim_with(text(step, "label"), &call(step))?,
                };
                self.add(step, Handle::Lease(Box::new(lease)))
            }
            "release" => {
                handle!(self, text(step, "on"), Lease).release()?;
                Ok(Outcome::default())
            }
            "reconcile" => self.reconcile(step),
            op => panic!("no such op: {op}"),
        }
    }

    fn reconcile(&mut self, step: &Value) -> Result<Outcome> {
        let session = handle!(self, text(step, "on"), Session);
        let result = session.reconcile_with(
            |transaction| {
                let files = step["save"].as_object().expect("save");
                for (name, value) in files {
                    transaction.save(name, &bytes(value))?;
                }
                match step["fail"] == true {
                    true => Err(Error::internal("mine", std::path::Path::new("s"), "no")),
                    false => Ok(!files.is_empty()),
                }
            },
            || Ok(step["also_alive"] == true),
            &CallOptions::new(),
        );
        match result {
            Err(error) if step["fail"] == true && error.operation() == "mine" => {
                Ok(Outcome::default())
            }
            result => Ok(Outcome::of(
                "outcome",
                match result? {
                    Reconciled::NoChange => "no_change",
                    Reconciled::Busy => "busy",
                    Reconciled::Alive(_) => "alive",
                    Reconciled::Done => "done",
                },
            )),
        }
    }
}
