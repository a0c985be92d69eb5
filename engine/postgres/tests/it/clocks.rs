//! Only the server's clock counts: the clocks of clients may jump.
#![allow(clippy::print_stdout, reason = "what was left out is said")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use untorn::ErrorKind;
use untorn_postgres::{Connections, Driver, Failure, Param, Row, Value};

use crate::sessions::{options, pool, sessions, texts};
use crate::store::{program, store};

#[derive(Default)]
struct Sent {
    statements: Vec<String>,
    /// The numbers that the server has given.
    given: BTreeSet<i64>,
}

struct Recorded(Connections, Arc<Mutex<Sent>>);

impl Driver for Recorded {
    fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        let rows = self.0.query(sql, params)?;
        let mut sent = self.1.lock().unwrap();
        let shown = |number: &Option<i64>| match number {
            Some(number) if sent.given.contains(number) => "given".to_owned(),
            // Sizes and milliseconds to live; a time of day has more digits.
            Some(number) => {
                assert!((0..20_000_000).contains(number), "{sql}: {number}");
                number.to_string()
            }
            None => "none".to_owned(),
        };
        let params: Vec<_> = params
            .iter()
            .map(|param| match param {
                Param::Int(number) => shown(number),
                Param::Ints(numbers) => numbers.iter().map(shown).collect(),
                // The id of a commit: it is compared for equality only.
                Param::Text(Some(text)) if text.len() == 36 && text.matches('-').count() == 4 => {
                    "id".to_owned()
                }
                // What an owner says of itself, for people: `since` is among it.
                Param::Text(Some(text)) if text.starts_with("{\"pid\"") => {
                    let owner: serde_json::Value = serde_json::from_str(text).unwrap();
                    format!("{} {}", owner["pid"], owner["label"])
                }
                other => format!("{other:?}"),
            })
            .collect();
        sent.statements.push(format!("{sql} {}", params.join(", ")));
        for value in rows.iter().flatten() {
            match value {
                Value::Int(number) => drop(sent.given.insert(*number)),
                Value::Ints(numbers) => sent.given.extend(numbers),
                _ => {}
            }
        }
        Ok(rows)
    }
}

#[test]
fn no_clock_of_the_client_is_in_a_statement() {
    let run = || {
        let store = store();
        let sent = Arc::<Mutex<Sent>>::default();
        let driver = Recorded(pool(&store.dir), sent.clone());
        // So long that no thread renews the lease meanwhile.
        let options = options().ttl(Duration::from_secs(900));
        let sessions = options.open(driver, &store.schema).unwrap();
        let session = sessions.session("k").unwrap();
        let (journal, state) = (session.journal().unwrap(), session.state().unwrap());
        let lease = session.claim("owner").unwrap();
        let end = journal.append(b"1").unwrap();
        let two = journal.append_at(end, ["2"]).unwrap();
        journal.append(b"3").unwrap();
        journal.rewind(two).unwrap();
        journal.compact(|rewrite| rewrite.push(b"4")).unwrap();
        journal.rotate().unwrap();
        journal.prune_rotated(0, Duration::from_secs(3600)).unwrap();
        state.update(|_| Ok(b"1".to_vec())).unwrap();
        let mut tx = session.transaction().unwrap();
        tx.save("state.json", b"2").unwrap();
        tx.append("session.jsonl", ["5"]).unwrap();
        tx.commit().unwrap();
        lease.release().unwrap();
        session.reconcile(|_| Ok(false)).unwrap();
        let sent = std::mem::take(&mut sent.lock().unwrap().statements);
        let of = format!("\"{}\"", store.schema);
        sent.iter()
            .map(|one| one.replace(&of, "schema"))
            .collect::<Vec<_>>()
    };
    let first = run();
    assert!(first.len() > 20, "{first:?}");
    assert_eq!(first, run());
}

/// The library that gives a program another clock.
fn faketime() -> Option<PathBuf> {
    let places = std::fs::read_dir("/usr/lib").ok()?;
    places
        .filter_map(|place| Some(place.ok()?.path().join("faketime/libfaketime.so.1")))
        .find(|library| library.exists())
}

#[test]
fn an_owner_whose_clock_jumps_keeps_its_session() {
    let Some(library) = faketime() else {
        println!("left out: no libfaketime: apt-get install faketime");
        return;
    };
    let store = store();
    let clock = tempfile::NamedTempFile::new().unwrap();
    let jump = |by: &str| std::fs::write(clock.path(), by).unwrap();
    jump("+0");
    let mut command = Command::new(program());
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", clock.path())
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let mut owner = store.worker_by(command, "crate own", "2000");
    assert_eq!(owner.says().unwrap(), "owns");
    let other = sessions(&store).session("k").unwrap();
    let jumps = ["+400d", "-400d", "+1d", "-3h", "+0"];
    for by in jumps {
        jump(by);
        owner.tell("");
        assert_eq!(owner.says().unwrap(), "ok ok true", "{by}");
        assert_eq!(other.claim("other").unwrap_err().kind(), ErrorKind::Locked);
    }
    let journal = other.journal().unwrap();
    assert_eq!(texts(&journal).len(), jumps.len());
}
