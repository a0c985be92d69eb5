//! A retry with an id never writes twice.

use crate::client::{
    Terms, append, append_with, commit, kind, mark, new_id, read_all, records, until_blocked,
};
use crate::store::store;

#[test]
fn a_retry_with_the_same_id_changes_nothing_and_gets_the_first_answer() {
    let mut c = store().connect();
    let terms = Terms {
        id: Some(new_id()),
        ..Terms::default()
    };
    for session in ["new", "old"] {
        let terms = Terms {
            id: Some(new_id()),
            ..Terms::default()
        };
        if session == "old" {
            append(&mut c, session, b"0\n");
        }
        let first = append_with(&mut c, session, b"1\n", &terms).unwrap();
        append(&mut c, session, b"2\n");
        let again = append_with(&mut c, session, b"1\n", &terms).unwrap();
        assert_eq!((first.again, again.again), (false, true));
        assert_eq!((first.generation, first.end), (again.generation, again.end));
        assert_eq!(
            records(&mut c, session)
                .iter()
                .filter(|r| *r == "1")
                .count(),
            1
        );
    }
    // Of a commit, though its own expectation does not hold any more.
    let changes = [("create", "a", b"1".as_slice(), None, None)];
    let id = new_id();
    let first = commit(&mut c, "k", &changes, None, Some(&id), false).unwrap();
    let again = commit(&mut c, "k", &changes, None, Some(&id), false).unwrap();
    assert!(again.get::<_, bool>("again"));
    assert_eq!(
        first.get::<_, Vec<i64>>("generations"),
        again.get::<_, Vec<i64>>("generations")
    );
    // Also if the session was removed since: the retry does not bring it back.
    c.query_one("select remove('k')", &[]).unwrap();
    let gone = commit(&mut c, "k", &changes, None, Some(&id), false).unwrap();
    assert!(gone.get::<_, bool>("again"));
    assert_eq!(read_all(&mut c, "k", "a", 10), None);
    // An id is of one session.
    append_with(&mut c, "k", b"1\n", &terms).unwrap();
    assert_eq!(
        kind(&commit(
            &mut c,
            "new",
            &changes,
            None,
            terms.id.as_deref(),
            false
        )),
        "INVALID_ARGUMENT"
    );
}

#[test]
fn a_retry_waits_for_the_first_try_that_still_runs() {
    for session in ["new", "old"] {
        let store = store();
        let (mut c, mut first, mut retry) = (store.connect(), store.connect(), store.connect());
        if session == "old" {
            append(&mut c, session, b"0\n");
        }
        let id = new_id();
        first.batch_execute("begin").unwrap();
        let apply = "select again from apply($1::text, '{append}', '{session.jsonl}', array[$2::bytea], id => $3::text::uuid)";
        first
            .query_one(apply, &[&session, &b"1\n".as_slice(), &id])
            .unwrap();
        mark(&mut retry, &id);
        let terms = Terms {
            id: Some(id.clone()),
            ..Terms::default()
        };
        let waiting = std::thread::spawn(move || append_with(&mut retry, session, b"1\n", &terms));
        until_blocked(&mut c, 1, &id);
        first.batch_execute("commit").unwrap();
        assert!(waiting.join().unwrap().unwrap().again);
        assert_eq!(
            records(&mut c, session)
                .iter()
                .filter(|r| *r == "1")
                .count(),
            1
        );
    }
}

#[test]
fn old_answers_go_and_young_ones_stay() {
    let mut c = store().connect();
    let (old, young) = (new_id(), new_id());
    for id in [&old, &young] {
        let terms = Terms {
            id: Some(id.clone()),
            ..Terms::default()
        };
        append_with(&mut c, "k", b"1\n", &terms).unwrap();
    }
    let age = "update answer set at = at - interval '25 h' where id = $1::text::uuid";
    c.execute(age, &[&old]).unwrap();
    // One id in 4096 ends like this: its commit prunes.
    let terms = Terms {
        id: Some("00000000-0000-0000-0000-000000000007".into()),
        ..Terms::default()
    };
    append_with(&mut c, "k", b"1\n", &terms).unwrap();
    let left = c.query_one(
        "select bool_or(id = $1::text::uuid), bool_or(id = $2::text::uuid) from answer",
        &[&old, &young],
    );
    let left = left.unwrap();
    assert_eq!((left.get(0), left.get(1)), (false, true));
}
