//! The beginning of a transaction.

use std::path::Path;
use std::sync::Arc;

use napi_derive::napi;
use untorn::CallOptions;
use untorn::tasks::Order;

use super::Transaction;
use crate::failure::told;
use crate::port::Port;
use crate::values::{OpenOptions, patience};

#[napi(object)]
pub struct TransactionOptions {
    pub durability: Option<String>,
    pub mode: Option<u32>,
    pub parents: Option<bool>,
    /// How the journals of the directory are opened.
    pub journals: Option<OpenOptions>,
}

impl TransactionOptions {
    fn options(&self, dir: &Path) -> napi::Result<untorn::TransactionOptions> {
        let shared = OpenOptions {
            durability: self.durability.clone(),
            ..OpenOptions::default()
        };
        let options = untorn::Transaction::options()
            .durability(shared.durability(dir)?)
            .mode(self.mode)
            .parents(self.parents.unwrap_or_default());
        Ok(match &self.journals {
            Some(journals) => options.journals(journals.journal(dir)?),
            None => options,
        })
    }
}

#[napi]
impl Port {
    #[napi(catch_unwind)]
    pub fn begin_transaction_sync(
        &self,
        dir: String,
        options: TransactionOptions,
        timeout: f64,
    ) -> napi::Result<Transaction> {
        let options = options.options(Path::new(&dir))?;
        let call = CallOptions::new().timeout(patience(timeout));
        told(options.begin_with(&dir, &call)).map(|begun| Transaction::new(self.inner(), begun))
    }

    #[napi(catch_unwind)]
    pub fn begin_transaction(
        &self,
        dir: String,
        options: TransactionOptions,
        try_once: bool,
    ) -> napi::Result<u32> {
        let dir: Arc<Path> = Path::new(&dir).into();
        let options = options.options(&dir)?;
        let given = Arc::clone(&dir);
        Ok(self.inner().hold(
            Order::File(dir.join("transaction")),
            ("begin", &dir),
            try_once,
            move |call| options.begin_with(&given, call),
            Transaction::new,
        ))
    }
}
