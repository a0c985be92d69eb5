//! One statement with its retries.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use untorn::engine::Waiting;
use untorn::{Error, ErrorKind};

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
}

/// A statement, and what its errors name.
pub(crate) struct Ask<'a> {
    pub operation: &'static str,
    pub name: &'a Path,
    pub wait: Option<&'a Waiting<'a>>,
    /// It changes something, and carries an id.
    pub changes: bool,
}

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

impl Link {
    pub fn new(driver: Arc<dyn Driver>, schema: &str, patience: Duration) -> Link {
        Link {
            driver,
            schema: format!("\"{}\"", schema.replace('"', "\"\"")),
            patience,
        }
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
        let begun = Instant::now();
        let mut pause = Duration::ZERO;
        let mut unknown = false;
        loop {
            if let Some(wait) = ask.wait
                && !unknown
            {
                wait.check(ask.operation, ask.name)
                    .map_err(|error| Failed {
                        error,
                        unknown: false,
                    })?;
            }
            let failure = match self.driver.query(sql, params) {
                Ok(rows) => return Ok(rows),
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
                let error = error::of(ask.operation, ask.name, failure, unknown);
                return Err(Failed { error, unknown });
            }
            // No event says that a server has started or was replaced.
            std::thread::sleep(pause);
            pause = (pause * 2).clamp(SOON, LATE);
        }
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
