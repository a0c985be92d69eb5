//! Documents of the crate: the versions and expectations of files.

use untorn::{CallOptions, ErrorKind, Expect, Version};

use crate::sessions::sessions;
use crate::store::store;

#[test]
fn a_save_goes_ahead_only_if_the_document_is_as_expected() {
    let store = store();
    let (one, other) = (sessions(&store), sessions(&store));
    let state = one.session("k").unwrap().state().unwrap();
    let theirs = other.session("k").unwrap().state().unwrap();
    assert_eq!(state.load().unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!state.remove().unwrap());
    let first = state.create(b"1").unwrap();
    assert_eq!(first, Version::of(b"1"));
    assert_eq!(
        theirs.create(b"2").unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    assert_eq!(
        theirs.save_if(None, b"2").unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    let second = theirs.save_if(Some(first), b"2").unwrap();
    let stale = state.save_if(Some(first), b"3").unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::Conflict);
    assert_eq!(state.load().unwrap(), (b"2".to_vec(), second));

    // The same bytes are the same version, whichever process saved them.
    theirs.save(b"3").unwrap();
    theirs.save(b"2").unwrap();
    let third = state.save_if(Some(second), b"4").unwrap();
    assert_eq!(
        theirs.remove_if(second).unwrap_err().kind(),
        ErrorKind::Conflict
    );
    theirs.remove_if(third).unwrap();
    assert_eq!(
        state.save_if(Some(third), b"5").unwrap_err().kind(),
        ErrorKind::Conflict
    );
    let big = vec![7; 20 << 20];
    state
        .save_with(&big, Expect::Absent, &CallOptions::new())
        .unwrap();
    assert!(theirs.load().unwrap().0 == big);
}

#[test]
fn updates_of_many_callers_are_all_made() {
    let store = store();
    let callers: Vec<_> = (0..6)
        .map(|_| {
            let state = sessions(&store).session("k").unwrap().state().unwrap();
            std::thread::spawn(move || {
                for _ in 0..30 {
                    state
                        .update(|old| {
                            let old = old.map_or("0", |old| std::str::from_utf8(old).unwrap());
                            let next = old.parse::<u32>().unwrap() + 1;
                            Ok(next.to_string().into_bytes())
                        })
                        .unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.join().unwrap();
    }
    let state = sessions(&store).session("k").unwrap().state().unwrap();
    assert_eq!(state.load().unwrap().0, b"180");
}

#[test]
fn an_update_whose_change_fails_leaves_the_document() {
    let store = store();
    let state = sessions(&store).session("k").unwrap().state().unwrap();
    state.save(b"1").unwrap();
    let failed: Result<_, Box<dyn std::error::Error>> = state.try_update(|_| Err("no".into()));
    assert_eq!(failed.unwrap_err().to_string(), "no");
    let mut update = state.begin_update(&CallOptions::new()).unwrap();
    assert_eq!(update.value(), Some(&b"1"[..]));
    assert_eq!(update.version(), Some(Version::of(b"1")));
    state.save(b"2").unwrap();
    assert_eq!(update.save(b"3").unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(state.load().unwrap().0, b"2");
}
