//! Each verb by itself.

use postgres::Client;
use postgres::fallible_iterator::FallibleIterator;

use crate::client::{Terms, append, append_with, commit, kind, read_all, records};
use crate::store::store;

#[test]
fn an_append_creates_what_is_missing_and_returns_the_end() {
    let mut c = store().connect();
    let one = append(&mut c, "chat:42", b"{}\n");
    let two = append(&mut c, "chat:42", b"[1]\n");
    assert_eq!((one.end, two.end), (3, 7));
    assert_eq!(one.generation, two.generation);
    assert_eq!(records(&mut c, "chat:42"), ["{}", "[1]"]);
    let row = c.query_one("select * from stat('chat:42')", &[]).unwrap();
    assert_eq!(row.get::<_, String>("name"), "session.jsonl");
    assert_eq!(row.get::<_, i64>("size"), 7);
    assert!(
        c.query("select * from read('chat:42', 'x')", &[])
            .unwrap()
            .is_empty()
    );
    assert!(c.query("select * from stat('x')", &[]).unwrap().is_empty());
}

#[test]
fn any_text_is_a_key_and_keys_come_in_pages() {
    let mut c = store().connect();
    let keys = ["", "../x", "日本", &"k".repeat(1 << 20), "a'b\\\n"];
    for key in keys {
        append(&mut c, key, b"1\n");
    }
    let mut found = Vec::new();
    let mut after = 0i64;
    loop {
        let page = c.query("select * from sessions($1, 2)", &[&after]).unwrap();
        let Some(last) = page.last() else { break };
        after = last.get("id");
        found.extend(page.iter().map(|row| row.get::<_, String>("key")));
    }
    assert_eq!(found, keys);
}

#[test]
fn an_expectation_that_does_not_hold_is_a_conflict_and_changes_nothing() {
    let mut c = store().connect();
    let at = |generation, end| Terms {
        generation: Some(generation),
        end: Some(end),
        ..Terms::default()
    };
    // The end of a journal that does not exist is 0:0.
    let first = append_with(&mut c, "k", b"1\n", &at(0, 0)).unwrap();
    for terms in [
        at(0, 0),
        at(first.generation, 0),
        at(first.generation + 1, 2),
    ] {
        let refused = append_with(&mut c, "k", b"x\n", &terms);
        assert_eq!(kind(&refused), "CONFLICT");
        let error = refused.unwrap_err();
        let detail = error.as_db_error().unwrap().detail().unwrap();
        assert!(detail.contains("\"end\": 2"), "{detail}");
    }
    append_with(&mut c, "k", b"2\n", &at(first.generation, 2)).unwrap();
    assert_eq!(records(&mut c, "k"), ["1", "2"]);

    let put = |c: &mut _, verb, bytes: &[u8], generation| {
        commit(
            c,
            "k",
            &[(verb, "d", bytes, generation, None)],
            None,
            None,
            false,
        )
    };
    let made = put(&mut c, "create", b"a", None).unwrap();
    let version = made.get::<_, Vec<i64>>("generations")[0];
    assert_eq!(kind(&put(&mut c, "create", b"b", None)), "ALREADY_EXISTS");
    assert_eq!(kind(&put(&mut c, "put", b"b", Some(0))), "CONFLICT");
    put(&mut c, "put", b"a", Some(version)).unwrap();
    // The same bytes, but another save.
    assert_eq!(kind(&put(&mut c, "put", b"c", Some(version))), "CONFLICT");
    assert_eq!(kind(&put(&mut c, "remove", b"", Some(version))), "CONFLICT");
    assert_eq!(read_all(&mut c, "k", "d", 10).unwrap(), b"a");
    put(&mut c, "remove", b"", None).unwrap();
    assert_eq!(read_all(&mut c, "k", "d", 10), None);
    put(&mut c, "put", b"z", Some(0)).unwrap();
    assert_eq!(kind(&put(&mut c, "remove", b"", Some(version))), "CONFLICT");
}

#[test]
fn the_changes_of_a_commit_are_all_made_or_none() {
    let mut c = store().connect();
    append(&mut c, "k", b"1\n");
    commit(
        &mut c,
        "k",
        &[("put", "a", b"old", None, None)],
        None,
        None,
        false,
    )
    .unwrap();
    let refused = commit(
        &mut c,
        "k",
        &[
            ("put", "a", b"new", None, None),
            ("append", "session.jsonl", b"2\n", None, None),
            ("create", "b", b"b", None, None),
            ("put", "c", b"c", Some(17), None),
        ],
        None,
        None,
        false,
    );
    assert_eq!(kind(&refused), "CONFLICT");
    assert_eq!(records(&mut c, "k"), ["1"]);
    assert_eq!(read_all(&mut c, "k", "a", 10).unwrap(), b"old");
    assert_eq!(read_all(&mut c, "k", "b", 10), None);
}

#[test]
fn a_rotation_is_a_rename_and_a_create_in_one_commit() {
    let mut c = store().connect();
    let before = append(&mut c, "k", b"1\n");
    let rotate: &[_] = &[
        (
            "rename",
            "session.jsonl",
            b"session_1.jsonl".as_slice(),
            Some(before.generation),
            Some(2),
        ),
        ("append", "session.jsonl", b"2\n", None, None),
    ];
    commit(&mut c, "k", rotate, None, None, false).unwrap();
    assert_eq!(records(&mut c, "k"), ["2"]);
    assert_eq!(
        read_all(&mut c, "k", "session_1.jsonl", 10).unwrap(),
        b"1\n"
    );
    // A position in the old file means no place in the new one.
    let stale = c.query_one(
        "select bytes from read('k', 'session.jsonl', 0, 10, $1)",
        &[&before.generation],
    );
    assert_eq!(stale.unwrap().get::<_, Option<Vec<u8>>>(0), None);
    let exists = commit(
        &mut c,
        "k",
        &[("rename", "session.jsonl", b"session_1.jsonl", None, None)],
        None,
        None,
        false,
    );
    assert_eq!(kind(&exists), "ALREADY_EXISTS");
    let missing = commit(
        &mut c,
        "k",
        &[("rename", "x", b"y", None, None)],
        None,
        None,
        false,
    );
    assert_eq!(kind(&missing), "NOT_FOUND");
}

#[test]
fn arguments_that_mean_nothing_are_refused() {
    let mut c = store().connect();
    for change in [
        ("save", "a", b"1".as_slice(), None, None),
        ("append", "a", b"", None, None),
        ("put", "", b"1", None, None),
    ] {
        assert_eq!(
            kind(&commit(&mut c, "k", &[change], None, None, false)),
            "INVALID_ARGUMENT"
        );
    }
    let uneven = c.query_one("call commit('k', '{put}', '{a,b}', array['1'::bytea])", &[]);
    assert_eq!(kind(&uneven), "INVALID_ARGUMENT");
    let open = commit(&mut c, "k", &[], None, None, true);
    assert_eq!(kind(&open), "INVALID_ARGUMENT");
    assert!(c.query("select * from sessions()", &[]).unwrap().is_empty());
}

#[test]
fn the_callers_own_tables_change_in_the_same_transaction() {
    let mut c = store().connect();
    c.batch_execute("create table mine (n int)").unwrap();
    let both = "insert into mine values (1); \
                select apply('k', '{append}', '{session.jsonl}', array['1'::bytea])";
    c.batch_execute(&format!("begin; {both}; rollback"))
        .unwrap();
    assert!(records(&mut c, "k").is_empty());
    c.batch_execute(&format!("begin; {both}; commit")).unwrap();
    assert_eq!(read_all(&mut c, "k", "session.jsonl", 10).unwrap(), b"1");
}

#[test]
fn a_listener_is_woken_but_never_within_a_synchronous_commit() {
    let store = store();
    let (mut c, mut listener) = (store.connect(), store.connect());
    append(&mut c, "k", b"1\n");
    let channel: String = listener
        .query_one("select channel('k', 'session.jsonl')", &[])
        .unwrap()
        .get(0);
    listener
        .batch_execute(&format!("listen {channel}"))
        .unwrap();
    // Nobody has asked for this one.
    append(&mut c, "k", b"unheard\n");
    let watch = "select watch('k', 'session.jsonl')";
    assert!(listener.query_one(watch, &[]).unwrap().get::<_, bool>(0));
    // This commit waits for the medium, so it must not notify.
    c.query_one(
        "select apply('k', '{append}', '{session.jsonl}', array['2'::bytea])",
        &[],
    )
    .unwrap();
    assert_eq!(append_now(&mut c, b"4\n", &Terms::default()).unwrap(), None);
    let end = append(&mut c, "k", b"\n");
    let big = append(&mut c, "k", &vec![b' '; 300_000]);
    for end in [end, big] {
        let notification = listener.notifications().blocking_iter().next().unwrap();
        let said = notification.unwrap().payload().to_owned();
        assert_eq!(said, format!("{}:{}", end.generation, end.end));
    }
}

/// Appends to the first file of the schema.
fn append_now(
    c: &mut Client,
    bytes: &[u8],
    terms: &Terms,
) -> Result<Option<Vec<i64>>, postgres::Error> {
    let row = c.query_one(
        "select append_now(1, $1, $2, $3, $4, $5::text::uuid, $6, true)",
        &[
            &bytes,
            &terms.generation,
            &terms.end,
            &terms.token,
            &terms.id,
            &!terms.weak,
        ],
    )?;
    Ok(row.get(0))
}

#[test]
fn append_now_appends_or_changes_nothing() {
    let mut c = store().connect();
    let first = append(&mut c, "k", b"1\n");
    let id = Some("00000000-0000-0000-0000-00000000abcd".to_owned());
    let terms = |generation, end, token| Terms {
        generation: Some(generation),
        end: Some(end),
        token,
        ..Terms::default()
    };
    let here = terms(first.generation, first.end, Some(0));
    let with_id = Terms {
        id: id.clone(),
        ..here
    };
    let end = append_now(&mut c, b"2\n", &with_id).unwrap();
    assert_eq!(end, Some(vec![first.generation, 4]));
    // A retry with `append` gets that answer.
    let again = append_with(&mut c, "k", b"2\n", &with_id).unwrap();
    assert!(again.again && again.end == 4);
    // Without it, it is refused whole.
    let anywhere = Terms {
        id,
        ..Terms::default()
    };
    let refused = append_now(&mut c, b"2\n", &anywhere).unwrap_err();
    assert_eq!(refused.code().unwrap().code(), "23505");
    let elsewhere = [
        terms(first.generation + 1, 4, None),
        terms(first.generation, 3, None),
        terms(first.generation, 4, Some(1)),
    ];
    for terms in elsewhere {
        assert_eq!(append_now(&mut c, b"3\n", &terms).unwrap(), None);
    }
    assert_eq!(append_now(&mut c, b"", &Terms::default()).unwrap(), None);
    let long = vec![b'\n'; 262_145];
    assert_eq!(append_now(&mut c, &long, &Terms::default()).unwrap(), None);
    // A line never continues an unfinished one.
    let end = append_now(&mut c, b"3", &Terms::default()).unwrap();
    assert_eq!(end, Some(vec![first.generation, 5]));
    assert_eq!(append_now(&mut c, b"4\n", &Terms::default()).unwrap(), None);
    assert_eq!(
        read_all(&mut c, "k", "session.jsonl", 10).unwrap(),
        b"1\n2\n3"
    );
    commit(
        &mut c,
        "k",
        &[("remove", "session.jsonl", b"", None, None)],
        None,
        None,
        false,
    )
    .unwrap();
    assert_eq!(append_now(&mut c, b"4\n", &Terms::default()).unwrap(), None);
}

#[test]
fn append_now_waits_for_the_medium_only_if_asked_to() {
    let mut c = store().connect();
    append(&mut c, "k", b"1\n");
    let weak = Terms {
        weak: true,
        ..Terms::default()
    };
    let flushed = "select pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()";
    let mut late = 0;
    for setting in ["on", "off"] {
        c.batch_execute(&format!("set synchronous_commit = {setting}"))
            .unwrap();
        for _ in 0..50 {
            append_now(&mut c, b"2\n", &weak).unwrap();
            late += usize::from(!c.query_one(flushed, &[]).unwrap().get::<_, bool>(0));
            let place = "select pg_current_wal_insert_lsn()::text";
            let place: String = c.query_one(place, &[]).unwrap().get(0);
            append_now(&mut c, b"3\n", &Terms::default()).unwrap();
            let query = "select pg_current_wal_flush_lsn() >= $1::text::pg_lsn";
            assert!(c.query_one(query, &[&place]).unwrap().get::<_, bool>(0));
        }
    }
    assert!(late > 0, "every append was on the medium at once");
}

#[test]
fn what_a_reader_was_told_is_on_the_medium() {
    let mut c = store().connect();
    append(&mut c, "k", b"1\n");
    let weak = Terms {
        weak: true,
        ..Terms::default()
    };
    let mut late = 0;
    for _ in 0..50 {
        append_with(&mut c, "k", b"1\n", &weak).unwrap();
        let query = "select pg_current_wal_insert_lsn()::text, pg_current_wal_flush_lsn() < pg_current_wal_insert_lsn()";
        let row = c.query_one(query, &[]).unwrap();
        let (place, unflushed): (String, bool) = (row.get(0), row.get(1));
        late += usize::from(unflushed);
        c.query_one("select * from read('k', 'session.jsonl')", &[])
            .unwrap();
        let query = "select pg_current_wal_flush_lsn() >= $1::text::pg_lsn";
        assert!(c.query_one(query, &[&place]).unwrap().get::<_, bool>(0));
    }
    assert!(
        late > 0,
        "every append was on the medium at once: nothing was tried"
    );
}

#[test]
fn commits_of_the_same_files_in_any_order_do_not_deadlock() {
    let store = store();
    let threads: Vec<_> = (0..6)
        .map(|thread| {
            let mut c = store.connect();
            std::thread::spawn(move || {
                let mut random = fastrand::Rng::with_seed(thread);
                for round in 0..60 {
                    let mut names = ["a", "b", "c", "d"];
                    random.shuffle(&mut names);
                    let key = format!("k{}", round % 7);
                    let changes: Vec<_> = names[..random.usize(1..5)]
                        .iter()
                        .map(|name| ("append", *name, b"1\n".as_slice(), None, None))
                        .collect();
                    match random.u8(..8) {
                        0 => drop(c.query("select claim($1, 'x', '1 ms')", &[&key])),
                        1 => drop(c.query("select remove($1)", &[&key])),
                        _ => drop(commit(&mut c, &key, &changes, None, None, false).unwrap()),
                    }
                }
                assert!(!c.is_closed());
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(
        store
            .connect()
            .query_one(deadlocks, &[])
            .unwrap()
            .get::<_, i64>(0),
        0
    );
}
