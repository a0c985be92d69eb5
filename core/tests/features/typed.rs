//! Records and documents as values of a type.

use std::error::Error as _;
use std::fs;

use serde::{Deserialize, Serialize};
use untorn::{DamageKind, Document, ErrorKind, Journal};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Turn {
    n: u32,
    #[serde(default)]
    text: String,
}

fn turn(n: u32) -> Turn {
    Turn {
        n,
        text: format!("turn {n}\n"),
    }
}

#[test]
fn values_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path().join("j")).unwrap().typed();
    let first = journal.append(&turn(1)).unwrap();
    journal.append_all(&[turn(2), turn(3)]).unwrap();
    let all: Vec<Turn> = journal.values().unwrap().map(Result::unwrap).collect();
    assert_eq!(all, [turn(1), turn(2), turn(3)]);
    assert_eq!(journal.tail(2).unwrap(), [turn(2), turn(3)]);
    let later = journal.values_from(first).unwrap().count();
    assert_eq!(later, 2);
    journal.replace(&[turn(9)]).unwrap();
    assert_eq!(journal.tail(9).unwrap(), [turn(9)]);
    assert_eq!(journal.raw().records().unwrap().count(), 1);
}

#[test]
fn damage_is_skipped_and_another_value_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    fs::write(&path, "{\"n\":1}\n{\"n\":2}{\"n\":3}\n\0\0\n{\"n\":4}\n").unwrap();
    let journal = Journal::open(&path).unwrap().typed::<Turn>();
    let mut values = journal.values().unwrap();
    let numbers: Vec<u32> = values.by_ref().map(|value| value.unwrap().n).collect();
    assert_eq!(numbers, [1, 4]);
    let damage: Vec<_> = values.raw().damage().iter().map(|one| one.kind).collect();
    assert_eq!(damage, [DamageKind::Glued, DamageKind::NulRun]);
    assert_eq!(journal.tail(2).unwrap().len(), 2);

    journal.raw().append(b"{\"m\":5}").unwrap();
    journal.append(&turn(6)).unwrap();
    let error = journal.tail(2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRecord);
    let read: Vec<_> = journal.values().unwrap().collect();
    assert_eq!(read.len(), 4);
    let error = read[2].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRecord);
    assert_eq!(error.position().unwrap().offset, 34);
    assert!(error.to_string().contains("missing field `n`"), "{error}");
    assert!(error.source().unwrap().is::<serde_json::Error>());
    assert_eq!(read[3].as_ref().unwrap().n, 6);
}

#[test]
fn a_value_that_serde_refuses_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    // JSON has no keys like these.
    type Odd = std::collections::BTreeMap<Vec<u8>, u8>;
    let odd = Odd::from([(vec![1], 2)]);
    let journal = Journal::open(&path).unwrap().typed::<Odd>();
    let error = journal.append(&odd).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRecord);
    assert!(
        error.to_string().contains("nothing was appended"),
        "{error}"
    );
    assert!(!path.exists());
    let document = Document::open(&path).unwrap().typed::<Odd>();
    let error = document.save(&odd).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRecord);
    assert!(!path.exists());
}

#[test]
fn a_document_is_changed_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d");
    let document = Document::open(&path).unwrap().typed::<Turn>();
    assert_eq!(document.load().unwrap_err().kind(), ErrorKind::NotFound);
    let n = document.update(|turn| {
        turn.n += 1;
        turn.n
    });
    assert_eq!(n.unwrap(), 1);
    let (value, version) = document.load_version().unwrap();
    assert_eq!(value.n, 1);
    document.save(&turn(2)).unwrap();
    let error = document.save_if(Some(version), &turn(3)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    fs::write(&path, "[]").unwrap();
    for error in [
        document.load().unwrap_err(),
        document.update(|_| ()).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
    fs::write(&path, "").unwrap();
    let error = document.load().unwrap_err();
    assert!(error.to_string().contains("holds no value"), "{error}");
}

#[derive(Debug)]
enum Failed {
    Untorn(untorn::Error),
    Mine(u32),
}

impl From<untorn::Error> for Failed {
    fn from(error: untorn::Error) -> Failed {
        Failed::Untorn(error)
    }
}

#[test]
fn an_update_fails_with_the_caller_s_own_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d");
    let document = Document::open(&path).unwrap().typed::<Turn>();
    document.save(&turn(1)).unwrap();
    let failed = document.try_update(|old| Err(Failed::Mine(old.unwrap().n)));
    assert!(matches!(failed, Err(Failed::Mine(1))));
    assert_eq!(document.load().unwrap(), turn(1));
    fs::write(&path, "no JSON").unwrap();
    let failed = document.try_update(|_| Err(Failed::Mine(0)));
    let Err(Failed::Untorn(error)) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}
