//! The records of one append.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use napi::bindgen_prelude::{Either, Uint8Array};
use napi_derive::napi;
use untorn::Error;

use crate::failure;

#[napi]
pub struct Batch {
    path: Arc<Path>,
    batch: RefCell<Option<untorn::Batch>>,
}

impl Batch {
    pub fn new(path: &Arc<Path>, batch: untorn::Batch) -> Batch {
        Batch {
            path: Arc::clone(path),
            batch: RefCell::new(Some(batch)),
        }
    }

    /// Takes the records out of the batch.
    pub fn take(&self) -> napi::Result<untorn::Batch> {
        self.batch.take().ok_or_else(|| self.used())
    }

    fn add(&self, add: impl FnOnce(&mut untorn::Batch) -> untorn::Result<()>) -> napi::Result<()> {
        match &mut *self.batch.borrow_mut() {
            Some(batch) => add(batch).map_err(|error| failure::thrown(&error)),
            None => Err(self.used()),
        }
    }

    fn used(&self) -> napi::Error {
        failure::thrown(&Error::internal(
            "append",
            &self.path,
            "a batch is used twice",
        ))
    }
}

#[napi]
impl Batch {
    /// Adds a record from anywhere, after checking it.
    #[napi(catch_unwind)]
    pub fn push(&self, record: Either<String, Uint8Array>) -> napi::Result<()> {
        self.add(|batch| match &record {
            Either::A(text) => batch.push(text.as_bytes()),
            Either::B(bytes) => batch.push(bytes),
        })
    }

    /// Adds records that `JSON.stringify` just made, with newlines between them.
    /// Its output never contains a newline.
    #[napi(catch_unwind)]
    pub fn push_encoded(&self, records: String) -> napi::Result<()> {
        self.add(|batch| {
            records
                .split('\n')
                .try_for_each(|record| batch.push_encoded(record.as_bytes()))
        })
    }

    /// Sets the header that the journal receives in the same step.
    #[napi(catch_unwind)]
    pub fn set_header(&self, header: Either<String, Uint8Array>) -> napi::Result<()> {
        self.add(|batch| match &header {
            Either::A(text) => batch.set_header(text.as_bytes()),
            Either::B(bytes) => batch.set_header(bytes),
        })
    }
}
