//! The answer that a callback of a driver gives back.

use std::ffi::{CStr, c_char, c_void};

use untorn_postgres::{Failure, Refusal, Row};

use super::values;
use crate::guard::quietly;

/// The statement was carried out, and its rows were given.
pub const UNTORN_POSTGRES_ANSWERED: i32 = 0;
/// The server answered with an error, which was given.
pub const UNTORN_POSTGRES_REFUSED: i32 = 1;
/// No connection could be had: nothing was sent.
pub const UNTORN_POSTGRES_NO_CONNECTION: i32 = 2;
/// The connection broke before the answer came: the statement was carried out, or it was
/// not.
pub const UNTORN_POSTGRES_NO_ANSWER: i32 = 3;

/// The place for a driver's answer: rows, an error of the server, or why there is none.
/// It belongs to the library, and is valid until the callback returns. Each function
/// copies its arguments.
#[derive(Default)]
pub struct PostgresAnswer {
    rows: Vec<Row>,
    channels: Vec<String>,
    refusal: Option<Refusal>,
    message: Option<String>,
    /// The first thing that the driver did wrong.
    mistake: Option<String>,
}

impl PostgresAnswer {
    /// Returns the rows, if the callback returned that there are some.
    pub(super) fn rows(self, code: i32) -> Result<Vec<Row>, Failure> {
        self.settle(code).map(|answer| answer.rows)
    }

    /// Returns the channels, in the same way.
    pub(super) fn channels(self, code: i32) -> Result<Vec<String>, Failure> {
        self.settle(code).map(|answer| answer.channels)
    }

    fn settle(self, code: i32) -> Result<PostgresAnswer, Failure> {
        let said = |message: Option<String>| {
            message.unwrap_or_else(|| "the driver gave no reason".to_owned())
        };
        match code {
            UNTORN_POSTGRES_ANSWERED => match self.mistake {
                None => Ok(self),
                Some(mistake) => Err(Failure::Driver(mistake.into())),
            },
            UNTORN_POSTGRES_REFUSED => Err(match self.refusal {
                Some(refusal) if refusal.sqlstate.len() == 5 => {
                    let message = refusal.message.clone();
                    Failure::Server(refusal, message.into())
                }
                Some(refusal) => {
                    let why = format!(
                        "it reports an error of the server without its SQLSTATE: {}",
                        refusal.message
                    );
                    Failure::Driver(why.into())
                }
                None => {
                    let why = "it reports an error of the server, and not which one";
                    Failure::Driver(why.into())
                }
            }),
            UNTORN_POSTGRES_NO_CONNECTION => Err(Failure::NoConnection(said(self.message).into())),
            UNTORN_POSTGRES_NO_ANSWER => Err(Failure::NoAnswer(said(self.message).into())),
            code => {
                let why = format!("it returned {code}, which is no UNTORN_POSTGRES_ number");
                Err(Failure::Driver(why.into()))
            }
        }
    }
}

/// Runs the body of one of the functions below.
///
/// # Safety
/// NULL or an answer.
unsafe fn with(answer: *mut PostgresAnswer, body: impl FnOnce(&mut PostgresAnswer)) {
    // SAFETY: the caller's promise.
    if let Some(answer) = unsafe { answer.as_mut() } {
        quietly((), || body(answer));
    }
}

/// # Safety
/// NULL or NUL-terminated.
unsafe fn text(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise. A server speaks other encodings before the login.
    Some(
        unsafe { CStr::from_ptr(text) }
            .to_string_lossy()
            .into_owned(),
    )
}

/// Begins the next row.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_postgres_answer_row(answer: *mut PostgresAnswer) {
    // SAFETY: NULL or an answer.
    unsafe { with(answer, |answer| answer.rows.push(Row::new())) }
}

/// Adds the next column of the row: the OID of its type, and its len bytes in
/// PostgreSQL's binary format. data NULL is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_postgres_answer_value(
    answer: *mut PostgresAnswer,
    oid: u32,
    data: *const c_void,
    len: usize,
) {
    let add = |answer: &mut PostgresAnswer| {
        let bytes = if data.is_null() {
            None
        } else {
            // SAFETY: so many bytes, as the header says.
            Some(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) })
        };
        let mistake = match answer.rows.last_mut() {
            None => "it gave a value before the first row".to_owned(),
            Some(row) => match values::decode(oid, bytes) {
                Ok(value) => return row.push(value),
                Err(why) => format!("column {}: {why}", row.len() + 1),
            },
        };
        answer.mistake.get_or_insert(mistake);
    };
    // SAFETY: NULL or an answer.
    unsafe { with(answer, add) }
}

/// Reports an error of the server, in its own fields: sqlstate has five characters
/// ("40001"). message, detail and hint may be NULL. The callback then returns
/// UNTORN_POSTGRES_REFUSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_postgres_answer_refused(
    answer: *mut PostgresAnswer,
    sqlstate: *const c_char,
    message: *const c_char,
    detail: *const c_char,
    hint: *const c_char,
) {
    // SAFETY: NULL or NUL-terminated, and NULL or an answer.
    unsafe {
        let refusal = Refusal {
            sqlstate: text(sqlstate).unwrap_or_default(),
            message: text(message).unwrap_or_default(),
            detail: text(detail),
            hint: text(hint),
        };
        with(answer, |answer| answer.refusal = Some(refusal));
    }
}

/// Says why no connection or no answer could be had. It becomes a part of the error's
/// message: it must have no password in it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_postgres_answer_failed(
    answer: *mut PostgresAnswer,
    message: *const c_char,
) {
    // SAFETY: NULL or NUL-terminated, and NULL or an answer.
    unsafe {
        // libpq's messages have several lines, and an error's has one.
        let message = text(message).map(|message| {
            let lines: Vec<&str> = message.lines().map(str::trim).collect();
            lines.join(" ").trim_end().to_owned()
        });
        with(answer, |answer| answer.message = message);
    }
}

/// Adds the channel of a notification. For untorn_postgres_wait only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_postgres_answer_notified(
    answer: *mut PostgresAnswer,
    channel: *const c_char,
) {
    // SAFETY: NULL or NUL-terminated, and NULL or an answer.
    unsafe {
        let channel = text(channel);
        with(answer, |answer| answer.channels.extend(channel));
    }
}
