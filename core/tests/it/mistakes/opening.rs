//! Mistakes with options, paths and records.

use std::time::Duration;

use super::table::{Row, answers, journal};
use crate::scene::Scene;
use untorn::{
    Document, ErrorKind::*, Journal, JournalOptions, Position, Result, Scheme, Store, snapshot,
};

fn opened(scene: &Scene, options: JournalOptions) -> Result<()> {
    options.open(scene.path("new")).map(drop)
}

fn appended(scene: &Scene, record: &[u8]) -> Result<()> {
    journal(scene).append(record).map(drop)
}

/// The end of the journal, with another place.
fn position(scene: &Scene, change: fn(&mut Position)) -> Position {
    let mut position = journal(scene).end().unwrap();
    change(&mut position);
    position
}

const OPENING: &[Row] = &[
    (
        "a stale age below the smallest",
        |scene| {
            opened(
                scene,
                Journal::options()
                    .scheme(Scheme::PidFile)
                    .stale(Duration::from_millis(1)),
            )
        },
        InvalidArgument,
        &["stale", "2s"],
    ),
    (
        "a directory in the place of the file",
        |scene| Journal::open(scene.dir()).map(drop),
        InvalidArgument,
        &["not a regular file"],
    ),
    (
        "a directory in the place of a document",
        |scene| Document::open(scene.dir()).map(drop),
        InvalidArgument,
        &["not a regular file"],
    ),
    (
        "an empty path",
        |_| Journal::open("").map(drop),
        InvalidArgument,
        &["the path is empty"],
    ),
    (
        "a path with a NUL",
        |_| Journal::open("a\0b").map(drop),
        InvalidArgument,
        &["NUL"],
    ),
    (
        "a directory that is missing, of a snapshot",
        |scene| snapshot(scene.path("no")).map(drop),
        NotFound,
        &["snapshot ", "the directory does not exist"],
    ),
    (
        "a file in the place of the store",
        |scene| Store::open(scene.path("d")).map(drop),
        InvalidArgument,
        &["open ", "not a directory"],
    ),
    (
        "a store that must exist",
        |scene| {
            Store::options()
                .create(false)
                .open(scene.path("no"))
                .map(drop)
        },
        NotFound,
        &["open "],
    ),
    (
        "one name for two files of a store",
        |scene| {
            let options = Store::options().journal_name("a").state_name("a");
            options.open(scene.path("new")).map(drop)
        },
        InvalidArgument,
        &["journal and state must differ in name: both are \"a\""],
    ),
];

const RECORDS: &[Row] = &[
    (
        "half a record",
        |scene| appended(scene, b"{\"a\":"),
        InvalidRecord,
        &[
            "append ",
            "not one JSON value: EOF while",
            "nothing was appended",
        ],
    ),
    (
        "NaN",
        |scene| appended(scene, b"NaN"),
        InvalidRecord,
        &["not one JSON value"],
    ),
    (
        "a record in Latin-1",
        |scene| appended(scene, b"\"\xff\""),
        InvalidRecord,
        &["UTF-8"],
    ),
    (
        "a record with a NUL",
        |scene| appended(scene, b"1\0"),
        InvalidRecord,
        &["NUL", "byte 1"],
    ),
    (
        "one bad record of many",
        |scene| journal(scene).append_all([&b"1"[..], b"{"]).map(drop),
        InvalidRecord,
        &["not one JSON value", "nothing was appended"],
    ),
    (
        "an append where none may be made",
        |scene| {
            let journal = Journal::options().create(false).open(scene.path("new"))?;
            journal.append(b"1").map(drop)
        },
        NotFound,
        &["the journal does not exist, and this handle must not create it"],
    ),
    (
        "an append to a JSON document",
        |scene| {
            Journal::open(scene.path("pretty.json"))?
                .append(b"1")
                .map(drop)
        },
        Corrupt,
        &[
            "not a journal: it is one JSON document over several lines",
            "cut_foreign_tail",
        ],
    ),
    (
        "an append to a gzip file",
        |scene| Journal::open(scene.path("gzip"))?.append(b"1").map(drop),
        Corrupt,
        &["not a journal: ", "gzip", "cut_foreign_tail"],
    ),
    (
        "a rewind into a record",
        |scene| {
            journal(scene)
                .rewind(position(scene, |at| at.offset = 1))
                .map(drop)
        },
        Conflict,
        &["in the middle of a record", "nothing was changed"],
    ),
    (
        "a rewind to another file's position",
        |scene| {
            journal(scene)
                .rewind(position(scene, |at| at.generation += 7))
                .map(drop)
        },
        Conflict,
        &["it belongs to another file", "nothing was changed"],
    ),
    (
        "an append at a position of before",
        |scene| {
            journal(scene)
                .append_at(position(scene, |at| at.offset = 0), [b"2"])
                .map(drop)
        },
        Conflict,
        &["the journal ends at", "nothing was appended"],
    ),
    (
        "more records than the limit",
        |scene| {
            let mut records = journal(scene).records()?.limits(Some(0), None);
            records.next().expect("there is one").map(drop)
        },
        LimitExceeded,
        &["max_records"],
    ),
    (
        "a header without header_prefix",
        |scene| journal(scene).set_header(b"{}"),
        InvalidArgument,
        &["this handle knows no headers: open the journal with header_prefix"],
    ),
    (
        "a header with another beginning",
        |scene| {
            let options = Journal::options().header_prefix("{\"type\":");
            options.open(scene.path("new"))?.set_header(b"{\"n\":1}")
        },
        InvalidRecord,
        &["a header begins with header_prefix"],
    ),
];

#[test]
fn mistakes_when_a_file_is_opened() {
    answers(OPENING);
}

#[test]
fn mistakes_with_records_and_positions() {
    answers(RECORDS);
}

#[test]
fn a_word_that_no_option_has() {
    let said = [
        "proces"
            .parse::<untorn::Durability>()
            .map(drop)
            .unwrap_err(),
        "jsonl".parse::<untorn::Format>().map(drop).unwrap_err(),
        "flock".parse::<Scheme>().map(drop).unwrap_err(),
        "x".parse::<Position>().map(drop).unwrap_err(),
        "7".parse::<untorn::Version>().map(drop).unwrap_err(),
    ];
    assert_eq!(
        said,
        [
            "durability must be \"process\" or \"power\", not \"proces\"",
            "format must be \"json\" or \"lines\", not \"jsonl\"",
            "a scheme must be \"sidecar\", \"in-place\" or \"pid-file\", not \"flock\"",
            "a position is written generation:offset, not \"x\"",
            "a version has 32 hexadecimal digits, unlike \"7\"",
        ]
    );
}
