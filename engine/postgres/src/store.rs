//! The sessions of one schema.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use untorn::engine::{self, Waiting};
use untorn::{CallOptions, Error, ErrorKind};

use crate::beat::Beats;
use crate::driver::{Columns, Driver, Failure, Param};
use crate::error;
use crate::link::{Ask, Link, only};
use crate::listen::Listener;
use crate::options::StoreOptions;
use crate::session::Session;
use crate::shared::{Shared, until_free};

/// How many keys one statement fetches.
const PAGE: i64 = 1000;
/// A key is no longer than with files.
const LONGEST_KEY: usize = 1 << 20;

/// The sessions of one schema of a database, found by their keys. It has the verbs of
/// [`untorn::Store`].
///
/// ```no_run
/// use postgres::{Client, NoTls};
/// use untorn_postgres::{Connections, Store};
///
/// // Of a pool, or one after another:
/// let connect = || Client::connect("host=db dbname=app", NoTls).map(Box::new);
/// let store = Store::open(Connections::new(connect), "untorn")?;
/// let session = store.session("chat:42")?;
/// let lease = session.claim("worker 3")?;
/// session.journal()?.append(b"{\"role\":\"user\"}")?;
/// session.state()?.save(b"{\"turns\":1}")?;
/// drop(lease);
/// assert_eq!(store.keys()?, ["chat:42"]);
/// # Ok::<(), untorn_postgres::Error>(())
/// ```
#[derive(Clone)]
pub struct Store {
    pub(crate) shared: Arc<Shared>,
}

fn open_store(link: Link, options: StoreOptions) -> Result<Store, Error> {
    let name = link.name_of(&[]);
    let link = Arc::new(link);
    let sql = format!("select {}.protocol()", link.schema);
    let row = only("open", &name, link.read("open", &name, &sql, &[])?)?;
    let Some(found) = Columns::of(row).int() else {
        let failure = Failure::Driver("the answer of protocol() has no number".into());
        return Err(error::of("open", &name, failure, false));
    };
    let known = crate::MIGRATIONS.len() as i64;
    if found != known {
        let todo = match found < known {
            true => "run the migrations of untorn-postgres",
            false => "update untorn-postgres",
        };
        let detail = format!(
            "the schema has migration {found}, and this version of untorn-postgres knows {known}; {todo}"
        );
        let failure = engine::Failure {
            detail,
            ..Default::default()
        };
        return Err(engine::error(ErrorKind::Conflict, "open", &name, failure));
    }
    Ok(Store {
        shared: Arc::new(Shared {
            beats: Beats::new(),
            listener: Listener::new(&link.driver),
            link,
            options: Arc::new(options),
            name,
        }),
    })
}

impl StoreOptions {
    /// Opens the store in this schema, and checks that its migrations are those that
    /// this version knows.
    ///
    /// # Errors
    /// `NOT_FOUND` if the schema is missing; `CONFLICT` if its migrations are older or
    /// newer; `PERMISSION_DENIED`, and no connection (`IO`).
    pub fn open(self, driver: impl Driver, schema: &str) -> Result<Store, Error> {
        for name in [&self.journal_name, &self.state_name] {
            engine::check_file("open", Path::new(schema), name)?;
        }
        if self.journal_name == self.state_name {
            return Err(Error::invalid_argument(
                "open",
                Path::new(schema),
                format!(
                    "journal and state must differ in name: both are {:?}",
                    self.state_name
                ),
            ));
        }
        let link = Link::new(Arc::new(driver), schema, self.patience);
        open_store(link, self)
    }
}

impl Store {
    /// Returns the options: names of files, durability, time to live and so on.
    #[must_use]
    pub fn options() -> StoreOptions {
        StoreOptions::default()
    }

    /// Opens the store in this schema with the default options.
    ///
    /// # Errors
    /// As [`StoreOptions::open`].
    pub fn open(driver: impl Driver, schema: &str) -> Result<Store, Error> {
        Store::options().open(driver, schema)
    }

    /// Returns the store's name in messages: the schema.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.shared.name
    }

    /// Returns the session with this key, which may be missing yet. Creates nothing.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a key of more than 1 MiB, or with U+0000.
    pub fn session(&self, key: &str) -> Result<Session, Error> {
        let why = if key.len() > LONGEST_KEY {
            format!("a key of {} bytes: it may have {LONGEST_KEY}", key.len())
        } else if key.contains('\0') {
            "a key with U+0000, which the database's text can't hold".to_owned()
        } else {
            return Ok(Session::new(&self.shared, key));
        };
        Err(Error::invalid_argument("session", &self.shared.name, why))
    }

    /// Returns the keys of all sessions, sorted. [`Store::each_key`] needs no memory for
    /// all of them.
    ///
    /// # Errors
    /// Those of the database.
    pub fn keys(&self) -> Result<Vec<String>, Error> {
        let mut keys = self.each_key().collect::<Result<Vec<_>, _>>()?;
        keys.sort_unstable();
        Ok(keys)
    }

    /// Yields the keys of all sessions in the order of their creation, a page at a time.
    pub fn each_key(&self) -> Keys {
        Keys {
            shared: Arc::clone(&self.shared),
            page: Vec::new().into_iter(),
            after: 0,
            is_last: false,
        }
    }

    /// Removes the session with all its files. Returns `false` if it was missing. Tries
    /// once, without waiting for an owner.
    ///
    /// # Errors
    /// `LOCKED` and the owner, while the session has one; those of the database.
    pub fn remove(&self, key: &str) -> Result<bool, Error> {
        self.remove_with(key, &CallOptions::new().timeout(Some(Duration::ZERO)))
    }

    /// Removes the session as [`Store::remove`] does, with a way to wait until the owner
    /// releases it, or to cancel.
    ///
    /// # Errors
    /// The same, `LOCK_TIMEOUT` and `CANCELLED`.
    pub fn remove_with(&self, key: &str, call: &CallOptions<'_>) -> Result<bool, Error> {
        let name = self.session(key)?.kept.name.clone();
        let wait = Waiting::begin("remove", &name, call, self.shared.options.timeout)?;
        let sql = format!("select {}.remove($1::text)", self.shared.link.schema);
        until_free("remove", &name, &wait, || {
            let ask = Ask {
                operation: "remove",
                name: &name,
                wait: Some(&wait),
                changes: true,
            };
            let params = [Param::Text(Some(key))];
            let rows = self.shared.link.call(&ask, &sql, &params)?;
            Ok(Columns::of(only("remove", &name, rows)?).bool())
        })
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("schema", &self.shared.name)
            .finish_non_exhaustive()
    }
}

/// Yields the keys of a store. See [`Store::each_key`].
pub struct Keys {
    shared: Arc<Shared>,
    page: std::vec::IntoIter<(i64, String)>,
    after: i64,
    is_last: bool,
}

impl Iterator for Keys {
    type Item = Result<String, Error>;

    fn next(&mut self) -> Option<Result<String, Error>> {
        if self.page.len() == 0 && !self.is_last {
            match self.fetch() {
                Ok(page) => {
                    self.is_last = page.len() < PAGE as usize;
                    self.page = page.into_iter();
                }
                Err(error) => {
                    self.is_last = true;
                    return Some(Err(error));
                }
            }
        }
        let (id, key) = self.page.next()?;
        self.after = id;
        Some(Ok(key))
    }
}

impl Keys {
    fn fetch(&self) -> Result<Vec<(i64, String)>, Error> {
        let link = &self.shared.link;
        let sql = format!(
            "select id, key from {}.sessions($1::bigint, $2::bigint::int)",
            link.schema
        );
        let params = [Param::Int(Some(self.after)), Param::Int(Some(PAGE))];
        let rows = link.read("keys", &self.shared.name, &sql, &params)?;
        let row = |row| {
            let mut columns = Columns::of(row);
            Some((columns.int()?, columns.text()?))
        };
        Ok(rows.into_iter().filter_map(row).collect())
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
