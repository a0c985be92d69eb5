//! The migrations, and what applies those that are missing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use untorn::{Error, ErrorKind};

use crate::driver::{Columns, Driver, Failure};
use crate::error;
use crate::link::{Link, only};

/// One step of the schema. It is a transaction of its own.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its number: 1 for the first.
    pub version: i32,
    /// The name of its file.
    pub name: &'static str,
    source: &'static str,
}

impl Migration {
    /// Returns the SQL that applies this step to `schema`, its transaction
    /// included. For tools with migrations of their own.
    pub fn sql(&self, schema: &str) -> String {
        let literal = format!("'{}'", schema.replace('\'', "''"));
        self.source.replace(":'schema'", &literal)
    }

    /// Returns one statement that applies this step, for drivers that send one at a time.
    /// It fails with [`APPLIED`] if the step was applied before.
    fn statement(&self, schema: &str) -> String {
        let script = self.sql(schema);
        // A `do` is a transaction, and must not end it.
        let script: Vec<&str> = script
            .lines()
            .filter(|line| !matches!(*line, "begin;" | "commit;"))
            .collect();
        let table = quoted(&format!("\"{}\".migration", schema.replace('"', "\"\"")));
        // Not `to_regclass`: another caller may have made the table during the wait for its
        // turn, and the session's cache of names does not know it yet.
        let body = format!(
            "declare done boolean := false;\n\
             begin\n\
             perform pg_advisory_xact_lock(hashtext({turn}));\n\
             if exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
             where n.nspname = {schema} and c.relname = 'migration') then\n\
             execute 'select exists (select from ' || {table} || ' where version >= {version})' into done;\n\
             end if;\n\
             if done then raise exception 'applied before' using errcode = '{APPLIED}'; end if;\n\
             execute {script};\n\
             end",
            turn = quoted(&format!("untorn migrates {schema}")),
            schema = quoted(schema),
            version = self.version,
            script = quoted(&script.join("\n")),
        );
        format!("do {}", quoted(&body))
    }
}

/// Another caller applied the step meanwhile.
const APPLIED: &str = "UT000";
/// How long a look at the schema is tried again after its connection broke.
const PATIENCE: Duration = Duration::from_secs(10);

/// Returns a string in SQL, whatever `standard_conforming_strings` is.
fn quoted(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

macro_rules! migrations {
    ($($version:literal $name:literal),* $(,)?) => {
        /// All migrations, in their order.
        pub const MIGRATIONS: &[Migration] = &[$(Migration {
            version: $version,
            name: $name,
            source: include_str!(concat!("../migrations/", $name)),
        }),*];
    };
}

migrations! {
    1 "0001_tables.sql",
    2 "0002_reading.sql",
    3 "0003_apply.sql",
    4 "0004_commit.sql",
    5 "0005_leases.sql",
    6 "0006_rights.sql",
    7 "0007_rewrites.sql",
    8 "0008_append_now.sql",
}

/// Creates the schema, or brings it up to date, with any driver. Returns how many
/// migrations it applied: 0 if nothing was missing. Of several callers at once one
/// applies each. It works behind a pooler, too: each migration is one statement.
///
/// # Errors
/// `CONFLICT` if a newer version made the schema; `PERMISSION_DENIED`; those of the
/// server, and no connection (`IO`): call it again.
pub fn migrate_with(driver: impl Driver, schema: &str) -> Result<usize, Error> {
    let link = Link::new(Arc::new(driver), schema, PATIENCE);
    let name = Path::new(schema);
    let int = |sql: &str| -> Result<i64, Error> {
        let row = only("migrate", name, link.read("migrate", name, sql, &[])?)?;
        Ok(Columns::of(row).int().unwrap_or(0))
    };
    let table = format!("{}.migration", link.schema);
    let there = format!(
        "select (to_regclass({}) is not null)::int::bigint",
        quoted(&table)
    );
    let mut found = 0;
    if int(&there)? != 0 {
        found = int(&format!(
            "select coalesce(max(version), 0)::bigint from {table}"
        ))?;
    }
    let known = MIGRATIONS.last().map_or(0, |last| i64::from(last.version));
    if found > known {
        return Err(newer(name, found, known));
    }
    let mut applied = 0;
    for step in MIGRATIONS {
        if i64::from(step.version) <= found {
            continue;
        }
        let name = format!("{schema}, {}", step.name);
        match link.driver.query(&step.statement(schema), &[]) {
            Ok(_) => applied += 1,
            Err(Failure::Server(refusal, _)) if refusal.sqlstate == APPLIED => {}
            Err(failure) => {
                let unknown = matches!(failure, Failure::NoAnswer(_) | Failure::Driver(_));
                return Err(error::of("migrate", Path::new(&name), failure, unknown));
            }
        }
    }
    Ok(applied)
}

#[cold]
fn newer(name: &Path, found: i64, known: i64) -> Error {
    let failure = untorn::engine::Failure {
        detail: format!(
            "the schema has migration {found}, and this version of untorn-postgres knows {known}; \
             update untorn-postgres"
        ),
        ..Default::default()
    };
    untorn::engine::error(ErrorKind::Conflict, "migrate", name, failure)
}

/// Creates the schema, or brings it up to date. Returns how many migrations it
/// applied: 0 if nothing was missing. Of several callers at once one applies them.
///
/// # Errors
/// `CONFLICT` if a newer version made the schema; `PERMISSION_DENIED`; those of the
/// server.
#[cfg(feature = "postgres")]
pub fn migrate(client: &mut postgres::Client, schema: &str) -> Result<usize, Error> {
    let failed = |migration: Option<&str>| {
        let name = match migration {
            Some(migration) => format!("{schema}, {migration}"),
            None => schema.to_owned(),
        };
        move |source| {
            let failure = crate::typed::failure(source);
            error::of("migrate", Path::new(&name), failure, false)
        }
    };
    let turn = format!("untorn migrates {schema}");
    client
        .execute("select pg_advisory_lock(hashtext($1))", &[&turn])
        .map_err(failed(None))?;
    let applied = apply_missing(client, schema, &failed);
    let mut unlocked = Ok(());
    if applied.is_err() {
        // The transaction that failed is still open, and would refuse the unlock.
        unlocked = client.batch_execute("rollback");
    }
    let unlocked =
        unlocked.and_then(|()| client.execute("select pg_advisory_unlock(hashtext($1))", &[&turn]));
    let applied = applied?;
    unlocked.map_err(failed(None))?;
    Ok(applied)
}

#[cfg(feature = "postgres")]
fn apply_missing<F: FnOnce(postgres::Error) -> Error>(
    client: &mut postgres::Client,
    schema: &str,
    failed: &dyn Fn(Option<&str>) -> F,
) -> Result<usize, Error> {
    let there = client
        .query_one(
            "select to_regclass(format('%I.migration', $1::text)) is not null",
            &[&schema],
        )
        .map_err(failed(None))?;
    let mut found = 0;
    if there.get(0) {
        let query = format!(
            "select coalesce(max(version), 0) from \"{}\".migration",
            schema.replace('"', "\"\"")
        );
        found = client
            .query_one(&query, &[])
            .map_err(failed(None))?
            .get::<_, i32>(0);
    }
    let known = MIGRATIONS.last().map_or(0, |last| last.version);
    if found > known {
        return Err(newer(Path::new(schema), found.into(), known.into()));
    }
    let missing: Vec<_> = MIGRATIONS
        .iter()
        .filter(|step| step.version > found)
        .collect();
    for step in &missing {
        client
            .batch_execute(&step.sql(schema))
            .map_err(failed(Some(step.name)))?;
    }
    Ok(missing.len())
}
