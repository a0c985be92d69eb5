//! The errors of this crate.

use std::fmt;

use untorn::ErrorKind;

/// A call that failed. No message names a password: drivers leave it out of theirs.
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
    /// The protocol refused the call, and nothing changed.
    Refused {
        /// `CONFLICT`, `ALREADY_EXISTS`, `LEASE_LOST`, `LOCKED`, `INVALID_ARGUMENT` or
        /// `NOT_FOUND`.
        kind: String,
        /// The reason, and what to do.
        message: String,
        /// JSON with what the server found, for `CONFLICT` and `LOCKED`.
        detail: Option<String>,
    },
    /// The connection broke, and so did those of the retries. The change is made, or it
    /// is not: read the journal's end before the next one.
    Unknown {
        /// The journal, or the schema.
        name: String,
        /// The failure of the last try.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server refused a statement.
    Server {
        /// The schema, the migration or the journal.
        name: String,
        /// The cause.
        source: postgres::Error,
    },
    /// A record can't be one of this journal, or a read failed.
    Journal(untorn::Error),
}

impl Error {
    /// Returns the kind as [`untorn::Error`] has it; `None` for a lost lease and for
    /// failures of the server.
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Error::Journal(error) => Some(error.kind()),
            Error::Refused { kind, .. } => match kind.as_str() {
                "CONFLICT" => Some(ErrorKind::Conflict),
                "ALREADY_EXISTS" => Some(ErrorKind::AlreadyExists),
                "LOCKED" => Some(ErrorKind::Locked),
                "INVALID_ARGUMENT" => Some(ErrorKind::InvalidArgument),
                "NOT_FOUND" => Some(ErrorKind::NotFound),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns whether another process owns the session now.
    pub fn is_lease_lost(&self) -> bool {
        matches!(self, Error::Refused { kind, .. } if kind == "LEASE_LOST")
    }

    pub(crate) fn of(name: &str, source: postgres::Error) -> Error {
        let Some(said) = source.as_db_error() else {
            return Error::Unknown {
                name: name.to_owned(),
                source: Box::new(source),
            };
        };
        match said.message().split_once(": ") {
            Some((kind, why)) if said.code().code().starts_with("UT") => Error::Refused {
                kind: kind.to_owned(),
                message: match said.hint().filter(|hint| !hint.is_empty()) {
                    Some(hint) => format!("{name}: {why}; {hint}"),
                    None => format!("{name}: {why}"),
                },
                detail: said
                    .detail()
                    .filter(|detail| !detail.is_empty())
                    .map(str::to_owned),
            },
            _ => Error::Server {
                name: name.to_owned(),
                source,
            },
        }
    }
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
            Error::Refused { kind, message, .. } => write!(f, "{kind}: {message}"),
            Error::Unknown { name, source } => write!(
                f,
                "{name}: no answer: {source}; the change is made or it is not: read the end before the next one"
            ),
            Error::Server { name, source } => {
                // The error's own text is "db error": the server's words are within.
                match source.as_db_error() {
                    Some(said) => write!(f, "{name}: {}", said.message())?,
                    None => write!(f, "{name}: {source}")?,
                }
                if source.code() == Some(&postgres::error::SqlState::INSUFFICIENT_PRIVILEGE) {
                    write!(
                        f,
                        "; connect as the schema's owner, or let the owner call allow(role), or let a role \
                         with the right CREATE on the database make the schema"
                    )?;
                }
                if source.code() == Some(&postgres::error::SqlState::UNDEFINED_FUNCTION) {
                    write!(f, "; run the migrations of untorn-postgres")?;
                }
                Ok(())
            }
            Error::Journal(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Newer { .. } | Error::Refused { .. } => None,
            Error::Unknown { source, .. } => Some(&**source),
            Error::Server { source, .. } => Some(source),
            Error::Journal(error) => Some(error),
        }
    }
}

impl From<untorn::Error> for Error {
    fn from(error: untorn::Error) -> Error {
        Error::Journal(error)
    }
}
