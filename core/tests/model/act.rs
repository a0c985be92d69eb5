//! What a process does with the library: the handles that it keeps, and the
//! calls on them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use untorn::{
    CallOptions, Document, Durability, Error, ErrorKind, Expect, Fold, Follow, Journal, Lease,
    Position, Reconciled, Records, Scheme, Session, Store, Transaction, Version,
};

use super::message::{Answer, Order};
use super::step::{Locks, Setting, Verb};
use super::views::{read_on, text};

pub const JOURNAL: &str = "j.jsonl";
pub const DOCS: [&str; 3] = ["a.json", "b.json", "c.json"];
/// How a header begins.
pub const PREFIX: &str = "{\"h\":";
/// The length of its line.
pub const RESERVE: usize = 96;

pub type State = Vec<String>;

/// All that a process has open.
pub struct Hands {
    pub dir: PathBuf,
    setting: Setting,
    journal: Option<Journal>,
    docs: [Option<Document>; 3],
    reader: Option<Records>,
    pub follow: Option<Follow>,
    pub fold: Option<Fold<State>>,
    session: Option<Session>,
    lease: Option<Lease>,
}

impl Hands {
    pub fn new(dir: &Path, setting: Setting) -> Hands {
        Hands {
            dir: dir.to_owned(),
            setting,
            journal: None,
            docs: [None, None, None],
            reader: None,
            follow: None,
            fold: None,
            session: None,
            lease: None,
        }
    }

    pub fn act(&mut self, order: &Order) -> Answer {
        let mut answer = Answer::default();
        let work = std::panic::AssertUnwindSafe(|| self.work(order, &mut answer));
        answer.error = match std::panic::catch_unwind(work) {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some((error.kind().code().to_owned(), error.to_string())),
            Err(_) => Some(("PANIC".to_owned(), String::new())),
        };
        answer
    }

    fn work(&mut self, order: &Order, answer: &mut Answer) -> Result<(), Error> {
        let texts = &order.texts;
        let at = order.at.unwrap_or(Position {
            generation: 0,
            offset: 0,
        });
        match order.verb {
            Verb::Append { .. } => answer.at = Some(self.journal()?.append(texts[0].as_bytes())?),
            Verb::AppendAll { .. } => answer.at = Some(self.journal()?.append_all(texts)?),
            Verb::AppendAt { .. } => answer.at = Some(self.journal()?.append_at(at, texts)?),
            Verb::SetHeader { .. } => drop(self.journal()?.set_header(texts[0].as_bytes())?),
            Verb::AppendWithHeader { .. } => {
                let journal = self.journal()?;
                answer.at = Some(journal.append_with_header(texts[0].as_bytes(), &texts[1..])?);
            }
            Verb::Sync => self.journal()?.sync()?,
            Verb::Repair => drop(self.journal()?.repair()?),
            Verb::Rewind { .. } => drop(self.journal()?.rewind(at)?),
            Verb::Rotate => drop(self.journal()?.rotate()?),
            Verb::Replace { .. } => drop(self.journal()?.replace(texts)?),
            Verb::Compact => self.compact()?,
            Verb::KeepEnd { .. } => answer.at = Some(self.journal()?.end()?),
            Verb::Read => self.read_all(&mut answer.seen)?,
            Verb::ReadFrom { .. } => {
                let mut records = self.journal()?.records_from(at)?;
                read_on(&mut records, u8::MAX, &mut answer.seen)?;
            }
            Verb::OpenReader => self.reader = Some(self.journal()?.records()?),
            Verb::ReadOn { count } => {
                if let Some(reader) = &mut self.reader {
                    read_on(reader, count, &mut answer.seen)?;
                }
            }
            Verb::Follow => self.follow(&mut answer.seen)?,
            Verb::Fold => self.fold(&mut answer.seen)?,
            Verb::Load { doc } => answer.seen.docs.push((doc, self.load(doc)?)),
            Verb::Save { doc } => drop(self.doc(doc)?.save(texts[0].as_bytes())?),
            Verb::SaveIf { doc, .. } => {
                let expect = texts.get(1).map(|old| Version::of(old.as_bytes()));
                self.doc(doc)?.save_if(expect, texts[0].as_bytes())?;
            }
            Verb::Create { doc } => drop(self.doc(doc)?.create(texts[0].as_bytes())?),
            Verb::Update { doc } => {
                let mut old = None;
                let updated = self.doc(doc)?.update(|value| {
                    old = Some(value.map(|value| String::from_utf8_lossy(value).into_owned()));
                    Ok(texts[0].clone().into_bytes())
                });
                answer.seen.docs.extend(old.map(|old| (doc, old)));
                updated?;
            }
            Verb::Remove { doc } => {
                self.doc(doc)?
                    .remove_with(Expect::Anything, &CallOptions::new())?;
            }
            Verb::Touch { doc } => drop(self.doc(doc)?.begin_update(&CallOptions::new())?),
            Verb::Transact(members) => {
                let mut tx = self.transaction()?;
                let mut texts = texts.iter();
                if members.append > 0 {
                    tx.append(JOURNAL, texts.by_ref().take(members.append.into()))?;
                }
                let mut next = || texts.next().expect("a text").as_bytes();
                if members.save {
                    tx.save(DOCS[0], next())?;
                }
                if members.create {
                    tx.create(DOCS[2], next())?;
                }
                if members.remove {
                    tx.remove(DOCS[1])?;
                }
                if !members.dropped {
                    tx.commit()?;
                }
            }
            Verb::Look => {
                self.read_all(&mut answer.seen)?;
                self.compare(&mut answer.seen)?;
                for doc in 0..3 {
                    answer.seen.docs.push((doc, self.load(doc)?));
                }
            }
            Verb::Snapshot => self.snapshot(&mut answer.seen)?,
            Verb::Claim => self.lease = Some(self.session()?.claim("model")?),
            Verb::Release => {
                if let Some(lease) = &self.lease {
                    lease.release()?;
                }
                self.lease = None;
            }
            Verb::Reconcile => {
                let done = self.session()?.reconcile(|tx| {
                    tx.append(JOURNAL, [&texts[0]])?;
                    tx.save(DOCS[0], texts[1].as_bytes())?;
                    Ok(true)
                })?;
                let word = match done {
                    Reconciled::NoChange => "nothing",
                    Reconciled::Busy => "busy",
                    Reconciled::Alive(_) => "alive",
                    Reconciled::Done => "done",
                };
                answer.seen.word = Some(word.to_owned());
            }
        }
        Ok(())
    }

    pub fn options(&self) -> untorn::JournalOptions {
        Journal::options()
            .durability(self.durability())
            .timeout(Some(Duration::ZERO))
            .header_prefix(PREFIX)
            .header_reserve(RESERVE)
            .sealed(self.setting.sealed)
            .scheme(self.scheme())
            .max_bytes((self.setting.max_bytes > 0).then(|| self.setting.max_bytes.into()))
    }

    fn scheme(&self) -> Scheme {
        match self.setting.locks {
            Locks::Sidecar => Scheme::Sidecar,
            Locks::InPlace => Scheme::InPlace,
            Locks::PidFile => Scheme::PidFile,
        }
    }

    fn durability(&self) -> Durability {
        match self.setting.power {
            true => Durability::Power,
            false => Durability::Process,
        }
    }

    /// Documents and transactions are durable where the power may go.
    fn others_durability(&self) -> Durability {
        match self.setting.power || self.setting.cuts {
            true => Durability::Power,
            false => Durability::Process,
        }
    }

    pub fn journal(&mut self) -> Result<&Journal, Error> {
        if self.journal.is_none() {
            self.journal = Some(match self.setting.session {
                true => self.session()?.journal()?,
                false => self.options().open(self.dir.join(JOURNAL))?,
            });
        }
        Ok(self.journal.as_ref().expect("just opened"))
    }

    pub fn doc(&mut self, doc: u8) -> Result<&Document, Error> {
        let place = usize::from(doc);
        if self.docs[place].is_none() {
            let options = Document::options()
                .durability(self.others_durability())
                .scheme(self.scheme())
                .timeout(Some(Duration::ZERO));
            self.docs[place] = Some(options.open(self.dir.join(DOCS[place]))?);
        }
        Ok(self.docs[place].as_ref().expect("just opened"))
    }

    fn session(&mut self) -> Result<&Session, Error> {
        if self.session.is_none() {
            let store = Store::options()
                .journal_name(JOURNAL)
                .state_name(DOCS[0])
                .durability(self.others_durability())
                .timeout(Some(Duration::ZERO))
                .journal(self.options())
                .open(self.dir.parent().expect("the store"))?;
            let key = self.dir.file_name().and_then(|name| name.to_str());
            self.session = Some(store.session(key.expect("a key"))?);
        }
        Ok(self.session.as_ref().expect("just opened"))
    }

    fn transaction(&mut self) -> Result<Transaction, Error> {
        if self.setting.session {
            return self.session()?.transaction();
        }
        Transaction::options()
            .durability(self.others_durability())
            .timeout(Some(Duration::ZERO))
            .journals(self.options())
            .begin(&self.dir)
    }

    fn compact(&mut self) -> Result<(), Error> {
        let mut rewrite = self.journal()?.begin_rewrite(&CallOptions::new())?;
        let mut records = rewrite.records()?;
        let mut kept = Vec::new();
        while let Some(record) = records.next_record()? {
            kept.push(record.bytes.to_vec());
        }
        for record in kept.iter().step_by(2) {
            rewrite.push_encoded(record)?;
        }
        rewrite.commit()?;
        Ok(())
    }

    pub fn load(&mut self, doc: u8) -> Result<Option<String>, Error> {
        match self.doc(doc)?.load() {
            Ok((bytes, _)) => Ok(Some(text(&bytes))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
