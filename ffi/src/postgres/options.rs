//! The options of a store in a database.

use std::ffi::c_char;
use std::time::Duration;

use untorn::Result;
use untorn_postgres::StoreOptions;

use crate::argument::Arguments;
use crate::option_structs::{self, JournalOptions};
use crate::options::{self, Options, flag};
use crate::words::{UNTORN_DURABILITY_POWER, durability};

/// How a store in a database is opened. Initialise it with
/// UNTORN_POSTGRES_OPTIONS_INIT. NULL means the same as that.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PostgresOptions {
    /// sizeof(untorn_postgres_options).
    pub size: usize,
    /// How long a claim that waits does so, in milliseconds. -1 (the default) waits
    /// without a limit, 0 tries once.
    pub timeout_ms: i64,
    /// The name of a session's journal. NULL (the default): journal.jsonl.
    pub journal_name: *const c_char,
    /// The name of a session's state document. NULL (the default): state.json.
    pub state_name: *const c_char,
    /// How the sessions' journals are opened: format, max_record and sealed. NULL: the
    /// defaults. UNTORN_INVALID_ARGUMENT, when a journal is opened, for a scheme of
    /// locks.
    pub journal: *const JournalOptions,
    /// UNTORN_DURABILITY_POWER (the default): the server's medium has each change, and
    /// each synchronous standby. UNTORN_DURABILITY_PROCESS: a crash of the server may
    /// lose the last moments.
    pub durability: i32,
    /// Not 0: a lease also ends with a connection of its own, so that a dead owner's
    /// session is free at once. It needs the driver's connect, and no pooler in
    /// transaction mode. Default: 0.
    pub connected: i32,
    /// The time to live of a lease, in milliseconds. A thread of this library renews it
    /// three times within it. Default: 15,000.
    pub ttl_ms: i64,
    /// How long a statement is sent again after its connection broke, in milliseconds.
    /// A failover should fit in it. Default: 10,000.
    pub patience_ms: i64,
}

// SAFETY: `repr(C)`, integers and pointers, size first.
unsafe impl Options for PostgresOptions {
    const NAME: &'static str = "untorn_postgres_options";
    const FIRST_SIZE: usize = size_of::<PostgresOptions>();

    fn defaults() -> PostgresOptions {
        PostgresOptions {
            size: size_of::<PostgresOptions>(),
            timeout_ms: -1,
            journal_name: std::ptr::null(),
            state_name: std::ptr::null(),
            journal: std::ptr::null(),
            durability: UNTORN_DURABILITY_POWER,
            connected: 0,
            ttl_ms: 15_000,
            patience_ms: 10_000,
        }
    }
}

/// Converts the options for the engine.
///
/// # Safety
/// NULL or valid, with all that it points to.
pub(super) unsafe fn read(
    given: *const PostgresOptions,
    arguments: &Arguments<'_>,
) -> Result<StoreOptions> {
    // SAFETY: the caller's promise.
    let given = unsafe { options::read(given, arguments)? };
    let mut engine = untorn_postgres::Store::options();
    if !given.journal.is_null() {
        // SAFETY: the caller's promise.
        engine = engine.journal(unsafe {
            let journal = options::read(given.journal, arguments)?;
            option_structs::journal(&journal, arguments)?
        });
    }
    // SAFETY: the caller's promise.
    let (journal_name, state_name) = unsafe {
        (
            arguments.text(given.journal_name, "journal_name")?,
            arguments.text(given.state_name, "state_name")?,
        )
    };
    if let Some(name) = journal_name {
        engine = engine.journal_name(name);
    }
    if let Some(name) = state_name {
        engine = engine.state_name(name);
    }
    Ok(engine
        .timeout(arguments.timeout(given.timeout_ms)?)
        .durability(durability(given.durability, arguments)?)
        .connected(flag(given.connected))
        .ttl(time(given.ttl_ms, "ttl_ms", 1, arguments)?)
        .patience(time(given.patience_ms, "patience_ms", 0, arguments)?))
}

fn time(milliseconds: i64, name: &str, least: u64, arguments: &Arguments<'_>) -> Result<Duration> {
    match u64::try_from(milliseconds) {
        Ok(milliseconds) if milliseconds >= least => Ok(Duration::from_millis(milliseconds)),
        _ => Err(arguments.refuse(format!(
            "{name} is {milliseconds}; it must be at least {least}"
        ))),
    }
}
