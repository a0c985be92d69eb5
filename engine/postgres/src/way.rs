//! The statements of an append.

use std::path::Path;

use untorn::engine::Waiting;

use crate::driver::{Columns, Param};
use crate::id;
use crate::kept::{Change, Kept, Under, Way};
use crate::link::Failed;

/// The answer to an append.
pub(crate) struct Appended {
    pub generation: i64,
    pub end: i64,
    pub number: Option<i64>,
    /// It was one commit.
    pub at_once: bool,
}

impl Kept {
    /// Appends lines. It is one statement, unless an append of a writer that is alone is not
    /// as simple as it seemed.
    pub fn append(
        &self,
        operation: &'static str,
        name: &Path,
        change: &Change<'_>,
        under: Under,
        wait: Option<&Waiting<'_>>,
        way: Way,
    ) -> Result<Appended, Failed> {
        self.be_sure(operation, name)?;
        let id = id::new();
        let durable = Param::Bool(self.options.is_durable());
        let bytes = change.bytes.unwrap_or_default();
        let (at_generation, at_end) = (Param::Int(change.generation), Param::Int(change.end));
        let token = Param::Int(under.token);
        let later = |number| {
            [
                Param::Text(Some(&self.key)),
                Param::Text(Some(change.name)),
                Param::Bytes(bytes),
                at_generation,
                at_end,
                token,
                Param::Text(Some(&id)),
                durable,
                Param::Bool(change.must_exist),
                Param::Int(number),
            ]
        };
        let schema = &self.link.schema;
        let call = format!(
            "call {schema}.append($1::text, $2::text, $3::bytea, $4::bigint, $5::bigint, $6::bigint, \
             $7::text::uuid, $8::boolean, true, $9::boolean, null, null, null, $10::bigint)"
        );
        // A retry asks what the first try did, so it does not name the file's number.
        let again = later(None);
        let again = (&call[..], &again[..]);
        if let (Some(number), true) = (way.number, way.alone) {
            let now = format!(
                "select {schema}.append_now($1::bigint, $2::bytea, $3::bigint, $4::bigint, $5::bigint, \
                 $6::text::uuid, $7::boolean, true)"
            );
            let params = [
                Param::Int(Some(number)),
                Param::Bytes(bytes),
                at_generation,
                at_end,
                token,
                Param::Text(Some(&id)),
                durable,
            ];
            let first = Some((&now[..], &params[..]));
            let mut answer = self.send(operation, name, first, again, &id, under, wait)?;
            match answer.ints_or_int() {
                // The retry answered.
                Ok(generation) => return Ok(of_call(generation, &mut answer)),
                Err(ints) => {
                    if let [generation, end] = ints[..] {
                        return Ok(Appended {
                            generation,
                            end,
                            number: way.number,
                            at_once: true,
                        });
                    }
                }
            }
        }
        let first = later(way.number);
        let first = Some((&call[..], &first[..]));
        let mut answer = self.send(operation, name, first, again, &id, under, wait)?;
        let generation = answer.int().unwrap_or(0);
        Ok(of_call(generation, &mut answer))
    }
}

fn of_call(generation: i64, rest: &mut Columns) -> Appended {
    let end = rest.int().unwrap_or(0);
    rest.bool();
    Appended {
        generation,
        end,
        number: rest.int(),
        at_once: false,
    }
}
