//! A change whose answer can't be had: the next one is refused until the session was
//! read, and the lost one was made once or never will be.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use untorn::ErrorKind;
use untorn_postgres::{Driver, Failure, Param, Row};

use crate::client::{Terms, append, append_with, mark, until_blocked};
use crate::proxy::{Break, From, Plan, Proxy};
use crate::sessions::{options, pool, texts};
use crate::store::{Store, store};

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

/// Sends appends on a connection whose answer never comes: the server works on.
struct Deaf {
    pool: untorn_postgres::Connections,
    store: Store,
    mark: String,
    sent: Arc<Mutex<Vec<std::thread::JoinHandle<()>>>>,
}

impl Driver for Deaf {
    fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        let (Some(Param::Bytes(bytes)), Some(Param::Text(Some(id)))) =
            (params.get(2), params.get(6))
        else {
            return self.pool.query(sql, params);
        };
        let mut client = self.store.connect();
        mark(&mut client, &self.mark);
        let (bytes, terms) = (
            bytes.to_vec(),
            Terms {
                id: Some((*id).to_owned()),
                ..Terms::default()
            },
        );
        let sent = std::thread::spawn(move || drop(append_with(&mut client, "k", &bytes, &terms)));
        self.sent.lock().unwrap().push(sent);
        until_blocked(&mut self.store.connect(), 1, &self.mark);
        Err(Failure::NoAnswer("the network is gone".into()))
    }
}

#[test]
fn a_lost_try_that_still_waits_is_never_carried_out_after_the_read() {
    let store = store();
    let mut c = store.connect();
    append(&mut c, "k", b"0\n");
    // Another transaction has the row, so the append waits in the server.
    let mut blocker = store.connect();
    blocker
        .batch_execute("begin; update file set size = size")
        .unwrap();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let deaf = Deaf {
        pool: pool(&store.dir),
        mark: format!("lost {}", store.schema),
        sent: sent.clone(),
        store: Store {
            dir: store.dir.clone(),
            schema: store.schema.clone(),
        },
    };
    let options = options().patience(Duration::ZERO);
    let sessions = options.open(deaf, &store.schema).unwrap();
    let journal = sessions.session("k").unwrap().journal().unwrap();
    let lost = journal.append(b"1").unwrap_err();
    assert!(lost.to_string().contains("made or it is not"), "{lost}");
    let refused = journal.append(b"2").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Poisoned);
    // This read settles that it never will be.
    assert_eq!(texts(&journal), ["0"]);
    blocker.batch_execute("rollback").unwrap();
    for sent in sent.lock().unwrap().drain(..) {
        sent.join().unwrap();
    }
    assert_eq!(texts(&journal), ["0"]);
}

#[test]
fn an_annulled_commit_is_refused_and_a_made_one_has_its_answer() {
    let store = store();
    let mut c = store.connect();
    let id = crate::client::new_id();
    let terms = Terms {
        id: Some(id.clone()),
        ..Default::default()
    };
    let annul = "select generations, ends from annul('k', $1::text::uuid)";
    for count in 0..2 {
        let answer = c.query_one(annul, &[&id]).unwrap();
        assert_eq!(answer.get::<_, Option<Vec<i64>>>(0), None);
        let refused = append_with(&mut c, "k", b"1\n", &terms);
        assert_eq!(crate::client::kind(&refused), "INVALID_ARGUMENT");
        assert_eq!(crate::client::records(&mut c, "k").len(), count);
        append(&mut c, "k", b"0\n");
    }
    let made = Terms {
        id: Some(crate::client::new_id()),
        ..Default::default()
    };
    let end = append_with(&mut c, "k", b"2\n", &made).unwrap();
    let answer = c.query_one(annul, &[&made.id]).unwrap();
    assert_eq!(answer.get::<_, Vec<i64>>(1), [end.end]);
}
