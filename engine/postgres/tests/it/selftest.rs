//! What a server, or a pooler before it, lacks.

use std::sync::{Arc, Mutex};

use untorn_postgres::{Check, Connection, Driver, Failure, Param, Row, selftest};

use crate::sessions::pool;
use crate::store::store;

fn failed(checks: &[Check]) -> Vec<&str> {
    let failed = checks.iter().filter(|check| !check.ok);
    failed.map(|check| check.name.as_str()).collect()
}

/// Lends one server connection to all, as a pooler in transaction mode does when
/// nothing else is at work, and passes no notification on.
#[derive(Clone)]
struct Pooler(Arc<Mutex<Box<dyn Connection>>>);

impl Driver for Pooler {
    fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        self.0.lock().unwrap().query(sql, params)
    }

    fn own_connection(&self) -> Option<Result<Box<dyn Connection>, Failure>> {
        Some(Ok(Box::new(self.clone())))
    }
}

impl Connection for Pooler {
    fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        self.0.lock().unwrap().query(sql, params)
    }

    fn notifications(&mut self, _: std::time::Duration) -> Result<Vec<String>, Failure> {
        Ok(Vec::new())
    }
}

#[test]
fn a_server_has_all_and_a_pooler_lacks_what_belongs_to_a_connection() {
    let store = store();
    let checks = selftest(pool(&store.dir), &store.schema).unwrap();
    assert!(failed(&checks).is_empty(), "{checks:?}");
    let connection = pool(&store.dir).own_connection().unwrap().ok().unwrap();
    let pooler = Pooler(Arc::new(Mutex::new(connection)));
    let checks = selftest(pooler.clone(), &store.schema).unwrap();
    assert_eq!(
        failed(&checks),
        ["own connection", "advisory locks", "notifications"]
    );
    // A pool whose connections are within transactions.
    pooler.query("begin", &[]).ok().unwrap();
    let checks = selftest(pooler, &store.schema).unwrap();
    assert!(
        failed(&checks).contains(&"statements outside of transactions"),
        "{checks:?}"
    );
    let missing = selftest(pool(&store.dir), "nowhere").unwrap_err();
    assert_eq!(missing.kind(), untorn::ErrorKind::NotFound);
}
