//! Many processes that claim, work, and are killed or stopped at any instant.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::client::{claim, read_all, records};
use crate::judge;
use crate::store::store;

#[test]
fn a_storm_of_claims_with_kills_and_stops_has_one_owner_at_a_time() {
    let store = store();
    let ttl = "150 ms";
    let mut workers: Vec<_> = (0..5).map(|_| store.worker("storm", ttl)).collect();
    let until = Instant::now() + Duration::from_secs(6);
    let mut stopped: Vec<bool> = vec![false; workers.len()];
    let (mut kills, mut stops) = (0, 0);
    let mut c = store.connect();
    // On a busy machine the workers get little done in that time.
    while Instant::now() < until || records(&mut c, "k").len() <= 50 {
        // At any instant: that is what a pause of a random length is for.
        std::thread::sleep(Duration::from_millis(fastrand::u64(5..120)));
        let i = fastrand::usize(..workers.len());
        if stopped[i] {
            workers[i].signal(Signal::CONT);
            stopped[i] = false;
        } else if fastrand::bool() {
            workers[i].signal(Signal::STOP);
            stopped[i] = true;
            stops += 1;
        } else {
            workers[i] = store.worker("storm", ttl);
            kills += 1;
        }
    }
    for (worker, stopped) in workers.iter_mut().zip(stopped) {
        if stopped {
            worker.signal(Signal::CONT);
        }
        worker.child.kill().unwrap();
    }
    let (mut said, mut lost) = (0, 0);
    for worker in &mut workers {
        while let Some(line) = worker.says() {
            match line.as_str() {
                "counted" => said += 1,
                _ => lost += 1,
            }
        }
    }
    drop(workers);

    // Ends what a killed worker had sent: a claim waits for it.
    while claim(&mut c, "k", "the last", "1 h").is_err() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let count = read_all(&mut c, "k", "count", 100).unwrap();
    let count: usize = String::from_utf8(count).unwrap().parse().unwrap();
    let tokens: Vec<i64> = records(&mut c, "k")
        .iter()
        .map(|line| {
            line.trim_start_matches("{\"token\":")
                .trim_end_matches('}')
                .parse()
                .unwrap()
        })
        .collect();
    assert_eq!(
        count,
        tokens.len(),
        "a count was lost: two owners at a time"
    );
    assert!(
        count >= said,
        "{count} counts, but the last workers alone were told of {said}"
    );
    judge::leases(&tokens).unwrap();
    assert!(
        kills > 5 && stops > 5 && count > 50,
        "{kills} kills, {stops} stops, {count} counts, {lost} lost"
    );
}

#[test]
fn dead_owners_sessions_are_reconciled_exactly_once() {
    let store = store();
    let mut c = store.connect();
    for i in 0..20 {
        claim(&mut c, &format!("k{i}"), "dies", "1 ms").unwrap();
    }
    let mut workers: Vec<_> = (0..4)
        .map(|i| store.worker("reconcile", &i.to_string()))
        .collect();
    let mut done = Vec::new();
    for worker in &mut workers {
        while let Some(key) = worker.says() {
            done.push(key);
        }
        assert!(worker.child.wait().unwrap().success());
    }
    // Each worker may have discarded its turn.
    let row = "select count(*) from session where owner is not null";
    let left: i64 = c.query_one(row, &[]).unwrap().get(0);
    done.sort();
    let told = done.len();
    done.dedup();
    assert_eq!(told, done.len(), "reconciled twice");
    assert_eq!(done.len() + left as usize, 20);
    for key in &done {
        assert_eq!(records(&mut c, key), ["\"failed\""], "{key}");
    }
}
