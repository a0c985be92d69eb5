//! The server dies among commits: what it acknowledged is there, once.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use postgres::Client;

use crate::client::{Terms, append_with, new_id, records};
use crate::server::{Server, connect};

/// Writers on two journals. Each retries a record with its id until it has an
/// answer, on whichever server is in `place` by then.
pub struct Writers {
    pub acknowledged: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    place: Arc<Mutex<PathBuf>>,
    threads: Vec<std::thread::JoinHandle<Vec<(String, i64)>>>,
}

impl Writers {
    pub fn start(dir: &Path) -> Writers {
        let mut writers = Writers {
            acknowledged: Arc::default(),
            stop: Arc::default(),
            place: Arc::new(Mutex::new(dir.to_owned())),
            threads: Vec::new(),
        };
        for writer in 0..8 {
            let (acknowledged, stop) = (writers.acknowledged.clone(), writers.stop.clone());
            let place = writers.place.clone();
            writers.threads.push(std::thread::spawn(move || {
                let mut told = Vec::new();
                let mut client: Option<Client> = None;
                let key = format!("k{}", writer % 2);
                for i in 0.. {
                    let record = format!("\"{writer}-{i}\"");
                    let line = format!("{record}\n").into_bytes();
                    let terms = Terms {
                        id: Some(new_id()),
                        ..Terms::default()
                    };
                    loop {
                        let done = match &mut client {
                            Some(client) => append_with(client, &key, &line, &terms).ok(),
                            None => None,
                        };
                        if let Some(done) = done {
                            told.push((record, done.end));
                            acknowledged.fetch_add(1, Ordering::SeqCst);
                            break;
                        }
                        let dir = place.lock().unwrap().clone();
                        client = connect(&dir, "untorn").ok().filter(|_| true);
                        if let Some(client) = &mut client {
                            let _ = client.batch_execute("set search_path = store");
                        } else if stop.load(Ordering::SeqCst) {
                            return told;
                        } else {
                            std::thread::sleep(Duration::from_millis(5));
                        }
                    }
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                }
                told
            }));
        }
        writers
    }

    /// Returns when the writers have `n` more acknowledgements.
    pub fn until_acknowledged(&self, n: usize) {
        let from = self.acknowledged.load(Ordering::SeqCst);
        while self.acknowledged.load(Ordering::SeqCst) < from + n {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn go_to(&self, dir: &Path) {
        *self.place.lock().unwrap() = dir.to_owned();
    }

    /// Ends the writers. Each has an answer for all its records. All are in the
    /// journal, once, in its order, at the acknowledged place.
    pub fn check(self, client: &mut Client) {
        self.stop.store(true, Ordering::SeqCst);
        client.batch_execute("set search_path = store").unwrap();
        let told: Vec<_> = self
            .threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        for half in 0..2 {
            let mut end = 0;
            let found: Vec<(String, i64)> = records(client, &format!("k{half}"))
                .into_iter()
                .map(|record| {
                    end += record.len() as i64 + 1;
                    (record, end)
                })
                .collect();
            let mut all = 0;
            for told in told.iter().skip(half).step_by(2) {
                let writer = told[0].0.split('-').next().unwrap();
                let there: Vec<_> = found
                    .iter()
                    .filter(|(record, _)| record.split('-').next() == Some(writer))
                    .collect();
                assert!(
                    there.iter().copied().eq(told.iter()),
                    "{writer}: lost, doubled or moved"
                );
                all += told.len();
            }
            assert_eq!(all, found.len());
        }
    }
}

#[test]
fn what_was_acknowledged_survives_the_servers_death_once() {
    let mut server = Server::start();
    let mut client = server.connect().unwrap();
    untorn_postgres::migrate(&mut client, "store").unwrap();
    let writers = Writers::start(&server.dir);
    for _ in 0..3 {
        writers.until_acknowledged(200);
        server.kill();
        server.run();
    }
    writers.until_acknowledged(50);
    writers.check(&mut server.connect().unwrap());
}
