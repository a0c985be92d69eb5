//! The driver of the crate `postgres`: the caller's connections, of a pool or one after
//! another.

use std::ops::DerefMut;
use std::sync::Arc;
use std::time::Duration;

use postgres::fallible_iterator::FallibleIterator;
use postgres::{CancelToken as CancelQuery, Client, NoTls};
use untorn::CancelToken;

use crate::driver::{Connection, Driver, Failure, Param, Row};
use crate::prepared::{Prepared, Statements};
use crate::stop::{Running, stoppable};
use crate::typed;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The caller's connections, for [`crate::Store::open`].
///
/// ```no_run
/// use postgres::{CancelToken as CancelQuery, Client, NoTls};
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
type Run = dyn Fn(&mut Work<'_>) -> Result<(), BoxError> + Send + Sync;
type Work<'a> = dyn FnMut(&mut Client, Option<&mut Statements>) + 'a;
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
                work(&mut connection, None);
                Ok(())
            }),
            own: None,
        }
    }

    /// Does the same as [`Connections::new`], and keeps the statements of each client
    /// prepared. That saves the server a quarter of an append's processor time. It is not
    /// for a pooler in transaction mode.
    ///
    /// ```no_run
    /// use postgres::{Client, NoTls};
    /// use untorn_postgres::{Connections, Prepared};
    ///
    /// let connect = || Client::connect("host=db", NoTls).map(|client| Box::new(Prepared::from(client)));
    /// let connections = Connections::prepared(connect);
    /// # let _ = connections;
    /// ```
    pub fn prepared<C, E>(connect: impl Fn() -> Result<C, E> + Send + Sync + 'static) -> Connections
    where
        C: DerefMut<Target = Prepared>,
        E: Into<BoxError>,
    {
        Connections {
            run: Arc::new(move |work| {
                let mut connection = connect().map_err(Into::into)?;
                let prepared = &mut *connection;
                work(&mut prepared.client, Some(&mut prepared.statements));
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

impl Connections {
    fn with_client(
        &self,
        work: impl Fn(&mut Client, Option<&mut Statements>) -> Result<Vec<Row>, Failure>,
    ) -> Result<Vec<Row>, Failure> {
        let mut answer = None;
        let mut work =
            |client: &mut Client, kept: Option<&mut Statements>| answer = Some(work(client, kept));
        (self.run)(&mut work).map_err(typed::no_connection)?;
        answer.unwrap_or_else(|| Err(Failure::NoConnection("no connection".into())))
    }
}

impl Driver for Connections {
    fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        self.with_client(|client, kept| query(client, kept, sql, params))
    }

    fn query_until(
        &self,
        sql: &str,
        params: &[Param<'_>],
        token: &CancelToken,
    ) -> Result<Vec<Row>, Failure> {
        let running = Running::new();
        let stopped = Arc::clone(&running);
        // The server takes this request without TLS. If the caller's settings ask for TLS,
        // it is not sent, and the statement ends with its answer.
        let stop = move || stopped.stop(|token: CancelQuery| drop(token.cancel_query(NoTls)));
        stoppable(Some(token), stop, || {
            self.with_client(|client, kept| {
                running.begin(client.cancel_token());
                let answer = query(client, kept, sql, params);
                running.end();
                answer
            })
        })
    }

    fn own_connection(&self) -> Option<Result<Box<dyn Connection>, Failure>> {
        let own = self.own.as_ref()?;
        Some(match own() {
            Ok(client) => Ok(Box::new(OwnConnection(client))),
            Err(error) => Err(typed::no_connection(error)),
        })
    }
}

struct OwnConnection(Client);

impl Connection for OwnConnection {
    fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        query(&mut self.0, None, sql, params)
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

/// Sends parameters with their types, so that one round trip does. Without `kept` no prepared
/// statement is left on a connection that a pooler may give to others.
fn query(
    client: &mut Client,
    kept: Option<&mut Statements>,
    sql: &str,
    params: &[Param<'_>],
) -> Result<Vec<Row>, Failure> {
    let rows = match kept {
        Some(statements) => statements.query(client, sql, params),
        None => client.query_typed(sql, &typed::parameters(params)),
    };
    typed::rows(&rows.map_err(typed::failure)?)
}
