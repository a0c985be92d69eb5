//! The errors of a migration.

use std::fmt;

/// A migration that failed. It has changed nothing, and those before it remain.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The schema's last migration is newer than this crate knows.
    Newer {
        /// The schema.
        schema: String,
        /// The number of its last migration.
        found: i32,
    },
    /// The server refused a migration, or the connection failed.
    Server {
        /// The schema.
        schema: String,
        /// The migration's name; `None` before the first.
        migration: Option<&'static str>,
        /// The cause.
        source: postgres::Error,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Newer { schema, found } => write!(
                f,
                "migrate schema {schema}: it has migration {found}, and this version of untorn-postgres \
                 knows {}; update untorn-postgres",
                crate::MIGRATIONS.len()
            ),
            Error::Server {
                schema,
                migration,
                source,
            } => {
                write!(f, "migrate schema {schema}")?;
                if let Some(name) = migration {
                    write!(f, ", {name}")?;
                }
                // The error's own text is "db error": what the server said is within.
                match source.as_db_error() {
                    Some(said) => write!(f, ": {}", said.message())?,
                    None => write!(f, ": {source}")?,
                }
                if source.code() == Some(&postgres::error::SqlState::INSUFFICIENT_PRIVILEGE) {
                    write!(
                        f,
                        "; connect as the schema's owner, or let a role with the right CREATE on the database \
                         make the schema"
                    )?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Newer { .. } => None,
            Error::Server { source, .. } => Some(source),
        }
    }
}
