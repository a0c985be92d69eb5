//! The migrations, and what applies those that are missing.

#[cfg(feature = "postgres")]
use std::path::Path;

#[cfg(feature = "postgres")]
use untorn::{Error, ErrorKind};

#[cfg(feature = "postgres")]
use crate::error;

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
            let failure = crate::connections::failure(source);
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
        let failure = untorn::engine::Failure {
            detail: format!(
                "the schema has migration {found}, and this version of untorn-postgres knows {known}; \
                 update untorn-postgres"
            ),
            ..Default::default()
        };
        let name = Path::new(schema);
        return Err(untorn::engine::error(
            ErrorKind::Conflict,
            "migrate",
            name,
            failure,
        ));
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
