//! Refusals of a statement, in the words of the server or of this library.

use untorn_postgres::{Failure, Refusal};

/// Makes the failure of a statement that the server refused.
pub fn said(
    sqlstate: String,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
) -> Failure {
    let refusal = Refusal {
        sqlstate,
        message,
        detail,
        hint,
    };
    Failure::Server(refusal.clone(), Box::new(refusal))
}

/// Makes the failure of a statement that was not sent, and that no later try can send.
/// Without a code of the server's it is not tried again.
pub fn refused(why: &str) -> Failure {
    let refusal = Refusal {
        message: format!("{why}; nothing was changed"),
        ..Refusal::default()
    };
    Failure::Server(refusal, why.into())
}
