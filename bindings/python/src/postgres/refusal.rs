//! Refusals of a statement, in the words of the server.

use std::fmt;

use untorn_postgres::Refusal;

/// An error of the server, for the attributes of the exception.
#[derive(Debug)]
pub struct Said(pub Refusal);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Said {}
