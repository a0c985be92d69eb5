//! A change whose answer can't be had: the next one is refused until the session was
//! read, and the lost one was made once or never will be.

use std::time::Duration;

use untorn::ErrorKind;

use crate::client::until_blocked;
use crate::proxy::{Break, From, Plan, Proxy};
use crate::sessions::{options, pool, texts};
use crate::store::store;

/// Counts the records. A pooled connection may have broken with the last one.
fn count_of(journal: &untorn_postgres::Journal) -> usize {
    loop {
        let records = journal
            .records()
            .and_then(|all| all.collect::<Result<Vec<_>, _>>());
        if let Ok(records) = records {
            return records.len();
        }
    }
}

#[test]
fn after_a_lost_answer_a_read_settles_whether_the_append_was_made() {
    let store = store();
    let proxy = Proxy::new(&store.dir);
    // One try.
    let proxied = options().patience(Duration::ZERO);
    let proxied = proxied.open(pool(proxy.dir.path()), &store.schema).unwrap();
    let session = proxied.session("k").unwrap();
    let journal = session.journal().unwrap();
    let (mut made, mut unmade, mut count) = (0, 0, 0);
    for from in [From::Client, From::Server] {
        for how in [Break::Before, Break::Half, Break::After] {
            for message in 0.. {
                let before = count_of(&journal);
                proxy.plan(Plan { from, message, how });
                let done = journal.append(count.to_string().as_bytes());
                count += 1;
                let Err(error) = done else { break };
                assert!(proxy.has_broken());
                assert_eq!(error.kind(), ErrorKind::Io, "{error}");
                if error.to_string().contains("nothing was changed") {
                    // No connection: it was not sent, so nothing is in doubt.
                    assert_eq!(count_of(&journal), before);
                    continue;
                }
                for refused in [
                    journal.append(b"0").unwrap_err(),
                    session.state().unwrap().save(b"0").unwrap_err(),
                ] {
                    assert_eq!(refused.kind(), ErrorKind::Poisoned, "{refused}");
                }
                match count_of(&journal) - before {
                    0 => unmade += 1,
                    1 => made += 1,
                    n => panic!("{n} records"),
                }
                journal.append(b"\"after\"").unwrap();
            }
        }
    }
    assert!(made > 0 && unmade > 0, "{made} made, {unmade} not");
}

#[test]
fn a_lost_try_that_still_waits_is_never_carried_out_after_the_read() {
    let store = store();
    let mut c = store.connect();
    crate::client::append(&mut c, "k", b"0\n");
    // Another transaction has the row, so the append waits in the server.
    let mut blocker = store.connect();
    blocker
        .batch_execute("begin; update file set size = size")
        .unwrap();
    let mark = format!("lost {}", store.schema);
    let dir = store.dir.clone();
    let (marked, pid) = (mark.clone(), std::sync::Arc::new(std::sync::Mutex::new(0)));
    let slow = {
        let (dir, schema, pid) = (dir.clone(), store.schema.clone(), pid.clone());
        std::thread::spawn(move || {
            let driver = untorn_postgres::Connections::new(move || {
                let mut client = crate::server::connect(&dir, "untorn")?;
                crate::client::mark(&mut client, &marked);
                let own: i32 = client.query_one("select pg_backend_pid()", &[])?.get(0);
                *pid.lock().unwrap() = own;
                Ok::<_, postgres::Error>(Box::new(client))
            });
            let options = options().patience(Duration::ZERO);
            let session = options.open(driver, &schema).unwrap().session("k").unwrap();
            let journal = session.journal().unwrap();
            let lost = journal.append(b"1").unwrap_err();
            (journal, lost)
        })
    };
    until_blocked(&mut c, 1, &mark);
    // The client's statement is cancelled, as by a statement timeout.
    let waiting = *pid.lock().unwrap();
    c.query_one("select pg_cancel_backend($1)", &[&waiting])
        .unwrap();
    let (journal, lost) = slow.join().unwrap();
    assert!(lost.to_string().contains("made or it is not"), "{lost}");
    blocker.batch_execute("rollback").unwrap();
    assert_eq!(
        journal.append(b"2").unwrap_err().kind(),
        ErrorKind::Poisoned
    );
    assert_eq!(texts(&journal), ["0"]);
    journal.append(b"3").unwrap();
    assert_eq!(texts(&journal), ["0", "3"]);
}

#[test]
fn an_annulled_commit_is_refused_and_a_made_one_has_its_answer() {
    let store = store();
    let mut c = store.connect();
    let id = crate::client::new_id();
    let terms = crate::client::Terms {
        id: Some(id.clone()),
        ..Default::default()
    };
    let annul = "select generations, ends from annul('k', $1::text::uuid)";
    for count in 0..2 {
        let answer = c.query_one(annul, &[&id]).unwrap();
        assert_eq!(answer.get::<_, Option<Vec<i64>>>(0), None);
        let refused = crate::client::append_with(&mut c, "k", b"1\n", &terms);
        assert_eq!(crate::client::kind(&refused), "INVALID_ARGUMENT");
        assert_eq!(crate::client::records(&mut c, "k").len(), count);
        crate::client::append(&mut c, "k", b"0\n");
    }
    let made = crate::client::Terms {
        id: Some(crate::client::new_id()),
        ..Default::default()
    };
    let end = crate::client::append_with(&mut c, "k", b"2\n", &made).unwrap();
    let answer = c.query_one(annul, &[&made.id]).unwrap();
    assert_eq!(answer.get::<_, Vec<i64>>(1), [end.end]);
}
