//! A client that keeps its statements prepared.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};

use postgres::{Client, Error, Row, Statement};

use crate::driver::Param;
use crate::typed;

/// A client for [`crate::Connections::prepared`]. A pool keeps it instead of the client.
pub struct Prepared {
    pub(crate) client: Client,
    pub(crate) statements: Statements,
}

impl From<Client> for Prepared {
    fn from(client: Client) -> Prepared {
        Prepared {
            client,
            statements: Statements::default(),
        }
    }
}

impl Deref for Prepared {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Prepared {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

/// The statements of one client, by their SQL.
#[derive(Default)]
pub(crate) struct Statements(HashMap<String, Statement>);

impl Statements {
    pub fn query(
        &mut self,
        client: &mut Client,
        sql: &str,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, Error> {
        let typed = typed::parameters(params);
        let statement = match self.0.get(sql) {
            Some(statement) => statement.clone(),
            None => {
                let types: Vec<_> = typed.iter().map(|(_, of)| of.clone()).collect();
                let statement = client.prepare_typed(sql, &types)?;
                self.0.insert(sql.to_owned(), statement.clone());
                statement
            }
        };
        let values: Vec<_> = typed.iter().map(|(value, _)| *value).collect();
        match client.query(&statement, &values) {
            // The caller deallocated it, or a migration changed what it returns. It was not
            // carried out.
            Err(error)
                if matches!(
                    error.code().map(|code| code.code()),
                    Some("26000" | "0A000")
                ) =>
            {
                self.0.remove(sql);
                client.query_typed(sql, &typed)
            }
            done => done,
        }
    }
}
