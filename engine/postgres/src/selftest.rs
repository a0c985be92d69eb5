//! Says what a server, or a pooler before it, lacks.

use std::path::Path;
use std::time::{Duration, Instant};

use untorn::Error;

use crate::driver::{Columns, Connection, Driver, Failure, Param};
use crate::error;
use crate::link::Link;

/// How long a notification may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// A setting of the server, or what was tried.
    pub name: String,
    /// It is as the promises need it.
    pub ok: bool,
    /// The value or the behaviour that was found.
    pub found: String,
    /// What is lost without it.
    pub why: String,
}

/// Tries what the promises need: the server's settings, and statements that end
/// transactions. On connections of its own it tries advisory locks and notifications. A
/// pooler in transaction mode does not pass these on. It changes nothing that stays.
///
/// # Errors
/// `NOT_FOUND` if the schema is missing; no connection (`IO`).
pub fn selftest(driver: impl Driver, schema: &str) -> Result<Vec<Check>, Error> {
    let link = Link::new(std::sync::Arc::new(driver), schema, Duration::ZERO);
    let name = link.name_of(&[]);
    let sql = format!(
        "select name, ok, found, why from {}.selftest()",
        link.schema
    );
    let mut checks: Vec<Check> = Vec::new();
    for row in link.read("selftest", &name, &sql, &[])? {
        let mut columns = Columns::of(row);
        checks.push(Check {
            name: columns.text().unwrap_or_default(),
            ok: columns.bool(),
            found: columns.text().unwrap_or_default(),
            why: columns.text().unwrap_or_default(),
        });
    }
    checks.push(ends_transactions(&link, &name));
    match link.driver.own_connection() {
        None => checks.push(Check {
            name: "own connection".to_owned(),
            ok: false,
            found: "the driver was given none".to_owned(),
            why: "followers look every 2 to 250 ms instead of being notified".to_owned(),
        }),
        Some(first) => match own(&link, first) {
            Ok(tried) => checks.extend(tried),
            Err(failure) => checks.push(Check {
                name: "own connection".to_owned(),
                ok: false,
                found: error::of("selftest", &name, failure, false).to_string(),
                why: "followers look once a second instead of being notified".to_owned(),
            }),
        },
    }
    Ok(checks)
}

/// A call that commits within itself fails in a transaction.
fn ends_transactions(link: &Link, name: &Path) -> Check {
    let sql = format!(
        "call {}.commit('', '{{}}', '{{}}', '{{}}', durable => true)",
        link.schema
    );
    let begun = Instant::now();
    let done = link.read("selftest", name, &sql, &[]);
    Check {
        name: "statements outside of transactions".to_owned(),
        ok: done.is_ok(),
        found: match done {
            Ok(_) => format!("yes, in {:.1} ms", begun.elapsed().as_secs_f64() * 1000.0),
            Err(error) => error.to_string(),
        },
        why: "the verbs end transactions themselves: use autocommit".to_owned(),
    }
}

fn own(link: &Link, first: Result<Box<dyn Connection>, Failure>) -> Result<Vec<Check>, Failure> {
    let mut one = first?;
    let other = link.driver.own_connection();
    let mut other =
        other.unwrap_or_else(|| Err(Failure::NoConnection("no second connection".into())))?;
    let pid = |connection: &mut dyn Connection| -> Result<Option<i64>, Failure> {
        let rows = connection.query("select pg_backend_pid()::bigint", &[])?;
        Ok(rows
            .into_iter()
            .next()
            .and_then(|row| Columns::of(row).int()))
    };
    // A pooler in transaction mode lends the same server process to both.
    let pids = [pid(&mut *one)?, pid(&mut *other)?, pid(&mut *one)?];
    let is_own = pids[0] == pids[2] && pids[0] != pids[1];

    let lock = "select pg_try_advisory_lock(hashtext('untorn selftest'), $1::bigint::int)";
    let number = [Param::Int(Some(i64::from(
        std::process::id() & 0x7fff_ffff,
    )))];
    let takes = |connection: &mut dyn Connection| -> Result<bool, Failure> {
        let rows = connection.query(lock, &number)?;
        Ok(rows
            .into_iter()
            .next()
            .is_some_and(|row| Columns::of(row).bool()))
    };
    let (first, second) = (takes(&mut *one)?, takes(&mut *other)?);
    let unlock = "select pg_advisory_unlock(hashtext('untorn selftest'), $1::bigint::int)";
    one.query(unlock, &number)?;

    let channel = format!("untorn_selftest_{}", std::process::id());
    one.query(&format!("listen {channel}"), &[])?;
    other.query(&format!("notify {channel}"), &[])?;
    let begun = Instant::now();
    let mut told = false;
    while !told && begun.elapsed() < PATIENCE {
        told = one
            .notifications(Duration::from_millis(100))?
            .contains(&channel);
    }
    one.query(&format!("unlisten {channel}"), &[])?;
    let check = |name: &str, ok: bool, yes: &str, no: &str, why: &str| Check {
        name: name.to_owned(),
        ok,
        found: if ok { yes } else { no }.to_owned(),
        why: why.to_owned(),
    };
    Ok(vec![
        check(
            "own connection",
            is_own,
            "each connection has a server process of its own",
            "two connections share a server process: a pooler in transaction mode",
            "claims with connected => true must not be used; leases end by their time to live",
        ),
        check(
            "advisory locks",
            first && !second,
            "the connection keeps them",
            "another connection has the same lock",
            "claims with connected => true must not be used",
        ),
        check(
            "notifications",
            told,
            "they arrive",
            "none came",
            "followers look once a second instead of being notified",
        ),
    ])
}
