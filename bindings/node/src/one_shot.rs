//! Calls without a handle. One job of an asynchronous call opens the file and does
//! the work, so that calls on one path keep their order.

use std::path::Path;
use std::sync::Arc;

use napi::bindgen_prelude::{Either, Uint8Array};
use napi_derive::napi;
use untorn::CallOptions;
use untorn::tasks::Order;

use crate::call::blocking;
use crate::document::Contents;
use crate::failure::told;
use crate::port::Port;
use crate::values::{OpenOptions, Position, expect};

#[napi]
impl Port {
    #[napi(catch_unwind)]
    pub fn save_once(
        &self,
        path: String,
        options: OpenOptions,
        bytes: &[u8],
        expected: Option<String>,
        try_once: bool,
    ) -> napi::Result<u32> {
        let path: Arc<Path> = Path::new(&path).into();
        let expected = expect(expected.as_deref(), "save", &path)?;
        let options = options.document(&path)?;
        let (target, bytes) = (Arc::clone(&path), bytes.to_vec());
        Ok(self.inner().run(
            Order::of(&path, None),
            ("save", &path),
            try_once,
            move |call| options.open(&target)?.save_with(&bytes, expected, call),
            |_, version| version.to_string(),
        ))
    }

    #[napi(catch_unwind)]
    pub fn save_once_sync(
        &self,
        path: String,
        options: OpenOptions,
        bytes: &[u8],
        expected: Option<String>,
        timeout: f64,
    ) -> napi::Result<String> {
        let path = Path::new(&path);
        let expected = expect(expected.as_deref(), "save", path)?;
        let call = blocking(timeout, None);
        let document = told(options.document(path)?.open(path))?;
        told(document.save_with(bytes, expected, &call)).map(|version| version.to_string())
    }

    #[napi(catch_unwind)]
    pub fn load_once_sync(&self, path: String) -> napi::Result<Contents> {
        told(untorn::load(path)).map(Contents::from)
    }

    #[napi(catch_unwind)]
    pub fn load_once(&self, path: String) -> u32 {
        let path: Arc<Path> = Path::new(&path).into();
        let source = Arc::clone(&path);
        self.inner().run(
            Order::Read,
            ("load", &path),
            false,
            move |_| untorn::load(&source),
            |_, contents| Contents::from(contents),
        )
    }

    /// `encoded`: `JSON.stringify` just made the record.
    #[napi(catch_unwind)]
    pub fn append_once(
        &self,
        path: String,
        options: OpenOptions,
        record: Uint8Array,
        encoded: bool,
        try_once: bool,
    ) -> napi::Result<u32> {
        let path: Arc<Path> = Path::new(&path).into();
        let options = options.journal(&path)?;
        let (target, record) = (Arc::clone(&path), record.to_vec());
        Ok(self.inner().run(
            Order::of(&path, None),
            ("append", &path),
            try_once,
            move |call| append(&options.open(&target)?, &record, encoded, call),
            |_, position| Position::from(position),
        ))
    }

    #[napi(catch_unwind)]
    pub fn append_once_sync(
        &self,
        path: String,
        options: OpenOptions,
        record: Either<String, &[u8]>,
        encoded: bool,
        timeout: f64,
    ) -> napi::Result<Position> {
        let path = Path::new(&path);
        let journal = told(options.journal(path)?.open(path))?;
        let record = match &record {
            Either::A(text) => text.as_bytes(),
            Either::B(bytes) => bytes,
        };
        let call = blocking(timeout, None);
        told(append(&journal, record, encoded, &call)).map(Position::from)
    }
}

/// `encoded`: `JSON.stringify` just made the record.
fn append(
    journal: &untorn::Journal,
    record: &[u8],
    encoded: bool,
    call: &CallOptions<'_>,
) -> untorn::Result<untorn::Position> {
    let mut batch = journal.batch();
    if encoded {
        batch.push_encoded(record)?;
    } else {
        batch.push(record)?;
    }
    journal.append_batch(&batch, None, call)
}
