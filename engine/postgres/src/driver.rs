//! The seam to the caller's driver: one statement with its parameters, and its rows.

use std::error::Error as StdError;
use std::fmt;

use untorn::CancelToken;

/// A parameter of a statement. The statement names its type in SQL (`$1::text`), so a
/// driver may send it as text or in binary.
#[derive(Clone, Copy, Debug)]
pub enum Param<'a> {
    /// `text`
    Text(Option<&'a str>),
    /// `bigint`
    Int(Option<i64>),
    /// `boolean`
    Bool(bool),
    /// `bytea`
    Bytes(&'a [u8]),
    /// `text[]`
    Texts(&'a [&'a str]),
    /// `bytea[]`
    Blobs(&'a [Option<&'a [u8]>]),
    /// `bigint[]`
    Ints(&'a [Option<i64>]),
}

/// A column of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// `boolean`
    Bool(bool),
    /// `bigint`, and smaller integers
    Int(i64),
    /// `text`
    Text(String),
    /// `bytea`
    Bytes(Vec<u8>),
    /// `bigint[]`
    Ints(Vec<i64>),
}

/// A row: its columns in their order.
pub type Row = Vec<Value>;

type BoxError = Box<dyn StdError + Send + Sync>;

/// A statement without rows.
#[derive(Debug)]
pub enum Failure {
    /// The server answered with an error.
    Server(Refusal, BoxError),
    /// No connection could be had: the statement was not sent.
    NoConnection(BoxError),
    /// The connection broke before the answer came: the statement was carried out, or it
    /// was not.
    NoAnswer(BoxError),
    /// The driver did something that this seam does not allow. The statement was carried
    /// out, or it was not; it is not sent again.
    Driver(BoxError),
}

/// An error of the server, in its own fields.
#[derive(Clone, Debug, Default)]
pub struct Refusal {
    /// Five characters: `40001`.
    pub sqlstate: String,
    /// The message.
    pub message: String,
    /// The detail, if any.
    pub detail: Option<String>,
    /// The hint, if any.
    pub hint: Option<String>,
}

/// Sends statements with the caller's driver, on the caller's connections.
///
/// A statement is a transaction of its own (`autocommit`): some of them end transactions
/// themselves. Any number of threads call at once. `connections.rs` has the
/// implementation for the crate `postgres`; an implementation for another driver needs
/// nothing else of this crate.
pub trait Driver: Send + Sync + 'static {
    /// Runs one statement on a connection that is in no transaction, and returns its
    /// rows. It never sends it twice: the caller of this does, with an id.
    ///
    /// # Errors
    /// [`Failure::Server`] if the server answered with an error; else
    /// [`Failure::NoConnection`] or [`Failure::NoAnswer`].
    fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure>;

    /// Does the same for a call that can be cancelled. Once `token` is cancelled, a driver
    /// that can has the server end the statement, which is then refused with `57014`:
    /// [`crate::stoppable`] serves for that. Another one waits for the answer.
    ///
    /// # Errors
    /// As [`Driver::query`].
    fn query_until(
        &self,
        sql: &str,
        params: &[Param<'_>],
        token: &CancelToken,
    ) -> Result<Vec<Row>, Failure> {
        let _ = token;
        self.query(sql, params)
    }

    /// Opens a connection that no other caller uses until it is dropped. `None`: this
    /// driver has none, so a follower polls, and a lease ends by its time to live.
    fn own_connection(&self) -> Option<Result<Box<dyn Connection>, Failure>> {
        None
    }

    /// Returns whether the drop of a handle may wait for a statement on this thread. If
    /// not, another thread sends it. The thread of an event loop that carries the
    /// statements would wait for itself.
    fn may_wait_here(&self) -> bool {
        true
    }
}

/// One connection that its user keeps.
pub trait Connection: Send {
    /// Does the same as [`Driver::query`], always on this connection.
    ///
    /// # Errors
    /// The same.
    fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure>;

    /// Waits until the server notifies, for this long at most. Returns the channels.
    ///
    /// # Errors
    /// [`Failure::NoAnswer`] if the connection broke.
    fn notifications(&mut self, wait: std::time::Duration) -> Result<Vec<String>, Failure>;
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Refusal {}

/// Takes the columns of a row, one after another.
pub(crate) struct Columns(std::vec::IntoIter<Value>);

impl Columns {
    pub fn of(row: Row) -> Columns {
        Columns(row.into_iter())
    }

    pub fn int(&mut self) -> Option<i64> {
        match self.0.next() {
            Some(Value::Int(n)) => Some(n),
            _ => None,
        }
    }

    pub fn text(&mut self) -> Option<String> {
        match self.0.next() {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub fn bytes(&mut self) -> Option<Vec<u8>> {
        match self.0.next() {
            Some(Value::Bytes(bytes)) => Some(bytes),
            _ => None,
        }
    }

    pub fn ints(&mut self) -> Vec<i64> {
        match self.0.next() {
            Some(Value::Ints(ints)) => ints,
            _ => Vec::new(),
        }
    }

    /// Takes a column of one statement or of another: a number, or an array of them.
    pub fn ints_or_int(&mut self) -> Result<i64, Vec<i64>> {
        match self.0.next() {
            Some(Value::Int(n)) => Ok(n),
            Some(Value::Ints(ints)) => Err(ints),
            _ => Err(Vec::new()),
        }
    }

    pub fn bool(&mut self) -> bool {
        matches!(self.0.next(), Some(Value::Bool(true)))
    }
}

/// Returns a time as a parameter.
pub(crate) fn millis(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 1000)
}
