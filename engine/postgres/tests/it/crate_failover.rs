//! What the crate has acknowledged survives the death of its server, once: on the same
//! server, or on a standby that takes its place.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::server::Server;
use crate::sessions::{options, pool};
use crate::standby::synchronous_standby;

/// Calls `fail` while six handles of the crate write to two sessions of the server in
/// `dir`, then checks that each acknowledged change is there once.
fn survives(dir: &Path, fail: impl FnOnce(&dyn Fn(usize))) {
    let patient = options().patience(Duration::from_secs(120));
    let (acknowledged, stop) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let writers: Vec<_> = (0..6)
        .map(|writer| {
            let sessions = patient.clone().open(pool(dir), "store").unwrap();
            let (acknowledged, stop) = (acknowledged.clone(), stop.clone());
            std::thread::spawn(move || {
                let session = sessions.session(&format!("k{}", writer % 2)).unwrap();
                let (journal, own) = (
                    session.journal().unwrap(),
                    session.document(&format!("own{writer}")).unwrap(),
                );
                let mut told = Vec::new();
                for i in 0.. {
                    let record = format!("\"{writer}-{i}\"");
                    if i % 3 == 0 {
                        // A document and an append, both or neither.
                        let mut tx = session.transaction().unwrap();
                        tx.save(&format!("own{writer}"), record.as_bytes()).unwrap();
                        tx.append("session.jsonl", [&record]).unwrap();
                        tx.commit().unwrap();
                    } else {
                        let end = journal.append(record.as_bytes()).unwrap();
                        told.push((record.clone(), end.offset));
                        own.save(record.as_bytes()).unwrap();
                    }
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                    if stop.load(Ordering::SeqCst) {
                        return (writer, i + 1, record, told);
                    }
                }
                unreachable!()
            })
        })
        .collect();
    fail(&|n| {
        let from = acknowledged.load(Ordering::SeqCst);
        while acknowledged.load(Ordering::SeqCst) < from + n {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    stop.store(true, Ordering::SeqCst);
    let sessions = patient.open(pool(dir), "store").unwrap();
    for writer in writers {
        let (writer, count, last, told) = writer.join().unwrap();
        let session = sessions.session(&format!("k{}", writer % 2)).unwrap();
        let mut found = Vec::new();
        for record in session.journal().unwrap().records().unwrap() {
            let record = record.unwrap();
            let text = String::from_utf8(record.bytes).unwrap();
            if text.starts_with(&format!("\"{writer}-")) {
                found.push((text, record.end.offset));
            }
        }
        let names: Vec<_> = found.iter().map(|found| found.0.clone()).collect();
        let expected: Vec<_> = (0..count).map(|i| format!("\"{writer}-{i}\"")).collect();
        assert_eq!(names, expected, "{writer}: lost, doubled or moved");
        assert!(
            told.iter().all(|told| found.contains(told)),
            "{writer}: another place"
        );
        let own = session.document(&format!("own{writer}")).unwrap();
        assert_eq!(own.load().unwrap().0, last.as_bytes());
    }
}

#[test]
fn what_the_crate_acknowledged_survives_the_servers_death_once() {
    let mut server = Server::start();
    untorn_postgres::migrate(&mut server.connect().unwrap(), "store").unwrap();
    let dir = server.dir.clone();
    survives(&dir, |until| {
        for _ in 0..3 {
            until(100);
            server.kill();
            server.run();
        }
        until(30);
    });
}

#[test]
fn what_the_crate_acknowledged_survives_a_failover_once() {
    let mut first = Server::start();
    untorn_postgres::migrate(&mut first.connect().unwrap(), "store").unwrap();
    let mut standby = synchronous_standby(&first);
    // The name of the service, which leads to the primary.
    let names = tempfile::tempdir().unwrap();
    let name = names.path().join("db");
    std::os::unix::fs::symlink(&first.dir, &name).unwrap();
    survives(&name, |until| {
        until(150);
        first.kill();
        standby.promote();
        let next = names.path().join("next");
        std::os::unix::fs::symlink(&standby.dir, &next).unwrap();
        std::fs::rename(next, &name).unwrap();
        until(50);
    });
}
