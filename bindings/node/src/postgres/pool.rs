//! The caller's pool, as the crate `untorn-postgres` sees it.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use untorn_postgres::{Connection, Driver, Failure, Param, Row};

use super::bridge::{Ask, Bridge, Heard};
use super::text::Sent;
use crate::port::Inner;

/// A pool that JavaScript knows by this number.
pub struct Pool {
    pub bridge: Arc<Bridge>,
    pub number: u32,
    /// Whether it can open a connection beside its own.
    pub has_own: bool,
}

impl Pool {
    pub fn of(port: &Rc<Inner>, number: u32, has_own: bool) -> napi::Result<Pool> {
        Ok(Pool {
            bridge: Arc::clone(port.statements()?.bridge()),
            number,
            has_own,
        })
    }
}

impl Driver for Pool {
    fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        self.bridge
            .ask(|id| statement(id, self.number, None, sql, params))
    }

    /// The collection of garbage drops handles on the event loop.
    fn may_wait_here(&self) -> bool {
        !self.bridge.is_here()
    }

    fn own_connection(&self) -> Option<Result<Box<dyn Connection>, Failure>> {
        if !self.has_own {
            return None;
        }
        let number = self.bridge.number();
        let own = Own {
            heard: self.bridge.listen(number),
            bridge: Arc::clone(&self.bridge),
            pool: self.number,
            number,
        };
        let opened = self.bridge.ask(|id| Ask {
            connection: Some(number),
            ..Ask::of("connect", id, self.number)
        });
        // If it failed, the drop of `own` forgets the number.
        Some(opened.map(|_| Box::new(own) as Box<dyn Connection>))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.bridge.send(Ask::of("forget", 0, self.number));
    }
}

fn statement(id: u32, pool: u32, connection: Option<u32>, sql: &str, params: &[Param<'_>]) -> Ask {
    Ask {
        connection,
        sql: sql.to_owned(),
        params: params.iter().map(Sent::from).collect(),
        ..Ask::of("query", id, pool)
    }
}

/// A connection that the library keeps.
struct Own {
    bridge: Arc<Bridge>,
    pool: u32,
    number: u32,
    heard: Arc<Heard>,
}

impl Connection for Own {
    fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        self.bridge
            .ask(|id| statement(id, self.pool, Some(self.number), sql, params))
    }

    fn notifications(&mut self, wait: Duration) -> Result<Vec<String>, Failure> {
        let heard = self.heard.wait(wait);
        heard.ok_or_else(|| Failure::NoAnswer("the connection that listens broke".into()))
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.bridge.forget_connection(self.number);
        self.bridge.send(Ask {
            connection: Some(self.number),
            ..Ask::of("disconnect", 0, self.pool)
        });
    }
}
