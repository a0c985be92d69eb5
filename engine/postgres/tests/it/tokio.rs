//! The crate's verbs on a pool of asynchronous clients.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use ::tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Config, NoTls};
use untorn::{CallOptions, ErrorKind, FollowItem};
use untorn_postgres::TokioConnections;

use crate::server::Server;
use crate::sessions::{Lent, Slot, options, texts};
use crate::store::{Store, store};

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(2).enable_all().build().unwrap()
    })
}

/// A pool that also opens connections of a follower's own.
pub fn pool(dir: &Path) -> TokioConnections {
    let mut config = Config::new();
    config.host_path(dir).user("untorn").dbname("postgres");
    let (own, slot) = (config.clone(), Slot::default());
    let connect = move || {
        let (config, slot) = (config.clone(), slot.clone());
        async move {
            let idle = slot.lock().unwrap().pop();
            let client = match idle {
                Some(client) => client,
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    ::tokio::spawn(connection);
                    client
                }
            };
            Ok::<_, tokio_postgres::Error>(Lent::new(client, &slot, Client::is_closed))
        }
    };
    let handle = runtime().handle().clone();
    TokioConnections::new(handle, connect, |lent: &Lent<Client>| lent).with_own(move || {
        let config = own.clone();
        async move { config.connect(NoTls).await }
    })
}

fn sessions(store: &Store) -> untorn_postgres::Store {
    let options = options().connected(true);
    options.open(pool(&store.dir), &store.schema).unwrap()
}

#[test]
fn a_pool_of_asynchronous_clients_carries_the_verbs() {
    let store = store();
    let session = sessions(&store).session("k").unwrap();
    let (journal, state) = (session.journal().unwrap(), session.state().unwrap());
    let lease = session.claim("owner").unwrap();
    let other = sessions(&store).session("k").unwrap();
    assert_eq!(other.claim("other").unwrap_err().kind(), ErrorKind::Locked);
    let mut follow = journal.follow(None).unwrap();
    let end = journal.append(b"1").unwrap();
    journal.append_at(end, ["2", "3"]).unwrap();
    assert_eq!(
        journal.append_at(end, ["4"]).unwrap_err().kind(),
        ErrorKind::Conflict
    );
    for expected in ["1", "2", "3"] {
        let Some(FollowItem::Record(record)) = follow.next(&CallOptions::new()).unwrap() else {
            panic!("a record");
        };
        assert_eq!(record.bytes, expected.as_bytes());
    }
    // It waits, and is notified.
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| follow.next(&CallOptions::new()).unwrap());
        journal.append(b"4").unwrap();
        assert!(matches!(
            waiting.join().unwrap(),
            Some(FollowItem::Record(_))
        ));
    });
    state
        .update(|old| Ok([old.unwrap_or(b""), b"1"].concat()))
        .unwrap();
    let mut tx = session.transaction().unwrap();
    tx.save("state.json", b"2").unwrap();
    tx.append("session.jsonl", ["5"]).unwrap();
    tx.commit().unwrap();
    assert_eq!(
        journal.rotate().unwrap().as_deref(),
        Some("session_1.jsonl")
    );
    assert_eq!(state.load().unwrap().0, b"2");
    drop(lease);
    other.claim("other").unwrap().release().unwrap();
    let kept = session.journal_named("session_1.jsonl").unwrap();
    assert_eq!(texts(&kept), ["1", "2", "3", "4", "5"]);
}

#[test]
fn a_lease_that_a_task_drops_is_released() {
    let store = store();
    let open = || {
        let hour = options().ttl(Duration::from_secs(3600));
        hour.open(pool(&store.dir), &store.schema).unwrap()
    };
    let lease = open().session("k").unwrap().claim("dropped").unwrap();
    // tokio panics where a task waits for another one.
    runtime().block_on(async move { drop(lease) });
    let in_time = CallOptions::new().timeout(Some(Duration::from_secs(60)));
    let next = open().session("k").unwrap().claim_with("next", &in_time);
    assert!(next.unwrap().previous().is_none());
}

/// The pool `deadpool_postgres`, of two clients.
fn deadpool(config: &Config) -> TokioConnections {
    use deadpool_postgres::{Manager, Object, Pool};
    let manager = Manager::new(config.clone(), NoTls);
    let pool = Pool::builder(manager).max_size(2).build().unwrap();
    let connect = move || {
        let pool = pool.clone();
        async move { pool.get().await }
    };
    let own = config.clone();
    let handle = runtime().handle().clone();
    TokioConnections::new(handle, connect, |client: &Object| client).with_own(move || {
        let config = own.clone();
        async move { config.connect(NoTls).await }
    })
}

#[test]
fn deadpool_carries_the_verbs() {
    let store = store();
    let mut config = Config::new();
    config
        .host_path(&store.dir)
        .user("untorn")
        .dbname("postgres");
    let sessions = options().open(deadpool(&config), &store.schema).unwrap();
    // More callers than the pool has clients.
    std::thread::scope(|threads| {
        for writer in 0..6 {
            let sessions = &sessions;
            threads.spawn(move || {
                let session = sessions.session(&format!("k{writer}")).unwrap();
                let lease = session.claim("owner").unwrap();
                let journal = session.journal().unwrap();
                let mut follow = journal.follow(None).unwrap();
                for n in 0..5 {
                    journal.append(n.to_string().as_bytes()).unwrap();
                }
                for _ in 0..5 {
                    let item = follow.next(&CallOptions::new()).unwrap();
                    assert!(matches!(item, Some(FollowItem::Record(_))));
                }
                lease.release().unwrap();
            });
        }
    });
    assert_eq!(sessions.keys().unwrap().len(), 6);
    // The pool wraps the driver's error, and says the same.
    config.user("nobody");
    let patient = options().patience(Duration::from_secs(3600));
    let error = patient.open(deadpool(&config), &store.schema).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
}

#[test]
fn calls_from_tasks_that_may_wait_and_a_server_that_restarts() {
    let mut server = Server::start();
    untorn_postgres::migrate(&mut server.connect().unwrap(), "store").unwrap();
    let patient = options().patience(Duration::from_secs(120));
    let sessions = patient.open(pool(&server.dir), "store").unwrap();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let journal = sessions.session("k").unwrap().journal().unwrap();
            runtime().spawn_blocking(move || {
                for n in 0..30 {
                    let record = (writer * 30 + n).to_string();
                    journal.append(record.as_bytes()).unwrap();
                }
            })
        })
        .collect();
    let journal = sessions.session("k").unwrap().journal().unwrap();
    while journal.records().unwrap().count() < 20 {
        // The writers report nothing.
        std::thread::sleep(Duration::from_millis(2));
    }
    server.kill();
    server.run();
    for writer in writers {
        runtime().block_on(writer).unwrap();
    }
    let mut found: Vec<u32> = texts(&journal)
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    found.sort_unstable();
    assert_eq!(found, (0..120).collect::<Vec<_>>());
}
