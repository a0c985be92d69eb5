//! One statement with its retries.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use untorn::engine::{self, Waiting};
use untorn::{CancelToken, Error, ErrorKind};

use crate::driver::{Driver, Failure, Param, Row};
use crate::error;

/// The pauses before a statement is sent again: the first one that is not zero, and the
/// longest.
const SOON: Duration = Duration::from_millis(5);
const LATE: Duration = Duration::from_millis(500);

/// The caller's driver, and the schema.
pub(crate) struct Link {
    pub driver: Arc<dyn Driver>,
    /// Quoted.
    pub schema: String,
    /// How long a statement is sent again after its connection broke.
    pub patience: Duration,
    /// Of the process that opened the store.
    pub forks: u32,
}

/// A statement, and what its errors name.
pub(crate) struct Ask<'a> {
    pub operation: &'static str,
    pub name: &'a Path,
    pub wait: Option<&'a Waiting<'a>>,
    /// It changes something, and carries an id.
    pub changes: bool,
}

/// A statement in SQL, and its parameters.
pub(crate) type Statement<'a> = (&'a str, &'a [Param<'a>]);

/// A call without an answer, or one that was refused.
pub(crate) struct Failed {
    pub error: Error,
    /// It may have changed something.
    pub unknown: bool,
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Error {
        failed.error
    }
}

/// A refusal before anything was sent.
impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed {
            error,
            unknown: false,
        }
    }
}

impl Link {
    pub fn new(driver: Arc<dyn Driver>, schema: &str, patience: Duration) -> Link {
        Link {
            driver,
            schema: format!("\"{}\"", schema.replace('"', "\"\"")),
            patience,
            forks: engine::forks(),
        }
    }

    /// Fails in a forked child: the connections are its parent's, and the threads stayed
    /// there.
    pub fn here(&self, operation: &'static str, name: &Path) -> Result<(), Error> {
        if self.forks == engine::forks() {
            return Ok(());
        }
        let why =
            "the store was opened before this process was forked: open it again in this process";
        Err(Error::invalid_argument(operation, name, why))
    }

    /// Returns the name of a session, or of a file in it, in messages.
    pub fn name_of(&self, parts: &[&str]) -> PathBuf {
        let mut name = self.schema.trim_matches('"').to_owned();
        for part in parts {
            name.push('/');
            name.push_str(part);
        }
        PathBuf::from(name)
    }

    /// Runs a statement that may be sent twice. It is, if its connection broke, or if
    /// the server undid it for another's sake.
    pub fn call(&self, ask: &Ask<'_>, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failed> {
        self.call_first(ask, None, (sql, params))
    }

    /// Does the same with another statement for the first try.
    pub fn call_first(
        &self,
        ask: &Ask<'_>,
        mut first: Option<Statement<'_>>,
        later: Statement<'_>,
    ) -> Result<Vec<Row>, Failed> {
        self.here(ask.operation, ask.name)?;
        let begun = Instant::now();
        let token = ask.wait.and_then(Waiting::token);
        let mut pause = Duration::ZERO;
        let mut unknown = false;
        loop {
            if let Some(wait) = ask.wait
                && !unknown
            {
                wait.check(ask.operation, ask.name)?;
            }
            let (sql, params) = first.take().unwrap_or(later);
            let answer = match token {
                Some(token) => self.driver.query_until(sql, params, token),
                None => self.driver.query(sql, params),
            };
            let failure = match answer {
                Ok(rows) => {
                    if ask.changes && token.is_some_and(CancelToken::is_cancelled) {
                        self.flush(ask)?;
                    }
                    return Ok(rows);
                }
                Err(failure) => failure,
            };
            let again = match &failure {
                Failure::Server(refusal, _) => {
                    unknown |= ask.changes && error::is_unknown(refusal);
                    error::may_pass(refusal)
                }
                Failure::NoConnection(_) => true,
                Failure::Driver(_) => {
                    unknown |= ask.changes;
                    false
                }
                Failure::NoAnswer(_) => {
                    unknown |= ask.changes;
                    true
                }
            };
            // A call that tries once may have no answer all the same.
            let wait = ask.wait.filter(|wait| !wait.tries_once());
            let limit = wait.and_then(Waiting::deadline);
            let is_late = limit.is_some_and(|limit| Instant::now() >= limit);
            if !again || begun.elapsed() >= self.patience || is_late {
                let was_stopped =
                    matches!(&failure, Failure::Server(refusal, _) if error::is_stop(refusal));
                let error = match was_stopped && token.is_some_and(CancelToken::is_cancelled) {
                    true => Error::cancelled(ask.operation, ask.name),
                    false => error::of(ask.operation, ask.name, failure, unknown),
                };
                return Err(Failed { error, unknown });
            }
            // No event says that a server has started or was replaced.
            std::thread::sleep(pause);
            pause = (pause * 2).clamp(SOON, LATE);
        }
    }

    /// Runs a statement that must not be sent twice.
    pub fn once(&self, ask: &Ask<'_>, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Error> {
        self.here(ask.operation, ask.name)?;
        let answer = self.driver.query(sql, params);
        answer.map_err(|failure| error::of(ask.operation, ask.name, failure, ask.changes))
    }

    /// Waits until what was changed is durable. A statement that waits for a synchronous
    /// standby succeeds without it when it is cancelled.
    #[cold]
    fn flush(&self, ask: &Ask<'_>) -> Result<(), Failed> {
        let sql = format!("select {}.flush()", self.schema);
        let flushed = self.driver.query(&sql, &[]);
        flushed.map(drop).map_err(|failure| Failed {
            error: error::of(ask.operation, ask.name, failure, true),
            unknown: true,
        })
    }

    /// Runs a statement that changes nothing.
    pub fn read(
        &self,
        operation: &'static str,
        name: &Path,
        sql: &str,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, Error> {
        let ask = Ask {
            operation,
            name,
            wait: None,
            changes: false,
        };
        Ok(self.call(&ask, sql, params)?)
    }
}

/// Returns the only row of an answer.
pub(crate) fn only(operation: &'static str, name: &Path, rows: Vec<Row>) -> Result<Row, Error> {
    rows.into_iter().next().ok_or_else(|| {
        let known = untorn::engine::Failure {
            detail: "the database answered without a row".to_owned(),
            ..Default::default()
        };
        untorn::engine::error(ErrorKind::Internal, operation, name, known)
    })
}
