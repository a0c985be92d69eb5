//! The steps on transactions.

use serde_json::Value;
use untorn::{Error, Transaction};

use super::arguments::{durability, timeout};
use super::data::bytes;
use super::options;
use super::outcome::Outcome;
use super::steps::{Handle, Stage};

type Result<T> = std::result::Result<T, Error>;

impl Stage {
    pub fn transaction_step(&mut self, step: &Value) -> Result<Outcome> {
        let op = step["op"].as_str().expect("op");
        if op == "transaction" {
            let transaction = Transaction::options()
                .durability(durability(step))
                .timeout(timeout(step))
                .parents(step["parents"].as_bool().unwrap_or(false))
                .journals(options::journal(step))
                .begin(self.path(step))?;
            self.add(step, Handle::Transaction(Box::new(transaction)));
            return Ok(Outcome::default());
        }
        let transaction = self.transaction(step);
        if op == "commit" {
            transaction.commit()?;
            return Ok(Outcome::default());
        }
        if op == "rollback" {
            transaction.rollback();
            return Ok(Outcome::default());
        }
        let name = step["name"].as_str().expect("name");
        match op {
            "tx_load" => Ok(Outcome {
                value: Some(transaction.load(name)?.map(|(bytes, _)| bytes)),
                ..Outcome::default()
            }),
            "tx_save" => Ok(transaction.save(name, &bytes(&step["bytes"]))?.into()),
            "tx_create" => Ok(transaction.create(name, &bytes(&step["bytes"]))?.into()),
            "tx_append" => {
                let records = step["records"].as_array().expect("records");
                transaction.append(name, records.iter().map(bytes))?;
                Ok(Outcome::default())
            }
            "tx_set_header" => {
                transaction.set_header(name, &bytes(&step["bytes"]))?;
                Ok(Outcome::default())
            }
            "tx_remove" => Ok(Outcome {
                removed: Some(transaction.remove(name)?),
                ..Outcome::default()
            }),
            _ => panic!("no such op: {op}"),
        }
    }

    fn transaction(&mut self, step: &Value) -> &mut Transaction {
        match self.handle_mut(step) {
            Handle::Transaction(transaction) => transaction,
            _ => panic!("not a transaction: {step}"),
        }
    }
}
