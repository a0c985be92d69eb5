//! Folds whose state is not of Rust.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use untorn::{CallOptions, ErrorKind, Folded};
use untorn_postgres::{Connections, Driver, Failure, FoldTurn, Journal, Param, Row};

use crate::sessions::{options, pool, sessions};
use crate::store::store;

fn journal() -> Journal {
    let store = sessions(&store());
    store.session("fold").unwrap().journal().unwrap()
}

/// Takes in all that there is.
fn take_in(turn: &mut FoldTurn, state: &mut Vec<Vec<u8>>) {
    while let Some(folded) = turn.next().unwrap() {
        match folded {
            Folded::Record(record) => state.push(record.bytes),
            _ => state.clear(),
        }
    }
}

#[test]
fn a_turn_appends_where_the_state_ends_and_nowhere_else() {
    let (journal, call) = (journal(), CallOptions::new());
    let cursor = journal.fold_cursor();
    let mut state = vec![b"what was before".to_vec()];
    journal.append(b"1").unwrap();
    let mut turn = cursor.begin(&call).unwrap();
    take_in(&mut turn, &mut state);
    assert_eq!(state, [b"1"]);
    // Another process is faster.
    journal.append(b"2").unwrap();
    let mut batch = turn.batch();
    batch.push(b"3").unwrap();
    let refused = turn.append(&batch).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    take_in(&mut turn, &mut state);
    turn.append(&batch).unwrap();
    take_in(&mut turn, &mut state);
    assert_eq!(state, [b"1", b"2", b"3"]);
    assert_eq!(turn.finish().unwrap(), journal.end().unwrap());
    assert!(cursor.is_current().unwrap());

    // After a rewrite the state begins again.
    journal.replace([b"9"]).unwrap();
    assert!(!cursor.is_current().unwrap());
    let mut turn = cursor.begin(&call).unwrap();
    take_in(&mut turn, &mut state);
    assert_eq!(state, [b"9"]);
    // A turn that is dropped leaves a state that is not trusted.
    drop(turn);
    assert_eq!(cursor.position(), None);
    let mut turn = cursor.begin(&call).unwrap();
    assert_eq!(turn.next().unwrap(), Some(Folded::Restart));
}

#[test]
fn turns_of_one_cursor_run_one_at_a_time() {
    let journal = journal();
    let cursor = journal.fold_cursor();
    let once = CallOptions::new().timeout(Some(Duration::ZERO));
    let mut turn = cursor.begin(&once).unwrap();
    let again = cursor.begin(&once).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Deadlock);
    let (told, hears) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let refused = cursor.begin(&once).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::LockTimeout);
            told.send("refused").unwrap();
            let mut turn = cursor.begin(&CallOptions::new()).unwrap();
            told.send("began").unwrap();
            // It goes on where the first one ended.
            assert_eq!(turn.next().unwrap(), None);
        });
        assert_eq!(hears.recv(), Ok("refused"));
        take_in(&mut turn, &mut Vec::new());
        assert_eq!(hears.try_recv(), Err(mpsc::TryRecvError::Empty));
        turn.finish().unwrap();
        assert_eq!(hears.recv(), Ok("began"));
    });
}

/// Fails the statement at which the count is 0. It counts down.
struct Failing(Connections, Arc<AtomicI64>);

impl Driver for Failing {
    fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        if self.1.fetch_sub(1, Ordering::SeqCst) == 0 {
            return Err(Failure::Driver("this statement fails".into()));
        }
        self.0.query(sql, params)
    }
}

#[test]
fn a_turn_in_which_any_statement_fails_leaves_no_wrong_state() {
    let call = CallOptions::new();
    let mut failures = 0;
    for at in 0.. {
        let store = store();
        let count = Arc::new(AtomicI64::new(-1));
        let driver = Failing(pool(&store.dir), count.clone());
        let here = options().open(driver, &store.schema).unwrap();
        let journal = here.session("fold").unwrap().journal().unwrap();
        let other = sessions(&store).session("fold").unwrap().journal().unwrap();
        let (cursor, mut state) = (journal.fold_cursor(), Vec::new());
        journal.append(b"1").unwrap();
        let mut turn = cursor.begin(&call).unwrap();
        take_in(&mut turn, &mut state);
        turn.finish().unwrap();
        other.rotate().unwrap();
        other.append(b"2").unwrap();

        count.store(at, Ordering::SeqCst);
        if let Ok(mut turn) = cursor.begin(&call) {
            while let Ok(Some(folded)) = turn.next() {
                match folded {
                    Folded::Record(record) => state.push(record.bytes),
                    _ => state.clear(),
                }
            }
            // The state has all that was yielded.
            turn.finish().unwrap();
        }
        let has_failed = count.swap(-1, Ordering::SeqCst) < 0;
        let mut turn = cursor.begin(&call).unwrap();
        take_in(&mut turn, &mut state);
        turn.finish().unwrap();
        assert_eq!(state, [b"2"], "statement {at} failed");
        if !has_failed {
            break;
        }
        failures += 1;
    }
    assert!(failures > 1, "{failures}");
}
