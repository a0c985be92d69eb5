//! The driver of the crate `tokio-postgres`: the caller's asynchronous connections, of a
//! pool or one after another, on the caller's runtime.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio_postgres::{AsyncMessage, CancelToken as CancelQuery, Client, NoTls};
use untorn::CancelToken;

use crate::driver::{Connection, Driver, Failure, Param, Row};
use crate::stop::{Running, stoppable};
use crate::typed;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
type Answer = Result<Vec<Row>, Failure>;

/// The caller's asynchronous connections, for [`crate::Store::open`]. The statements run on
/// the caller's runtime.
///
/// The verbs of a store wait. So they are called on threads that may wait, as those of
/// `tokio::task::spawn_blocking`. Called from within a task they panic, as tokio does. A
/// runtime with one thread must be running meanwhile.
///
/// A lease that is dropped on a thread of a runtime is released on another thread, a moment
/// later. [`crate::Lease::release`] waits for it.
///
/// ```no_run
/// use tokio_postgres::NoTls;
/// use untorn_postgres::{Store, TokioConnections};
///
/// # fn main() -> Result<(), untorn_postgres::Error> {
/// let runtime = tokio::runtime::Handle::current();
/// // A pool's `get` takes the place of this function.
/// let connect = || async {
///     let (client, connection) = tokio_postgres::connect("host=db dbname=app", NoTls).await?;
///     tokio::spawn(connection);
///     Ok::<_, tokio_postgres::Error>(client)
/// };
/// let own = || tokio_postgres::connect("host=db dbname=app", NoTls);
/// let driver = TokioConnections::new(runtime, connect, |client| client).with_own(own);
/// let store = Store::open(driver, "untorn")?;
/// # let _ = store;
/// # Ok(()) }
/// ```
///
/// With the pool of the crate `deadpool-postgres`:
///
/// ```no_run
/// # use untorn_postgres::{Store, TokioConnections};
/// # fn main() -> Result<(), untorn_postgres::Error> {
/// # let runtime = tokio::runtime::Handle::current();
/// # let config: tokio_postgres::Config = "host=db dbname=app".parse().unwrap();
/// use deadpool_postgres::{Manager, Object, Pool};
///
/// let manager = Manager::new(config, tokio_postgres::NoTls);
/// let pool = Pool::builder(manager).build().unwrap();
/// let get = move || {
///     let pool = pool.clone();
///     async move { pool.get().await }
/// };
/// let driver = TokioConnections::new(runtime, get, |client: &Object| client);
/// let store = Store::open(driver, "untorn")?;
/// # let _ = store;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TokioConnections {
    runtime: Handle,
    run: Arc<Run>,
    own: Option<Arc<Own>>,
}

type Run = dyn for<'a> Fn(&'a str, &'a [Param<'a>], &'a Running<CancelQuery>) -> Boxed<'a, Answer>
    + Send
    + Sync;
type Own = dyn Fn(&Handle) -> Result<OwnConnection, BoxError> + Send + Sync;

impl TokioConnections {
    /// `connect` returns a connection for one statement: one of a pool, or a new one. It
    /// must not be within a transaction. `client` returns the client in it.
    pub fn new<C, E, F>(
        runtime: Handle,
        connect: impl Fn() -> F + Send + Sync + 'static,
        client: fn(&C) -> &Client,
    ) -> TokioConnections
    where
        C: 'static,
        E: Into<BoxError> + 'static,
        F: Future<Output = Result<C, E>> + 'static,
    {
        TokioConnections {
            runtime,
            run: Arc::new(move |sql, params, running| {
                let connection = connect();
                Box::pin(async move {
                    let connection = connection
                        .await
                        .map_err(|error| typed::no_connection(error.into()))?;
                    let client = client(&connection);
                    running.begin(client.cancel_token());
                    let answer = query(client, sql, params).await;
                    running.end();
                    answer
                })
            }),
            own: None,
        }
    }

    /// `connect` opens a connection to the server itself, without a pooler in transaction
    /// mode. With it the followers of a store share a connection that listens, and a lease
    /// can end with its owner's connection.
    #[must_use]
    pub fn with_own<S, T, E, F>(
        mut self,
        connect: impl Fn() -> F + Send + Sync + 'static,
    ) -> TokioConnections
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        E: Into<BoxError>,
        F: Future<Output = Result<(Client, tokio_postgres::Connection<S, T>), E>>,
    {
        self.own = Some(Arc::new(move |runtime| {
            let (client, mut connection) = runtime.block_on(connect()).map_err(Into::into)?;
            let (told, notifications) = channel();
            // Ends with its client, or with the connection.
            runtime.spawn(async move {
                while let Some(Ok(message)) = poll_fn(|task| connection.poll_message(task)).await {
                    if let AsyncMessage::Notification(notification) = message {
                        let _ = told.send(notification.channel().to_owned());
                    }
                }
            });
            Ok(OwnConnection {
                runtime: runtime.clone(),
                client,
                notifications,
            })
        }));
        self
    }
}

impl Driver for TokioConnections {
    fn query(&self, sql: &str, params: &[Param<'_>]) -> Answer {
        self.runtime
            .block_on((self.run)(sql, params, &Running::new()))
    }

    fn query_until(&self, sql: &str, params: &[Param<'_>], token: &CancelToken) -> Answer {
        let running = Running::new();
        let (stopped, runtime) = (Arc::clone(&running), self.runtime.clone());
        // As the other driver does it.
        let stop = move || {
            stopped.stop(|token: CancelQuery| drop(runtime.block_on(token.cancel_query(NoTls))))
        };
        stoppable(Some(token), stop, || {
            self.runtime.block_on((self.run)(sql, params, &running))
        })
    }

    fn own_connection(&self) -> Option<Result<Box<dyn Connection>, Failure>> {
        let own = self.own.as_ref()?;
        Some(match own(&self.runtime) {
            Ok(connection) => Ok(Box::new(connection)),
            Err(error) => Err(typed::no_connection(error)),
        })
    }

    /// tokio does not say whether this thread runs a task or may block.
    fn may_wait_here(&self) -> bool {
        Handle::try_current().is_err()
    }
}

impl fmt::Debug for TokioConnections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioConnections").finish_non_exhaustive()
    }
}

struct OwnConnection {
    runtime: Handle,
    client: Client,
    notifications: Receiver<String>,
}

impl Connection for OwnConnection {
    fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Answer {
        self.runtime.block_on(query(&self.client, sql, params))
    }

    fn notifications(&mut self, wait: Duration) -> Result<Vec<String>, Failure> {
        let first = match self.notifications.recv_timeout(wait) {
            Ok(channel) => Some(channel),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::NoAnswer("the connection broke".into()));
            }
        };
        Ok(first
            .into_iter()
            .chain(self.notifications.try_iter())
            .collect())
    }
}

/// Sends parameters with their types, as the other driver does.
async fn query(client: &Client, sql: &str, params: &[Param<'_>]) -> Answer {
    let rows = client.query_typed(sql, &typed::parameters(params)).await;
    typed::rows(&rows.map_err(typed::failure)?)
}
