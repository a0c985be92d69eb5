//! No verb looks at more than its own session, and a read at no more than its bytes.
#![allow(clippy::print_stdout, reason = "times, which no test compares")]

use std::time::Instant;

use postgres::Client;
use untorn::Position;
use untorn_postgres::Driver;

use crate::client::{append, claim, commit};
use crate::sessions::{options, pool};
use crate::store::store;

/// Rows that were found without an index, and index entries that were read, in the
/// tables of the schema.
fn rows_read(client: &mut Client) -> (i64, i64) {
    // Counts go to the others' view when a transaction ends, but not at once.
    client
        .batch_execute("select pg_stat_force_next_flush()")
        .unwrap();
    let query = "select coalesce(sum(seq_tup_read), 0)::bigint, coalesce(sum(idx_tup_fetch), 0)::bigint \
                 from pg_stat_user_tables where schemaname = current_schema()";
    let row = client.query_one(query, &[]).unwrap();
    (row.get(0), row.get(1))
}

#[test]
fn the_work_of_a_verb_does_not_grow_with_sessions_or_journals() {
    let mut c = store().connect();
    let work = |c: &mut Client, key: &str| {
        append(c, key, b"1\n");
        let before = rows_read(c);
        append(c, key, b"2\n");
        let token = claim(c, key, "owner", "1 h").unwrap();
        let change = ("append", "session.jsonl", b"3\n".as_slice(), None, None);
        commit(
            c,
            key,
            &[change, ("put", "d", b"1", None, None)],
            Some(token),
            None,
            true,
        )
        .unwrap();
        for query in [
            "select size from stat($1)",
            "select owner from holder($1)",
            "select outcome from reconcile($1, 'r')",
            "select bytes from read($1, 'session.jsonl', (select size - 4 from stat($1) where name = 'session.jsonl'))",
        ] {
            c.query(query, &[&key]).unwrap();
        }
        let after = rows_read(c);
        (after.0 - before.0, after.1 - before.1)
    };
    let first = work(&mut c, "small");
    // As 20,000 sessions and a journal of 20,000 appends leave the tables.
    c.batch_execute(
        "insert into session (hash, key) select hash_of('k' || n), 'k' || n from generate_series(1, 20000) n; \
         insert into file (session, name, present, generation, size, token, body, channel) \
           select id, 'session.jsonl', true, 1, 2, 0, nextval('body'), 'c' || id from session where key like 'k%'; \
         insert into chunk select body, 0, '1' from file where channel like 'c%'",
    )
    .unwrap();
    append(&mut c, "large", b"0\n");
    c.batch_execute(
        "insert into chunk select f.body, n * 2, E'0\\n'::bytea from file f join session s on s.id = f.session, \
           generate_series(1, 20000) n where s.key = 'large'; \
         update file set size = 40002 where session = (select id from session where key = 'large'); \
         analyze",
    )
    .unwrap();
    let last = work(&mut c, "large");
    // The planner may choose either way of finding a row.
    assert!(first.0 + first.1 < 200, "{first:?}");
    assert!(last.0 + last.1 < 200, "{first:?}, then {last:?}");
}

/// As many records as a journal of a busy agent's life, or enough to see growth.
fn many() -> i64 {
    match std::env::var_os("UNTORN_DEEP") {
        Some(_) => 10_000_000,
        None => 20_000,
    }
}

#[test]
fn the_calls_of_the_crate_do_not_grow_with_the_journal() {
    let store = store();
    let mut c = store.connect();
    let driver = pool(&store.dir);
    let sessions = options().open(driver.clone(), &store.schema).unwrap();
    let session = sessions.session("k").unwrap();
    let journal = session.journal().unwrap();
    // The pool's one connection, as these calls come one after another.
    let counted = || {
        let flush = "select pg_stat_force_next_flush()";
        drop(driver.query(flush, &[]).unwrap());
    };
    let end = journal
        .append_all((100..140).map(|n| n.to_string()))
        .unwrap();
    let mut work = |end| {
        let mut times = Vec::new();
        counted();
        let before = rows_read(&mut c);
        let mut timed = |call: &mut dyn FnMut()| {
            let began = Instant::now();
            call();
            times.push(began.elapsed());
        };
        timed(&mut || assert_eq!(journal.tail(20).unwrap().len(), 20));
        let mut after = end;
        timed(&mut || after = journal.append_at(end, ["200"]).unwrap());
        timed(&mut || drop(session.claim("owner").unwrap()));
        counted();
        let read = rows_read(&mut c);
        (after, read.0 + read.1 - before.0 - before.1, times)
    };
    let (end, first, short) = work(end);
    let mut filled = store.connect();
    filled
        .execute(
            "insert into chunk select f.body, f.size + n * 100, (repeat('9', 99) || E'\\n')::bytea \
             from file f, generate_series(0, $1::bigint - 1) n where f.name = 'session.jsonl'",
            &[&many()],
        )
        .unwrap();
    filled
        .execute("update file set size = size + $1::bigint * 100", &[&many()])
        .unwrap();
    filled.batch_execute("analyze").unwrap();
    let end = Position {
        offset: end.offset + many() as u64 * 100,
        ..end
    };
    let (_, last, long) = work(end);
    println!(
        "{} records: tail(20), append_at, claim {long:?}; before {short:?}",
        many()
    );
    // A tail reads backward in pieces, so in some hundreds of these rows.
    assert!(first < 400 && last < 2000, "{first} rows, then {last}");
}

#[test]
fn keys_come_in_pages_that_cost_what_they_hold() {
    let mut c = store().connect();
    c.batch_execute(
        "insert into session (hash, key) select hash_of('k' || n), 'k' || n from generate_series(1, 20000) n; analyze",
    )
    .unwrap();
    let before = rows_read(&mut c);
    let page = c.query("select * from sessions(9000, 50)", &[]).unwrap();
    assert_eq!(page.len(), 50);
    let after = rows_read(&mut c);
    let read = after.0 - before.0 + after.1 - before.1;
    assert!(read < 200, "{read} rows for a page of 50");
}
