//! The driver of the crate `postgres`: the caller's connections, of a pool or one after
//! another.

use std::ops::DerefMut;
use std::sync::Arc;
use std::time::Duration;

use postgres::Client;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::{ToSql, Type};

use crate::driver::{Connection, Driver, Failure, Param, Refusal, Row, Value};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The caller's connections, for [`crate::Store::open`].
///
/// ```no_run
/// use postgres::{Client, NoTls};
/// use untorn_postgres::{Connections, Store};
///
/// let url = "host=db dbname=app";
/// let own = move || Client::connect(url, NoTls);
/// let store = Store::open(Connections::new(move || own().map(Box::new)).with_own(own), "untorn")?;
/// # let _ = store;
/// # Ok::<(), untorn_postgres::Error>(())
/// ```
#[derive(Clone)]
pub struct Connections {
    run: Arc<Run>,
    own: Option<Arc<Own>>,
}

/// Runs a piece of work with a connection of the caller's.
type Run = dyn Fn(&mut dyn FnMut(&mut Client)) -> Result<(), BoxError> + Send + Sync;
type Own = dyn Fn() -> Result<Client, BoxError> + Send + Sync;

impl Connections {
    /// `connect` returns a connection for one statement: one of a pool, or a new one.
    /// It must not be within a transaction.
    pub fn new<C, E>(connect: impl Fn() -> Result<C, E> + Send + Sync + 'static) -> Connections
    where
        C: DerefMut<Target = Client>,
        E: Into<BoxError>,
    {
        Connections {
            run: Arc::new(move |work| {
                let mut connection = connect().map_err(Into::into)?;
                work(&mut connection);
                Ok(())
            }),
            own: None,
        }
    }

    /// `connect` opens a connection to the server itself, without a pooler in transaction
    /// mode. With it the followers of a store share a connection that listens, and a
    /// lease can end with its owner's connection.
    #[must_use]
    pub fn with_own<E: Into<BoxError>>(
        mut self,
        connect: impl Fn() -> Result<Client, E> + Send + Sync + 'static,
    ) -> Connections {
        self.own = Some(Arc::new(move || connect().map_err(Into::into)));
        self
    }
}

impl Driver for Connections {
    fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        let mut answer = None;
        (self.run)(&mut |client| answer = Some(query(client, sql, params)))
            .map_err(Failure::NoConnection)?;
        answer.unwrap_or_else(|| Err(Failure::NoConnection("no connection".into())))
    }

    fn own_connection(&self) -> Option<Result<Box<dyn Connection>, Failure>> {
        let own = self.own.as_ref()?;
        Some(match own() {
            Ok(client) => Ok(Box::new(OwnConnection(client))),
            Err(error) => Err(Failure::NoConnection(error)),
        })
    }
}

struct OwnConnection(Client);

impl Connection for OwnConnection {
    fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        query(&mut self.0, sql, params)
    }

    fn notifications(&mut self, wait: Duration) -> Result<Vec<String>, Failure> {
        let mut channels = Vec::new();
        let mut notifications = self.0.notifications();
        // After the first one, only those that have come already.
        let mut wait = wait;
        loop {
            let next = notifications.timeout_iter(wait).next();
            match next.map_err(|error| Failure::NoAnswer(error.into()))? {
                Some(notification) => channels.push(notification.channel().to_owned()),
                None => break,
            }
            wait = Duration::ZERO;
        }
        drop(notifications);
        if channels.is_empty() && self.0.is_closed() {
            return Err(Failure::NoAnswer("the connection broke".into()));
        }
        Ok(channels)
    }
}

/// Sends parameters with their types, so that one round trip does, and no prepared
/// statement is left on a connection that a pooler may give to others.
fn query(client: &mut Client, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
    let typed: Vec<(&(dyn ToSql + Sync), Type)> = params
        .iter()
        .map(|param| match param {
            Param::Text(text) => (text as &(dyn ToSql + Sync), Type::TEXT),
            Param::Int(int) => (int as _, Type::INT8),
            Param::Bool(bool) => (bool as _, Type::BOOL),
            Param::Bytes(bytes) => (bytes as _, Type::BYTEA),
            Param::Texts(texts) => (texts as _, Type::TEXT_ARRAY),
            Param::Blobs(blobs) => (blobs as _, Type::BYTEA_ARRAY),
            Param::Ints(ints) => (ints as _, Type::INT8_ARRAY),
        })
        .collect();
    let rows = client.query_typed(sql, &typed).map_err(failure)?;
    rows.iter()
        .map(|row| (0..row.len()).map(|column| value(row, column)).collect())
        .collect::<Result<_, postgres::Error>>()
        .map_err(failure)
}

fn value(row: &postgres::Row, column: usize) -> Result<Value, postgres::Error> {
    let type_of = row.columns()[column].type_();
    let value = match *type_of {
        Type::BOOL => row.try_get::<_, Option<bool>>(column)?.map(Value::Bool),
        Type::INT8 => row.try_get::<_, Option<i64>>(column)?.map(Value::Int),
        Type::INT4 => row
            .try_get::<_, Option<i32>>(column)?
            .map(|n| Value::Int(n.into())),
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(column)?.map(Value::Bytes),
        Type::INT8_ARRAY => row.try_get::<_, Option<Vec<i64>>>(column)?.map(Value::Ints),
        // A function that returns nothing.
        Type::VOID => None,
        _ => row.try_get::<_, Option<String>>(column)?.map(Value::Text),
    };
    Ok(value.unwrap_or(Value::Null))
}

pub(crate) fn failure(error: postgres::Error) -> Failure {
    let Some(said) = error.as_db_error() else {
        return Failure::NoAnswer(error.into());
    };
    let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let refusal = Refusal {
        sqlstate: said.code().code().to_owned(),
        message: said.message().to_owned(),
        detail: given(said.detail()),
        hint: given(said.hint()),
    };
    Failure::Server(refusal, error.into())
}
