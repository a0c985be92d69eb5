//! The caller's connections: a pool, or one after another.

use std::ops::DerefMut;
use std::sync::Arc;

use postgres::Client;
use postgres::error::SqlState;

use crate::Error;

/// A failed try, and whether its connection broke.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Runs one statement on a connection of the caller's.
type Run = dyn Fn(&mut dyn FnMut(&mut Client)) -> Result<(), Failed> + Send + Sync;

/// How often a statement is tried. A pool may hold some connections that broke
/// together.
const TRIES: usize = 10;

#[derive(Clone)]
pub(crate) struct Connections {
    run: Arc<Run>,
}

impl Connections {
    pub fn new<C, E>(connect: impl Fn() -> Result<C, E> + Send + Sync + 'static) -> Connections
    where
        C: DerefMut<Target = Client>,
        E: Into<Failed>,
    {
        Connections {
            run: Arc::new(move |work| {
                let mut connection = connect().map_err(Into::into)?;
                work(&mut connection);
                Ok(())
            }),
        }
    }

    /// Runs a statement that may be sent twice. It is, if its connection broke, or if
    /// the server undid it for another's sake.
    pub fn call<T>(
        &self,
        name: &str,
        mut statement: impl FnMut(&mut Client) -> Result<T, postgres::Error>,
    ) -> Result<T, Error> {
        let mut last: Option<Failed> = None;
        for _ in 0..TRIES {
            let mut answer = None;
            let run = (self.run)(&mut |client| answer = Some(statement(client)));
            match (run, answer) {
                (Err(failed), _) => last = Some(failed),
                (Ok(()), Some(Ok(answer))) => return Ok(answer),
                (Ok(()), Some(Err(error))) => match error.as_db_error() {
                    Some(said) if !may_pass(said.code()) => return Err(Error::of(name, error)),
                    _ => last = Some(Box::new(error)),
                },
                (Ok(()), None) => {}
            }
        }
        Err(Error::Unknown {
            name: name.to_owned(),
            source: last.unwrap_or_else(|| "no connection".into()),
        })
    }
}

/// Returns whether the same statement may succeed later: it was undone, or the server
/// ends or begins.
fn may_pass(code: &SqlState) -> bool {
    [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
    ]
    .contains(code)
}
