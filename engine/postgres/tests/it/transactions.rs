//! Transactions of the crate.

use untorn::ErrorKind;

use crate::sessions::{sessions, texts};
use crate::store::store;

#[test]
fn all_changes_of_a_transaction_are_made_or_none() {
    let store = store();
    let session = sessions(&store).session("k").unwrap();
    let journal = session.journal().unwrap();
    session.document("old").unwrap().save(b"old").unwrap();
    let mut tx = session.transaction().unwrap();
    assert_eq!(tx.load("state.json").unwrap(), None);
    tx.save("state.json", b"1").unwrap();
    assert_eq!(tx.load("state.json").unwrap().unwrap().0, b"1");
    tx.append("session.jsonl", ["1", "2"]).unwrap();
    tx.append("session.jsonl", ["3"]).unwrap();
    tx.create("result.json", b"{}").unwrap();
    let exists = tx.create("old", b"x").unwrap_err();
    assert_eq!(exists.kind(), ErrorKind::AlreadyExists);
    assert!(tx.remove("old").unwrap());
    let bad = tx.append("session.jsonl", ["1 2"]).unwrap_err();
    assert_eq!(bad.kind(), ErrorKind::InvalidRecord);
    assert!(tx.save("../x", b"").is_err());
    assert!(
        !session
            .files()
            .unwrap()
            .iter()
            .any(|file| file.name == "state.json")
    );
    tx.commit().unwrap();
    assert_eq!(tx.commit().unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(texts(&journal), ["1", "2", "3"]);
    let files: Vec<_> = session.files().unwrap();
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["result.json", "session.jsonl", "state.json"]);

    let mut tx = session.transaction().unwrap();
    tx.append("session.jsonl", ["4"]).unwrap();
    tx.create("late.json", b"").unwrap();
    session
        .document("late.json")
        .unwrap()
        .save(b"first")
        .unwrap();
    let refused = tx.commit().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    assert_eq!(texts(&journal), ["1", "2", "3"]);
}

#[test]
fn a_file_that_was_only_loaded_must_not_change_before_the_commit() {
    let store = store();
    let session = sessions(&store).session("k").unwrap();
    let (limit, journal) = (
        session.document("limit").unwrap(),
        session.journal().unwrap(),
    );
    limit.save(b"1").unwrap();
    for changed in [true, false] {
        let mut tx = session.transaction().unwrap();
        tx.load("limit").unwrap();
        tx.append("session.jsonl", ["1"]).unwrap();
        if changed {
            // The same bytes, but another save: it may depend on what was read then.
            limit.save(b"1").unwrap();
            assert_eq!(tx.commit().unwrap_err().kind(), ErrorKind::Conflict);
            assert!(texts(&journal).is_empty());
        } else {
            tx.commit().unwrap();
            assert_eq!(texts(&journal), ["1"]);
        }
    }
    // So must a file that was missing.
    let mut tx = session.transaction().unwrap();
    assert!(tx.load("new").unwrap().is_none());
    tx.append("session.jsonl", ["2"]).unwrap();
    session.document("new").unwrap().save(b"").unwrap();
    assert_eq!(tx.commit().unwrap_err().kind(), ErrorKind::Conflict);
    let mut tx = session.transaction().unwrap();
    tx.append("session.jsonl", ["3"]).unwrap();
    tx.rollback();
    assert_eq!(texts(&journal), ["1"]);
}
