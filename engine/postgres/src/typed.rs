//! Parameters, rows and errors of the crates `postgres` and `tokio-postgres`. Their types
//! are the same.

#[cfg(feature = "postgres")]
use postgres as crates;
#[cfg(not(feature = "postgres"))]
use tokio_postgres as crates;

use std::error::Error as StdError;

use self::crates::types::{ToSql, Type};

use crate::driver::{Failure, Param, Refusal, Row, Value};

/// Returns the parameters with their types.
pub(crate) fn parameters<'a>(params: &'a [Param<'a>]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    params
        .iter()
        .map(|param| match param {
            Param::Text(text) => (text as &(dyn ToSql + Sync), Type::TEXT),
            Param::Int(int) => (int as _, Type::INT8),
            Param::Bool(bool) => (bool as _, Type::BOOL),
            Param::Bytes(bytes) => (bytes as _, Type::BYTEA),
            Param::Texts(texts) => (texts as _, Type::TEXT_ARRAY),
            Param::Blobs(blobs) => (blobs as _, Type::BYTEA_ARRAY),
            Param::Ints(ints) => (ints as _, Type::INT8_ARRAY),
        })
        .collect()
}

pub(crate) fn rows(rows: &[crates::Row]) -> Result<Vec<Row>, Failure> {
    rows.iter()
        .map(|row| (0..row.len()).map(|column| value(row, column)).collect())
        .collect::<Result<_, crates::Error>>()
        .map_err(failure)
}

fn value(row: &crates::Row, column: usize) -> Result<Value, crates::Error> {
    let type_of = row.columns()[column].type_();
    let value = match *type_of {
        Type::BOOL => row.try_get::<_, Option<bool>>(column)?.map(Value::Bool),
        Type::INT8 => row.try_get::<_, Option<i64>>(column)?.map(Value::Int),
        Type::INT4 => row
            .try_get::<_, Option<i32>>(column)?
            .map(|n| Value::Int(n.into())),
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(column)?.map(Value::Bytes),
        Type::INT8_ARRAY => row.try_get::<_, Option<Vec<i64>>>(column)?.map(Value::Ints),
        // A function that returns nothing.
        Type::VOID => None,
        _ => row.try_get::<_, Option<String>>(column)?.map(Value::Text),
    };
    Ok(value.unwrap_or(Value::Null))
}

pub(crate) fn failure(error: crates::Error) -> Failure {
    match refusal(&error) {
        Some(refusal) => Failure::Server(refusal, error.into()),
        None => Failure::NoAnswer(error.into()),
    }
}

/// Says why no connection could be had. A pool has the driver's error as the source of
/// its own.
pub(crate) fn no_connection(error: Box<dyn StdError + Send + Sync>) -> Failure {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&*error);
    while let Some(found) = cause {
        if let Some(refusal) = found.downcast_ref().and_then(refusal) {
            return Failure::Server(refusal, error);
        }
        cause = found.source();
    }
    Failure::NoConnection(error)
}

fn refusal(error: &crates::Error) -> Option<Refusal> {
    let said = error.as_db_error()?;
    let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    Some(Refusal {
        sqlstate: said.code().code().to_owned(),
        message: said.message().to_owned(),
        detail: given(said.detail()),
        hint: given(said.hint()),
    })
}
