//! A failover to a synchronous standby loses nothing that was acknowledged.

use crate::client::{append, read_all};
use crate::crash::Writers;
use crate::server::Server;

/// A standby of this server, which waits for it from now on.
pub fn synchronous_standby(first: &Server) -> Server {
    let mut client = first.connect().unwrap();
    let standby = first.standby();
    let wait = "select count(*) from pg_stat_replication where sync_state = 'sync'";
    client
        .batch_execute("alter system set synchronous_standby_names = '*'")
        .unwrap();
    client.batch_execute("select pg_reload_conf()").unwrap();
    while client.query_one(wait, &[]).unwrap().get::<_, i64>(0) == 0 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    standby
}

#[test]
fn what_was_acknowledged_survives_a_failover_once() {
    let mut first = Server::start();
    let mut client = first.connect().unwrap();
    untorn_postgres::migrate(&mut client, "store").unwrap();
    let mut standby = synchronous_standby(&first);
    // A standby reads, though it can't make durable what it sees.
    client.batch_execute("set search_path = store").unwrap();
    append(&mut client, "seen", b"1\n");
    let mut reader = standby.connect().unwrap();
    reader.batch_execute("set search_path = store").unwrap();
    while read_all(&mut reader, "seen", "session.jsonl", 10).is_none() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }

    let writers = Writers::start(&first.dir);
    writers.until_acknowledged(300);
    first.kill();
    standby.promote();
    writers.go_to(&standby.dir);
    writers.until_acknowledged(50);
    writers.check(&mut standby.connect().unwrap());
}
