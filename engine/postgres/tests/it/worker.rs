//! The other processes of the tests: this test program, with a name of a worker.

use std::io::BufRead;

use postgres::Client;

use crate::client::{Terms, append_with, claim_with, commit, kind};
use crate::store::Store;

#[test]
fn works() {
    let var = |name: &str| std::env::var(format!("UNTORN_WORKER{name}"));
    let Ok(name) = var("") else {
        // No test of its own: other tests start it as a process.
        return;
    };
    let store = Store {
        dir: var("_DIR").unwrap().into(),
        schema: var("_SCHEMA").unwrap(),
    };
    if name.starts_with("crate ") {
        crate::crate_storm::work(&store, &name, &var("_ARG").unwrap());
        std::process::exit(0);
    }
    let mut client = store.connect();
    let arg = var("_ARG").unwrap();
    match name.as_str() {
        "own" => own(&mut client, &arg),
        "storm" => storm(&mut client, &arg),
        "reconcile" => reconcile(&mut client, &arg),
        _ => panic!("no worker {name}"),
    }
    std::process::exit(0);
}

#[allow(clippy::print_stdout, reason = "a worker's way to talk")]
pub fn say(line: &str) {
    println!("@ {line}");
}

/// Owns `k`; then appends at each line of its input, and prints the outcome.
fn own(client: &mut Client, arg: &str) {
    let connected = arg == "connected";
    let ttl = if connected { "1 h" } else { arg };
    let token: i64 = claim_with(client, "k", "own", ttl, connected)
        .unwrap()
        .get("token");
    say(&token.to_string());
    for _ in std::io::stdin().lock().lines() {
        let terms = Terms {
            token: Some(token),
            ..Terms::default()
        };
        match append_with(client, "k", b"own\n", &terms) {
            Ok(_) => say("ok"),
            refused => say(kind(&refused)),
        }
    }
}

/// Claims `k` again and again. As its owner it counts, in a document that it reads
/// and then replaces without an expectation: two owners at a time would lose a
/// count. It is killed or stopped at any instant.
fn storm(client: &mut Client, ttl: &str) {
    loop {
        let row = match claim_with(client, "k", "storm", ttl, fastrand::bool()) {
            Ok(row) => row,
            refused => {
                assert_eq!(kind(&refused), "LOCKED");
                std::thread::sleep(std::time::Duration::from_millis(1));
                continue;
            }
        };
        let token: i64 = row.get("token");
        let rounds = fastrand::u8(1..20);
        for round in 0..rounds {
            let read = "select bytes from read('k', 'count')";
            let count = client.query_opt(read, &[]).unwrap();
            let count: u64 = count.map_or(0, |row| {
                let bytes: Vec<u8> = row.get(0);
                std::str::from_utf8(&bytes).unwrap().parse().unwrap()
            });
            let (count, record) = (count + 1, format!("{{\"token\":{token}}}\n"));
            let changes = [
                ("put", "count", count.to_string().into_bytes(), None, None),
                ("append", "session.jsonl", record.into_bytes(), None, None),
            ];
            let changes = changes
                .each_ref()
                .map(|(v, n, b, g, e)| (*v, *n, b.as_slice(), *g, *e));
            let last = round + 1 == rounds && fastrand::bool();
            let done = commit(client, "k", &changes, Some(token), None, last);
            if done.is_err() {
                assert_eq!(kind(&done), "LEASE_LOST");
                say("lost");
                break;
            }
            say("counted");
        }
    }
}

/// Reconciles each of the sessions `k0` to `k19`, if it is its turn.
fn reconcile(client: &mut Client, name: &str) {
    for _ in 0..3 {
        for i in 0..20 {
            let key = format!("k{i}");
            let row = client
                .query_one("select * from reconcile($1, $2, '30 s')", &[&key, &name])
                .unwrap();
            if row.get::<_, String>("outcome") != "turn" {
                continue;
            }
            let token: i64 = row.get("token");
            if fastrand::u8(..4) == 0 {
                client
                    .query_one("select discard($1, $2)", &[&key, &token])
                    .unwrap();
                continue;
            }
            let failed = [(
                "append",
                "session.jsonl",
                b"\"failed\"\n".as_slice(),
                None,
                None,
            )];
            commit(client, &key, &failed, Some(token), None, true).unwrap();
            say(&key);
        }
    }
}
