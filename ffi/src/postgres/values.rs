//! PostgreSQL's binary format, as far as the engine's statements need it: no driver must
//! know its types.

use std::ffi::c_char;
use std::marker::PhantomData;

use untorn_postgres::{Failure, Param, Refusal, Value};

/// OIDs of `pg_type`, which never change.
const BOOL: u32 = 16;
const BYTEA: u32 = 17;
const NAME: u32 = 19;
const INT8: u32 = 20;
const INT2: u32 = 21;
const INT4: u32 = 23;
const TEXT: u32 = 25;
const BYTEA_ARRAY: u32 = 1001;
const TEXT_ARRAY: u32 = 1009;
const INT8_ARRAY: u32 = 1016;
const VARCHAR: u32 = 1043;
const VOID: u32 = 2278;

/// The parameters of a statement, as C gets them.
pub(super) struct Params<'a> {
    pub types: Vec<u32>,
    pub values: Vec<*const c_char>,
    pub lengths: Vec<i32>,
    pub formats: Vec<i32>,
    /// The bytes that are not the caller's.
    _made: Vec<Box<[u8]>>,
    _given: PhantomData<&'a [u8]>,
}

impl<'a> Params<'a> {
    pub fn new(params: &'a [Param<'_>]) -> Result<Params<'a>, Failure> {
        let mut all = Params {
            types: Vec::with_capacity(params.len()),
            values: Vec::with_capacity(params.len()),
            lengths: Vec::with_capacity(params.len()),
            formats: vec![1; params.len()],
            _made: Vec::new(),
            _given: PhantomData,
        };
        for param in params {
            match *param {
                Param::Text(text) => all.add(TEXT, text.map(str::as_bytes))?,
                Param::Bytes(bytes) => all.add(BYTEA, Some(bytes))?,
                Param::Int(int) => match int {
                    Some(int) => all.make(INT8, int.to_be_bytes().to_vec())?,
                    None => all.add(INT8, None)?,
                },
                Param::Bool(is) => all.make(BOOL, vec![u8::from(is)])?,
                Param::Texts(texts) => {
                    let items = texts.iter().map(|text| Some(text.as_bytes()));
                    all.make(TEXT_ARRAY, array(TEXT, items))?;
                }
                Param::Blobs(blobs) => {
                    all.make(BYTEA_ARRAY, array(BYTEA, blobs.iter().copied()))?;
                }
                Param::Ints(ints) => {
                    let bytes: Vec<_> = ints.iter().map(|int| int.map(i64::to_be_bytes)).collect();
                    let items = bytes.iter().map(|int| int.as_ref().map(|int| &int[..]));
                    all.make(INT8_ARRAY, array(INT8, items))?;
                }
            }
        }
        Ok(all)
    }

    fn add(&mut self, oid: u32, bytes: Option<&[u8]>) -> Result<(), Failure> {
        let length = bytes.map_or(0, <[u8]>::len);
        // The protocol has no longer values, and no server takes even this much.
        let length = i32::try_from(length).map_err(|_| too_long(length))?;
        self.types.push(oid);
        self.lengths.push(length);
        self.values.push(match bytes {
            None => std::ptr::null(),
            Some([]) => c"".as_ptr(),
            Some(bytes) => bytes.as_ptr().cast(),
        });
        Ok(())
    }

    fn make(&mut self, oid: u32, bytes: Vec<u8>) -> Result<(), Failure> {
        let bytes = bytes.into_boxed_slice();
        // A box stays where it is when the list of boxes grows.
        self.add(oid, Some(&bytes))?;
        self._made.push(bytes);
        Ok(())
    }
}

/// The answer that the server would give.
#[cold]
fn too_long(length: usize) -> Failure {
    let message = format!("a value of {length} bytes: PostgreSQL takes less than 1 GiB");
    let refusal = Refusal {
        sqlstate: "54000".to_owned(),
        message: message.clone(),
        ..Refusal::default()
    };
    Failure::Server(refusal, message.into())
}

/// An array of one dimension.
fn array<'b>(oid: u32, items: impl ExactSizeIterator<Item = Option<&'b [u8]>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let int = |bytes: &mut Vec<u8>, n: usize| {
        // A longer array is refused as a whole, by its length.
        bytes.extend_from_slice(&(n as i32).to_be_bytes());
    };
    let count = items.len();
    int(&mut bytes, usize::from(count > 0));
    int(&mut bytes, 1);
    int(&mut bytes, oid as usize);
    if count > 0 {
        int(&mut bytes, count);
        int(&mut bytes, 1);
    }
    for item in items {
        match item {
            None => bytes.extend_from_slice(&(-1_i32).to_be_bytes()),
            Some(item) => {
                int(&mut bytes, item.len());
                bytes.extend_from_slice(item);
            }
        }
    }
    bytes
}

/// Reads a value of a row.
pub(super) fn decode(oid: u32, bytes: Option<&[u8]>) -> Result<Value, String> {
    let Some(bytes) = bytes.filter(|_| oid != VOID) else {
        return Ok(Value::Null);
    };
    match oid {
        BOOL => Ok(Value::Bool(fixed::<1>("boolean", bytes)? != [0])),
        INT8 => fixed("bigint", bytes).map(|n| Value::Int(i64::from_be_bytes(n))),
        INT4 => fixed("integer", bytes).map(|n| Value::Int(i32::from_be_bytes(n).into())),
        INT2 => fixed("smallint", bytes).map(|n| Value::Int(i16::from_be_bytes(n).into())),
        BYTEA => Ok(Value::Bytes(bytes.to_vec())),
        TEXT | VARCHAR | NAME => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(error) => Err(format!(
                "a text that is not UTF-8 ({error}): set client_encoding to UTF8"
            )),
        },
        INT8_ARRAY => ints(bytes).map(Value::Ints),
        oid => Err(format!(
            "the type {oid}, which no statement of untorn asks for"
        )),
    }
}

fn fixed<const N: usize>(name: &str, bytes: &[u8]) -> Result<[u8; N], String> {
    bytes.try_into().map_err(|_| {
        format!(
            "a {name} of {} bytes, and in the binary format it has {N}",
            bytes.len()
        )
    })
}

fn ints(bytes: &[u8]) -> Result<Vec<i64>, String> {
    const WRONG: &str = "an array that is not bigint[] in the binary format";
    let mut rest = bytes;
    let int = |rest: &mut &[u8]| -> Result<i32, String> {
        let (head, tail) = rest.split_first_chunk().ok_or(WRONG)?;
        *rest = tail;
        Ok(i32::from_be_bytes(*head))
    };
    let dimensions = int(&mut rest)?;
    int(&mut rest)?;
    if int(&mut rest)? != INT8 as i32 || !(0..=1).contains(&dimensions) {
        return Err(WRONG.to_owned());
    }
    let mut all = Vec::new();
    if dimensions == 1 {
        let count = int(&mut rest)?;
        int(&mut rest)?;
        for _ in 0..count {
            if int(&mut rest)? != 8 {
                return Err(WRONG.to_owned());
            }
            let (head, tail) = rest.split_first_chunk().ok_or(WRONG)?;
            rest = tail;
            all.push(i64::from_be_bytes(*head));
        }
    }
    match rest {
        [] => Ok(all),
        _ => Err(WRONG.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_come_back() {
        let numbers = [7_i64.to_be_bytes(), (-1_i64).to_be_bytes()];
        let items = numbers.iter().map(|number| Some(&number[..]));
        let bytes = array(INT8, items);
        assert_eq!(
            decode(INT8_ARRAY, Some(&bytes)),
            Ok(Value::Ints(vec![7, -1]))
        );
        let empty = array(INT8, std::iter::empty());
        assert_eq!(decode(INT8_ARRAY, Some(&empty)), Ok(Value::Ints(vec![])));
        for len in 0..bytes.len() {
            assert!(decode(INT8_ARRAY, Some(&bytes[..len])).is_err(), "{len}");
        }
    }

    #[test]
    fn other_formats_are_refused() {
        assert!(decode(INT8, Some(b"6")).is_err());
        assert!(decode(BOOL, Some(b"true")).is_err());
        assert!(decode(TEXT, Some(b"\xff")).is_err());
        assert!(decode(1700, Some(b"6")).is_err());
        assert_eq!(decode(VOID, Some(b"")), Ok(Value::Null));
        assert_eq!(decode(BYTEA, None), Ok(Value::Null));
    }
}
