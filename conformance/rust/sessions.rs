//! The steps on stores and sessions.

use serde_json::{Value, json};
use untorn::{CallOptions, Error, Holder, Reconciled, Session, Store};

use super::arguments::{durability, name, timeout};
use super::data::bytes;
use super::outcome::Outcome;
use super::steps::{Handle, Stage};

type Result<T> = std::result::Result<T, Error>;

impl Stage {
    pub fn session_step(&mut self, step: &Value) -> Result<Outcome> {
        let text = |key: &str| {
            step[key]
                .as_str()
                .unwrap_or_else(|| panic!("{key}: {step}"))
        };
        match step["op"].as_str().expect("op") {
            "store" => {
                let store = self.open_store(step)?;
                self.add(step, Handle::Store(store));
            }
            "keys" => return Ok(Outcome::of("keys", self.store(name(step)).keys()?)),
            "store_remove" => {
                let removed = self.store(name(step)).remove(text("key"))?;
                return Ok(Outcome {
                    removed: Some(removed),
                    ..Outcome::default()
                });
            }
            "search" => {
                let mut search = self.store(name(step)).search(text("text"));
                if let Some(n) = step["max_hits"].as_u64() {
                    search = search.max_hits(usize::try_from(n).expect("max_hits"));
                }
                let hits = search.run()?;
                let hits = hits.iter().map(|hit| {
                    let (start, end) = hit.range;
                    json!([hit.key, hit.snippet[start..end]])
                });
                return Ok(Outcome::of("hits", hits.collect::<Value>()));
            }
            "session" => {
                let session = self.store(text("store")).session(text("key"))?;
                let outcome = Outcome::of("exists", session.exists()?);
                self.add(step, Handle::Session(session));
                return Ok(outcome);
            }
            "session_journal" => {
                let journal = self.session(text("session")).journal()?;
                self.add(step, Handle::Journal(journal));
            }
            "session_state" => {
                let state = self.session(text("session")).state()?;
                self.add(step, Handle::Document(state));
            }
            "session_document" => {
                let document = self.session(text("session")).document(text("name"))?;
                self.add(step, Handle::Document(document));
            }
            "session_holder" => {
                let holder = self.session(name(step)).holder()?;
                return Ok(Outcome::of("holder", shown(holder, &step["holder"])));
            }
            "claim" => {
                let session = self.session(text("session"));
                let lease = match timeout(step) {
                    None => session.claim(text("label"))?,
                    Some(limit) => session
                        .claim_with(text("label"), &CallOptions::new().timeout(Some(limit)))?,
                };
                self.add(step, Handle::Lease(Box::new(lease)));
            }
            "release" => match self.handle(step) {
                Handle::Lease(lease) => lease.release()?,
                _ => panic!("not a lease: {step}"),
            },
            "reconcile" => return self.reconcile(step),
            op => panic!("no such op: {op}"),
        }
        Ok(Outcome::default())
    }

    fn open_store(&self, step: &Value) -> Result<Store> {
        let mut options = Store::options()
            .durability(durability(step))
            .timeout(timeout(step))
            .create(step["create"] != false);
        if let Some(name) = step["journal_name"].as_str() {
            options = options.journal_name(name);
        }
        if let Some(name) = step["state_name"].as_str() {
            options = options.state_name(name);
        }
        options.open(self.path(step))
    }

    fn reconcile(&self, step: &Value) -> Result<Outcome> {
        let session = self.session(name(step));
        let mine = || Error::internal("mine", session.path(), "no");
        let result = session.reconcile_with(
            |transaction| {
                let files = step["save"].as_object().expect("save");
                for (name, value) in files {
                    transaction.save(name, &bytes(value))?;
                }
                match step["fail"] == true {
                    true => Err(mine()),
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
            Ok(_) if step["fail"] == true => panic!("the caller's own error was lost"),
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

    fn store(&self, name: &str) -> &Store {
        match &self.handles[name] {
            Handle::Store(store) => store,
            _ => panic!("not a store: {name}"),
        }
    }

    fn session(&self, name: &str) -> &Session {
        match &self.handles[name] {
            Handle::Session(session) => session,
            _ => panic!("not a session: {name}"),
        }
    }
}

/// What of a holder the step compares.
fn shown(holder: Option<Holder>, expected: &Value) -> Value {
    let Some(holder) = holder else {
        return Value::Null;
    };
    let mut all = json!({
        "label": holder.label,
        "alive": holder.alive().as_str(),
        "self": holder.pid == std::process::id(),
    });
    if let (Some(all), Some(expected)) = (all.as_object_mut(), expected.as_object()) {
        all.retain(|key, _| expected.contains_key(key));
    }
    all
}
