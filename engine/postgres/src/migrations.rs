//! The migrations, and what applies those that are missing.

use postgres::Client;

use crate::Error;

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
/// [`Error::Newer`] if a newer version made the schema; [`Error::Server`].
pub fn migrate(client: &mut Client, schema: &str) -> Result<usize, Error> {
    let failed = |migration: Option<&str>| {
        let name = match migration {
            Some(migration) => format!("migrate schema {schema}, {migration}"),
            None => format!("migrate schema {schema}"),
        };
        move |source| Error::Server { name, source }
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

fn apply_missing<F: FnOnce(postgres::Error) -> Error>(
    client: &mut Client,
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
    if found > MIGRATIONS.last().map_or(0, |last| last.version) {
        return Err(Error::Newer {
            schema: schema.to_owned(),
            found,
        });
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
