//! A connection that a lease keeps.

use std::sync::{Arc, Mutex, PoisonError};

use crate::driver::{Connection, Driver, Failure, Param, Row};

/// A connection that a lease keeps. It is opened again if it breaks before the claim
/// has its answer.
pub(crate) struct OwnConnection {
    pub driver: Arc<dyn Driver>,
    pub open: Mutex<Option<Box<dyn Connection>>>,
}

impl Driver for OwnConnection {
    fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match &mut *open {
            Some(connection) => connection,
            None => {
                let none = || {
                    Err(Failure::NoConnection(
                        "the driver has no own connections".into(),
                    ))
                };
                let new = self.driver.own_connection().unwrap_or_else(none)?;
                open.insert(new)
            }
        };
        let answer = connection.query(sql, params);
        if matches!(answer, Err(Failure::NoAnswer(_))) {
            *open = None;
        }
        answer
    }
}
