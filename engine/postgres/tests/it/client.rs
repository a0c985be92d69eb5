//! The verbs, as a driver calls them.

use postgres::types::ToSql;
use postgres::{Client, Error, Row};

/// The optional arguments of `append`.
#[derive(Clone, Default)]
pub struct Terms {
    pub generation: Option<i64>,
    pub end: Option<i64>,
    pub token: Option<i64>,
    pub id: Option<String>,
    pub weak: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub generation: i64,
    pub end: i64,
    pub again: bool,
}

pub fn append(client: &mut Client, key: &str, bytes: &[u8]) -> Appended {
    append_with(client, key, bytes, &Terms::default()).unwrap()
}

pub fn append_with(
    client: &mut Client,
    key: &str,
    bytes: &[u8],
    terms: &Terms,
) -> Result<Appended, Error> {
    let row = client.query_one(
        "call append($1, 'session.jsonl', $2, at_generation => $3, at_end => $4, token => $5, \
         id => $6::text::uuid, durable => $7)",
        &[
            &key,
            &bytes,
            &terms.generation,
            &terms.end,
            &terms.token,
            &terms.id,
            &!terms.weak,
        ],
    )?;
    Ok(Appended {
        generation: row.get("generation"),
        end: row.get("end_after"),
        again: row.get("again"),
    })
}

/// A change: verb, name, bytes, expected generation, expected end.
pub type Change<'a> = (&'a str, &'a str, &'a [u8], Option<i64>, Option<i64>);

pub fn commit(
    client: &mut Client,
    key: &str,
    changes: &[Change<'_>],
    token: Option<i64>,
    id: Option<&str>,
    release: bool,
) -> Result<Row, Error> {
    let verbs: Vec<_> = changes.iter().map(|change| change.0).collect();
    let names: Vec<_> = changes.iter().map(|change| change.1).collect();
    let bytes: Vec<_> = changes.iter().map(|change| change.2).collect();
    let generations: Vec<_> = changes.iter().map(|change| change.3).collect();
    let ends: Vec<_> = changes.iter().map(|change| change.4).collect();
    client.query_one(
        "call commit($1, $2, $3, $4, $5, $6, token => $7, id => $8::text::uuid, release => $9)",
        &[
            &key,
            &verbs,
            &names,
            &bytes,
            &generations,
            &ends,
            &token,
            &id,
            &release,
        ],
    )
}

/// All bytes of a file; `None` if it is missing. Reads `most` at a time.
pub fn read_all(client: &mut Client, key: &str, name: &str, most: i32) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let row = client
            .query_opt(
                "select * from read($1, $2, $3, $4)",
                &[&key, &name, &(all.len() as i64), &most],
            )
            .unwrap()?;
        let piece: Vec<u8> = row.get("bytes");
        if piece.is_empty() {
            assert_eq!(row.get::<_, i64>("size"), all.len() as i64);
            return Some(all);
        }
        all.extend(piece);
    }
}

pub fn records(client: &mut Client, key: &str) -> Vec<String> {
    let bytes = read_all(client, key, "session.jsonl", 1 << 20).unwrap_or_default();
    let text = String::from_utf8(bytes).unwrap();
    assert!(
        text.is_empty() || text.ends_with('\n'),
        "a part of a record"
    );
    text.lines().map(str::to_owned).collect()
}

pub fn claim(client: &mut Client, key: &str, owner: &str, ttl: &str) -> Result<i64, Error> {
    claim_with(client, key, owner, ttl, false).map(|row| row.get("token"))
}

pub fn claim_with(
    client: &mut Client,
    key: &str,
    owner: &str,
    ttl: &str,
    connected: bool,
) -> Result<Row, Error> {
    let args: &[&(dyn ToSql + Sync)] = &[&key, &owner, &ttl, &connected];
    client.query_one(
        "select * from claim($1, $2, $3::text::interval, connected => $4)",
        args,
    )
}

/// An id for a commit. The last byte is never the one at which old answers go.
pub fn new_id() -> String {
    let bytes = fastrand::u128(..) & !0xff;
    let hex = format!("{bytes:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// The kind of a refusal: `CONFLICT`.
pub fn kind<T>(result: &Result<T, Error>) -> &str {
    let error = result.as_ref().err().expect("a refusal");
    let said = error.as_db_error().unwrap_or_else(|| panic!("{error}"));
    assert!(said.code().code().starts_with("UT"), "{said}");
    said.message().split(':').next().unwrap()
}

/// Returns when `n` connections wait for a lock of rows of `schema`'s server.
pub fn until_blocked(client: &mut Client, n: i64, mark: &str) {
    let query = "select count(*) from pg_stat_activity \
                 where wait_event_type = 'Lock' and application_name = $1";
    while client.query_one(query, &[&mark]).unwrap().get::<_, i64>(0) < n {
        // The server reports no wait as an event.
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

/// Marks a connection for [`until_blocked`].
pub fn mark(client: &mut Client, mark: &str) {
    client
        .batch_execute(&format!("set application_name = '{mark}'"))
        .unwrap();
}
