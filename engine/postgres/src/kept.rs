//! The state that a session and its handles share: the fence of a lease, commits, and lost answers.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use untorn::engine::{self, Waiting};
use untorn::{Error, ErrorKind, NextGeneration};

use crate::driver::{Columns, Param};
use crate::id;
use crate::link::{Ask, Failed, Link, Statement, only};
use crate::lost::Lost;
use crate::options::StoreOptions;

/// One change of a commit.
#[derive(Default)]
pub(crate) struct Change<'a> {
    pub verb: &'static str,
    pub name: &'a str,
    pub bytes: Option<&'a [u8]>,
    pub generation: Option<i64>,
    pub end: Option<i64>,
    /// A `line` does not create the file.
    pub must_exist: bool,
}

/// The knowledge of a handle about its file.
#[derive(Clone, Copy, Default)]
pub(crate) struct Way {
    /// The file's number.
    pub number: Option<i64>,
    /// No other writer appends: one commit that waits for the medium costs less than two.
    pub alone: bool,
}

/// Bytes that take the place of others in a file.
#[derive(Default)]
pub(crate) struct Splice<'a> {
    pub bytes: &'a [u8],
    pub start: u64,
    /// `None`: all bytes after `start`, also those that others append meanwhile.
    pub stop: Option<u64>,
    /// These are appended in the same step.
    pub lines: &'a [u8],
    pub generation: u64,
    pub end: Option<u64>,
    /// How many bytes stay the same. `None`: it is a rotation.
    pub same: Option<u64>,
    /// A rotated file keeps the old bytes.
    pub keep: bool,
    /// The generation stays.
    pub in_place: bool,
}

/// The generations and ends after a commit's changes.
pub(crate) struct Answer {
    pub generations: Vec<i64>,
    pub ends: Vec<i64>,
}

/// A piece of a file.
pub(crate) struct Piece {
    pub generation: i64,
    pub size: i64,
    /// `None`: the file has another generation.
    pub bytes: Option<Vec<u8>>,
}

pub(crate) struct Kept {
    pub link: Arc<Link>,
    pub options: Arc<StoreOptions>,
    pub key: String,
    /// The name in messages.
    pub name: PathBuf,
    fence: Mutex<Fence>,
    /// Commits whose answer was lost.
    unsure: Mutex<Vec<String>>,
}

enum Fence {
    /// No lease was taken with this handle: writes are not fenced.
    Open,
    Held(i64, Arc<Lost>),
    Lost,
}

/// The token of a write, and whether the lease ends with it.
#[derive(Clone, Copy)]
pub(crate) struct Under {
    pub token: Option<i64>,
    pub release: bool,
}

impl Kept {
    pub fn new(link: &Arc<Link>, options: &Arc<StoreOptions>, key: &str) -> Kept {
        Kept {
            link: Arc::clone(link),
            options: Arc::clone(options),
            key: key.to_owned(),
            name: link.name_of(&[key]),
            fence: Mutex::new(Fence::Open),
            unsure: Mutex::default(),
        }
    }

    /// Returns the name of a file in messages.
    pub fn name_of(&self, file: &str) -> PathBuf {
        self.link.name_of(&[&self.key, file])
    }

    fn fence(&self) -> MutexGuard<'_, Fence> {
        self.fence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unsure(&self) -> MutexGuard<'_, Vec<String>> {
        self.unsure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has later writes name this token.
    pub fn hold(&self, token: i64, lost: &Arc<Lost>) {
        *self.fence() = Fence::Held(token, Arc::clone(lost));
    }

    /// Ends the fence after a release.
    pub fn let_go(&self, token: i64) {
        let mut fence = self.fence();
        if matches!(&*fence, Fence::Held(held, _) if *held == token) {
            *fence = Fence::Open;
        }
    }

    /// Notes that the lease of this token is lost.
    pub fn lose(&self, token: i64) {
        let lost = {
            let mut fence = self.fence();
            match &*fence {
                Fence::Held(held, lost) if *held == token => {
                    let lost = Arc::clone(lost);
                    *fence = Fence::Lost;
                    lost
                }
                _ => return,
            }
        };
        lost.report(&self.name);
    }

    /// Returns the token that a write must name.
    pub fn under(&self, operation: &'static str, name: &Path) -> Result<Under, Error> {
        let token = match &*self.fence() {
            Fence::Open => None,
            Fence::Held(token, _) => Some(*token),
            Fence::Lost => {
                let known = engine::Failure {
                    detail: "another process has claimed the session, or the lease was released; nothing \
                             was changed; claim the session again, and read what the next owner wrote"
                        .to_owned(),
                    ..Default::default()
                };
                return Err(engine::error(ErrorKind::LeaseLost, operation, name, known));
            }
        };
        Ok(Under {
            token,
            release: false,
        })
    }

    /// Fails while it is unknown what an earlier call changed.
    pub fn be_sure(&self, operation: &'static str, name: &Path) -> Result<(), Error> {
        if self.unsure().is_empty() {
            return Ok(());
        }
        let known = engine::Failure {
            detail: "an earlier change of this session had no answer, so it is made or it is not; read the \
                     session before the next change"
                .to_owned(),
            ..Default::default()
        };
        Err(engine::error(ErrorKind::Poisoned, operation, name, known))
    }

    /// Settles the calls whose answer was lost: each was made, or never will be.
    pub fn settle(&self, operation: &'static str, name: &Path) -> Result<(), Error> {
        let unsure = self.unsure().clone();
        for id in &unsure {
            self.annul(operation, name, id)?;
        }
        Ok(())
    }

    /// Settles one of them. Returns whether it was made.
    fn annul(&self, operation: &'static str, name: &Path, id: &str) -> Result<bool, Error> {
        let sql = format!(
            "select ends from {}.annul($1::text, $2::text::uuid)",
            self.link.schema
        );
        let params = [Param::Text(Some(&self.key)), Param::Text(Some(id))];
        let rows = self.link.read(operation, name, &sql, &params)?;
        self.unsure().retain(|other| other != id);
        let ends = Columns::of(only(operation, name, rows)?).ints();
        Ok(!ends.is_empty())
    }

    /// Makes all the changes, or none.
    pub fn commit(
        &self,
        operation: &'static str,
        name: &Path,
        changes: &[Change<'_>],
        under: Under,
        wait: Option<&Waiting<'_>>,
    ) -> Result<Answer, Error> {
        if !under.release {
            self.be_sure(operation, name)?;
        }
        if let [change] = changes
            && change.verb == "line"
            && !under.release
        {
            let way = Way::default();
            let done = self.append(operation, name, change, under, wait, way)?;
            return Ok(Answer {
                generations: vec![done.generation],
                ends: vec![done.end],
            });
        }
        let id = id::new();
        let verbs: Vec<_> = changes.iter().map(|change| change.verb).collect();
        let names: Vec<_> = changes.iter().map(|change| change.name).collect();
        let bytes: Vec<_> = changes.iter().map(|change| change.bytes).collect();
        let generations: Vec<_> = changes.iter().map(|change| change.generation).collect();
        let ends: Vec<_> = changes.iter().map(|change| change.end).collect();
        let sql = format!(
            "call {}.commit($1::text, $2::text[], $3::text[], $4::bytea[], $5::bigint[], \
             $6::bigint[], $7::bigint, $8::text::uuid, $9::boolean, $10::boolean)",
            self.link.schema
        );
        let params = [
            Param::Text(Some(&self.key)),
            Param::Texts(&verbs),
            Param::Texts(&names),
            Param::Blobs(&bytes),
            Param::Ints(&generations),
            Param::Ints(&ends),
            Param::Int(under.token),
            Param::Text(Some(&id)),
            Param::Bool(under.release),
            Param::Bool(self.options.is_durable()),
        ];
        let mut columns = self.send(operation, name, None, (&sql, &params), &id, under, wait)?;
        Ok(Answer {
            generations: columns.ints(),
            ends: columns.ints(),
        })
    }

    /// Puts bytes in the place of others. Returns the generation and the end then, and the
    /// name of the rotated file.
    pub fn rewrite(
        &self,
        operation: &'static str,
        name: &Path,
        file: &str,
        splice: &Splice<'_>,
        under: Under,
        wait: &Waiting<'_>,
    ) -> Result<(i64, i64, Option<String>), Error> {
        self.be_sure(operation, name)?;
        let id = id::new();
        let sql = format!(
            "call {}.rewrite($1::text, $2::text, $3::bytea, $4::bigint, $5::bigint, nullif($6::bytea, ''), \
             $7::bigint, $8::bigint, $9::bigint, $10::boolean, $11::boolean, $12::bigint, $13::text::uuid, \
             $14::boolean)",
            self.link.schema
        );
        let number = |number: u64| Some(i64::try_from(number).unwrap_or(i64::MAX));
        let params = [
            Param::Text(Some(&self.key)),
            Param::Text(Some(file)),
            Param::Bytes(splice.bytes),
            Param::Int(number(splice.start)),
            Param::Int(splice.stop.and_then(number)),
            Param::Bytes(splice.lines),
            Param::Int(number(splice.generation)),
            Param::Int(splice.end.and_then(number)),
            Param::Int(splice.same.and_then(number)),
            Param::Bool(splice.keep),
            Param::Bool(splice.in_place),
            Param::Int(under.token),
            Param::Text(Some(&id)),
            Param::Bool(self.options.is_durable()),
        ];
        let statement = (&sql[..], &params[..]);
        let mut columns = self.send(operation, name, None, statement, &id, under, Some(wait))?;
        Ok((
            columns.int().unwrap_or(0),
            columns.int().unwrap_or(0),
            columns.text(),
        ))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one statement, and what its failure means"
    )]
    pub fn send(
        &self,
        operation: &'static str,
        name: &Path,
        first: Option<Statement<'_>>,
        later: Statement<'_>,
        id: &str,
        under: Under,
        wait: Option<&Waiting<'_>>,
    ) -> Result<Columns, Failed> {
        let ask = Ask {
            operation,
            name,
            wait,
            changes: true,
        };
        let rows = self.link.call_first(&ask, first, later);
        let row = rows.and_then(|rows| {
            only(operation, name, rows).map_err(|error| Failed {
                error,
                unknown: true,
            })
        });
        match row {
            Ok(row) => Ok(Columns::of(row)),
            Err(failed) => {
                if failed.unknown {
                    self.unsure().push(id.to_owned());
                    if failed.error.kind() == ErrorKind::Cancelled {
                        return Ok(self.after_stop(&ask, later, id, failed.error)?);
                    }
                }
                if failed.error.kind() == ErrorKind::LeaseLost
                    && let Some(token) = under.token
                {
                    self.lose(token);
                }
                Err(failed)
            }
        }
    }

    /// Says what became of a change whose statement was stopped. A cancelled call has
    /// changed nothing.
    #[cold]
    fn after_stop(
        &self,
        ask: &Ask<'_>,
        (sql, params): Statement<'_>,
        id: &str,
        cancelled: Error,
    ) -> Result<Columns, Error> {
        if !self.annul(ask.operation, ask.name, id)? {
            return Err(cancelled);
        }
        // It was made before the server heard of the end. The same again finds its answer.
        let ask = Ask { wait: None, ..*ask };
        let rows = self.link.call(&ask, sql, params)?;
        Ok(Columns::of(only(ask.operation, ask.name, rows)?))
    }

    /// Reads a piece of a file; `None` if the file is missing.
    pub fn read(
        &self,
        operation: &'static str,
        name: &Path,
        file: &str,
        generation: Option<i64>,
        at: i64,
        most: i64,
    ) -> Result<Option<Piece>, Error> {
        self.settle(operation, name)?;
        let sql = format!(
            "select generation_now, size, bytes from {}.read($1::text, $2::text, $3::bigint, \
             $4::bigint::int, $5::bigint)",
            self.link.schema
        );
        let params = [
            Param::Text(Some(&self.key)),
            Param::Text(Some(file)),
            Param::Int(Some(at)),
            Param::Int(Some(most.min(1 << 30))),
            Param::Int(generation),
        ];
        let rows = self.link.read(operation, name, &sql, &params)?;
        Ok(rows.into_iter().next().map(|row| {
            let mut columns = Columns::of(row);
            Piece {
                generation: columns.int().unwrap_or(0),
                size: columns.int().unwrap_or(0),
                bytes: columns.bytes(),
            }
        }))
    }

    /// Returns what became of an earlier generation of a file, and the rotated file that
    /// has its bytes.
    pub fn next_generation(
        &self,
        operation: &'static str,
        name: &Path,
        file: &str,
        generation: u64,
    ) -> Result<Option<(NextGeneration, Option<String>)>, Error> {
        let sql = format!(
            "select next, size, same, kept from {}.next_generation($1::text, $2::text, $3::bigint)",
            self.link.schema
        );
        let params = [
            Param::Text(Some(&self.key)),
            Param::Text(Some(file)),
            Param::Int(i64::try_from(generation).ok()),
        ];
        let rows = self.link.read(operation, name, &sql, &params)?;
        Ok(rows.into_iter().next().map(|row| {
            let mut columns = Columns::of(row);
            let (next, size) = (columns.int().unwrap_or(0), columns.int().unwrap_or(0));
            let same = columns.int();
            let kept = columns.text();
            let next = NextGeneration {
                generation: next as u64,
                size: size as u64,
                same: same.map(|same| same as u64),
                is_kept: kept.is_some(),
            };
            (next, kept)
        }))
    }

    /// Reads a file whole, of one generation; `None` if it is missing.
    pub fn read_all(
        &self,
        operation: &'static str,
        name: &Path,
        file: &str,
    ) -> Result<Option<(Vec<u8>, i64)>, Error> {
        const PIECE: i64 = 8 << 20;
        'again: loop {
            let Some(first) = self.read(operation, name, file, None, 0, PIECE)? else {
                return Ok(None);
            };
            let mut all = first.bytes.unwrap_or_default();
            while (all.len() as i64) < first.size {
                let at = all.len() as i64;
                let piece = self.read(operation, name, file, Some(first.generation), at, PIECE)?;
                match piece.and_then(|piece| piece.bytes) {
                    Some(bytes) if !bytes.is_empty() => all.extend(bytes),
                    // Replaced or removed meanwhile.
                    _ => continue 'again,
                }
            }
            all.truncate(usize::try_from(first.size).unwrap_or(usize::MAX));
            return Ok(Some((all, first.generation)));
        }
    }
}
