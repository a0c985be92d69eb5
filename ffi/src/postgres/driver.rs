//! The callbacks of C's, as a driver of the engine.

use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use untorn::Result;
use untorn_postgres::{Connection, Driver, Failure, Param, Row};

use super::answer::PostgresAnswer;
use super::values::Params;
use crate::argument::Arguments;
use crate::options::{self, Options};

/// One statement with its parameters, as PQexecParams() takes them. It and all that it
/// points to belong to the library, and are valid until the callback returns.
#[repr(C)]
pub struct PostgresStatement {
    /// The SQL, NUL-terminated.
    pub sql: *const c_char,
    /// The number of parameters, and of the elements of each array below. The arrays
    /// may be NULL if it is 0.
    pub count: i32,
    /// The type of each parameter, as PostgreSQL's OID.
    pub types: *const u32,
    /// The bytes of each parameter in PostgreSQL's binary format, without a NUL at
    /// the end. NULL is null.
    pub values: *const *const c_char,
    /// The number of those bytes.
    pub lengths: *const i32,
    /// 1 for each parameter: binary.
    pub formats: *const i32,
}

/// Runs one statement on a connection that is in no transaction, so that the statement
/// is one (autocommit). connection is one of untorn_postgres_connect; NULL means any
/// connection that no other thread uses. Give the rows to
/// untorn_postgres_answer_row() and untorn_postgres_answer_value(), in PostgreSQL's
/// binary format. Send the statement once: the library sends it again if that is
/// right.
///
/// Returns UNTORN_POSTGRES_ANSWERED; or UNTORN_POSTGRES_REFUSED after
/// untorn_postgres_answer_refused(); or UNTORN_POSTGRES_NO_CONNECTION or
/// UNTORN_POSTGRES_NO_ANSWER, best after untorn_postgres_answer_failed().
///
/// Many threads call it at once, among them threads of this library. It must return:
/// it must not end its thread, jump out or throw. It must call no function of this
/// library but those of the answer, and keep neither statement nor answer.
pub type PostgresQuery = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        connection: *mut c_void,
        statement: *const PostgresStatement,
        answer: *mut PostgresAnswer,
    ) -> i32,
>;

/// Frees what the driver needs. Any thread may call it, and only after the last call of
/// the others has returned.
pub type PostgresRelease = Option<unsafe extern "C" fn(context: *mut c_void)>;

/// Opens a connection to the server itself, not through a pooler in transaction mode.
/// *connection_out stands for it until untorn_postgres_disconnect. It returns as
/// untorn_postgres_query does, and the same is demanded of it.
pub type PostgresConnect = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        connection_out: *mut *mut c_void,
        answer: *mut PostgresAnswer,
    ) -> i32,
>;

/// Closes a connection of untorn_postgres_connect.
pub type PostgresDisconnect = Option<unsafe extern "C" fn(connection: *mut c_void)>;

/// Waits until the server notifies this connection, for timeout_ms milliseconds at
/// most. Gives each channel to untorn_postgres_answer_notified(). Returns
/// UNTORN_POSTGRES_ANSWERED, also if none came; or UNTORN_POSTGRES_NO_ANSWER if the
/// connection broke. The same is demanded of it as of untorn_postgres_query.
pub type PostgresWait = Option<
    unsafe extern "C" fn(
        connection: *mut c_void,
        timeout_ms: i64,
        answer: *mut PostgresAnswer,
    ) -> i32,
>;

/// A driver: the program's own connections, for example of libpq. Initialise it with
/// UNTORN_POSTGRES_DRIVER_INIT. Only query is needed. With connect, disconnect and
/// wait the followers of a store are woken by the server, and a lease can end with
/// its owner's connection. One connection is used by one thread at a time.
/// examples/c-postgres has a driver for libpq to copy.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PostgresDriver {
    /// sizeof(untorn_postgres_driver).
    pub size: usize,
    /// Passed to query, connect and release.
    pub context: *mut c_void,
    /// Runs one statement.
    pub query: PostgresQuery,
    /// Frees context after the last use. May be NULL. See
    /// untorn_store_open_postgres().
    pub release: PostgresRelease,
    /// Opens a connection that its user keeps. May be NULL, as the two below then.
    pub connect: PostgresConnect,
    /// Closes it.
    pub disconnect: PostgresDisconnect,
    /// Waits on it for notifications.
    pub wait: PostgresWait,
}

// SAFETY: `repr(C)`, integers, pointers and functions that may be NULL, size first.
unsafe impl Options for PostgresDriver {
    const NAME: &'static str = "untorn_postgres_driver";
    const FIRST_SIZE: usize = size_of::<PostgresDriver>();

    fn defaults() -> PostgresDriver {
        PostgresDriver {
            size: size_of::<PostgresDriver>(),
            context: std::ptr::null_mut(),
            query: None,
            release: None,
            connect: None,
            disconnect: None,
            wait: None,
        }
    }
}

type Call = unsafe extern "C" fn(
    *mut c_void,
    *mut c_void,
    *const PostgresStatement,
    *mut PostgresAnswer,
) -> i32;

/// The struct that C gave. Its last owner releases it.
pub(super) struct Given {
    driver: PostgresDriver,
    query: Call,
    own: Option<Own>,
    /// A store has it: until then the caller frees it.
    taken: AtomicBool,
}

#[derive(Clone, Copy)]
struct Own {
    connect: unsafe extern "C" fn(*mut c_void, *mut *mut c_void, *mut PostgresAnswer) -> i32,
    disconnect: unsafe extern "C" fn(*mut c_void),
    wait: unsafe extern "C" fn(*mut c_void, i64, *mut PostgresAnswer) -> i32,
}

// SAFETY: the header demands that any thread may call the functions with the context.
unsafe impl Send for Given {}
// SAFETY: as above, and many at once.
unsafe impl Sync for Given {}

impl Given {
    /// From now on the last owner releases the driver.
    pub fn take_over(&self) {
        self.taken.store(true, Ordering::Relaxed);
    }

    pub fn connects(&self) -> bool {
        self.own.is_some()
    }

    fn ask(
        &self,
        connection: *mut c_void,
        sql: &str,
        params: &[Param<'_>],
    ) -> std::result::Result<Vec<Row>, Failure> {
        let params = Params::new(params)?;
        let sql = CString::new(sql).map_err(|error| Failure::Driver(error.into()))?;
        let statement = PostgresStatement {
            sql: sql.as_ptr(),
            // As many as the engine's statements have.
            count: params.types.len() as i32,
            types: params.types.as_ptr(),
            values: params.values.as_ptr(),
            lengths: params.lengths.as_ptr(),
            formats: params.formats.as_ptr(),
        };
        let mut answer = PostgresAnswer::default();
        // SAFETY: the header says what the callback must do, and the rest is valid
        // until it returns.
        let code = unsafe {
            (self.query)(
                self.driver.context,
                connection,
                &raw const statement,
                &raw mut answer,
            )
        };
        answer.rows(code)
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        if let Some(release) = self.driver.release
            && *self.taken.get_mut()
        {
            // SAFETY: the header's promise, and nothing uses the driver any more.
            unsafe { release(self.driver.context) }
        }
    }
}

/// A driver of C's.
pub(super) struct CDriver {
    pub given: Arc<Given>,
}

impl CDriver {
    /// Reads the struct that C passes.
    ///
    /// # Safety
    /// NULL or valid.
    pub unsafe fn read(
        driver: *const PostgresDriver,
        arguments: &Arguments<'_>,
    ) -> Result<CDriver> {
        // SAFETY: the caller's promise.
        let driver = unsafe {
            arguments.object(driver, "driver")?;
            options::read(driver, arguments)?
        };
        let Some(query) = driver.query else {
            return Err(arguments.refuse("driver->query is NULL"));
        };
        let own = match (driver.connect, driver.disconnect, driver.wait) {
            (None, None, None) => None,
            (Some(connect), Some(disconnect), Some(wait)) => Some(Own {
                connect,
                disconnect,
                wait,
            }),
            _ => {
                return Err(arguments.refuse(
                    "of driver->connect, disconnect and wait some are NULL: set all three, or none",
                ));
            }
        };
        Ok(CDriver {
            given: Arc::new(Given {
                driver,
                query,
                own,
                taken: AtomicBool::new(false),
            }),
        })
    }
}

impl Driver for CDriver {
    fn query(&self, sql: &str, params: &[Param<'_>]) -> std::result::Result<Vec<Row>, Failure> {
        self.given.ask(std::ptr::null_mut(), sql, params)
    }

    fn own_connection(&self) -> Option<std::result::Result<Box<dyn Connection>, Failure>> {
        let own = self.given.own?;
        let mut connection = std::ptr::null_mut();
        let mut answer = PostgresAnswer::default();
        // SAFETY: the header says what the callback must do.
        let code = unsafe {
            (own.connect)(
                self.given.driver.context,
                &raw mut connection,
                &raw mut answer,
            )
        };
        Some(answer.rows(code).and_then(|_| {
            if connection.is_null() {
                let why = "connect succeeded, and *connection_out is NULL";
                return Err(Failure::Driver(why.into()));
            }
            Ok(Box::new(OwnConnection {
                given: Arc::clone(&self.given),
                own,
                connection,
            }) as Box<dyn Connection>)
        }))
    }
}

struct OwnConnection {
    given: Arc<Given>,
    own: Own,
    connection: *mut c_void,
}

// SAFETY: the header demands that any thread may use a connection, one at a time.
unsafe impl Send for OwnConnection {}

impl Connection for OwnConnection {
    fn query(&mut self, sql: &str, params: &[Param<'_>]) -> std::result::Result<Vec<Row>, Failure> {
        self.given.ask(self.connection, sql, params)
    }

    fn notifications(&mut self, wait: Duration) -> std::result::Result<Vec<String>, Failure> {
        let milliseconds = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let mut answer = PostgresAnswer::default();
        // SAFETY: as above.
        let code = unsafe { (self.own.wait)(self.connection, milliseconds, &raw mut answer) };
        answer.channels(code)
    }
}

impl Drop for OwnConnection {
    fn drop(&mut self) {
        // SAFETY: as above, and nothing uses the connection any more.
        unsafe { (self.own.disconnect)(self.connection) }
    }
}
