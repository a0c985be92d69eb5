//! Parameters and columns, as the driver `pg` takes and gives them: text, but for bytes.

use napi::bindgen_prelude::{Buffer, Either, Null, ToNapiValue, Uint8Array};
use napi::sys;
use untorn_postgres::{Param, Row, Value};

/// A parameter for JavaScript.
pub enum Sent {
    Null,
    Text(String),
    Bool(bool),
    Bytes(Vec<u8>),
}

impl ToNapiValue for Sent {
    unsafe fn to_napi_value(env: sys::napi_env, sent: Sent) -> napi::Result<sys::napi_value> {
        // SAFETY: in the environment that we were called with.
        unsafe {
            match sent {
                Sent::Null => Null::to_napi_value(env, Null),
                Sent::Text(text) => String::to_napi_value(env, text),
                Sent::Bool(yes) => bool::to_napi_value(env, yes),
                Sent::Bytes(bytes) => Buffer::to_napi_value(env, bytes.into()),
            }
        }
    }
}

impl From<&Param<'_>> for Sent {
    fn from(param: &Param<'_>) -> Sent {
        match *param {
            Param::Text(Some(text)) => Sent::Text(text.to_owned()),
            // As text it is exact: a number of JavaScript has 53 bits.
            Param::Int(Some(n)) => Sent::Text(n.to_string()),
            Param::Text(None) | Param::Int(None) => Sent::Null,
            Param::Bool(yes) => Sent::Bool(yes),
            Param::Bytes(bytes) => Sent::Bytes(bytes.to_vec()),
            Param::Texts(texts) => array(texts.iter().map(|text| Some(quoted(text)))),
            Param::Blobs(blobs) => array(blobs.iter().map(|blob| blob.map(hex))),
            Param::Ints(ints) => array(ints.iter().map(|int| int.map(|n| n.to_string()))),
        }
    }
}

/// Writes an array as the server reads it.
fn array(items: impl Iterator<Item = Option<String>>) -> Sent {
    let items: Vec<_> = items
        .map(|item| item.unwrap_or_else(|| "NULL".to_owned()))
        .collect();
    Sent::Text(format!("{{{}}}", items.join(",")))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len() + 5);
    text.push_str("\"\\\\x");
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text.push('"');
    text
}

/// The types that are not text, by the server's numbers for them.
mod oid {
    pub const BOOL: u32 = 16;
    pub const BYTEA: u32 = 17;
    pub const INT8: u32 = 20;
    pub const INT2: u32 = 21;
    pub const INT4: u32 = 23;
    pub const INT8_ARRAY: u32 = 1016;
    pub const VOID: u32 = 2278;
}

/// Makes rows of cells. The error says which one can't be read.
pub fn rows(
    types: &[u32],
    cells: Vec<Option<Either<String, Uint8Array>>>,
) -> Result<Vec<Row>, String> {
    if types.is_empty() {
        return Ok(Vec::new());
    }
    if !cells.len().is_multiple_of(types.len()) {
        return Err("the driver gave rows of different lengths".to_owned());
    }
    let mut rows = Vec::with_capacity(cells.len() / types.len());
    let mut cells = cells.into_iter();
    while cells.len() > 0 {
        let row = types.iter().zip(&mut cells);
        rows.push(
            row.map(|(kind, cell)| value(*kind, cell))
                .collect::<Result<_, _>>()?,
        );
    }
    Ok(rows)
}

fn value(kind: u32, cell: Option<Either<String, Uint8Array>>) -> Result<Value, String> {
    let strange = || format!("the driver gave a value of type {kind} in another form than text");
    Ok(match (kind, cell) {
        (oid::VOID, _) | (_, None) => Value::Null,
        (oid::BYTEA, Some(Either::B(bytes))) => Value::Bytes(bytes.to_vec()),
        (oid::BOOL, Some(Either::A(text))) => Value::Bool(text == "t"),
        (oid::INT8 | oid::INT4 | oid::INT2, Some(Either::A(text))) => {
            Value::Int(text.parse().map_err(|_| strange())?)
        }
        (oid::INT8_ARRAY, Some(Either::A(text))) => Value::Ints(ints(&text).ok_or_else(strange)?),
        (_, Some(Either::A(text))) => Value::Text(text),
        (_, Some(Either::B(_))) => return Err(strange()),
    })
}

fn ints(text: &str) -> Option<Vec<i64>> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    if inner.is_empty() {
        return Some(Vec::new());
    }
    inner.split(',').map(|n| n.parse().ok()).collect()
}
