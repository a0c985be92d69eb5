//! Appends to a journal.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{Function, FunctionCallContext, ToNapiValue};
use napi_derive::napi;
use untorn::tasks::{Order, Outcome};
use untorn::{CallOptions, Error};

use crate::batch::Batch;
use crate::call::{How, blocking};
use crate::failure;
use crate::journal::{Handle, Journal};
use crate::lock::Lock;
use crate::values::{Position, out, patience};

impl Handle {
    /// Returns a position as one number, which costs nothing to hand over: the
    /// offset. If the generation differs from the last one returned, it is the
    /// offset's complement.
    fn place(&self, result: untorn::Result<untorn::Position>) -> napi::Result<f64> {
        match result {
            Ok(position) if position.generation == self.generation.get() => {
                Ok(out(position.offset))
            }
            Ok(position) => {
                self.generation.set(position.generation);
                Ok(-1.0 - out(position.offset))
            }
            Err(error) => Err(failure::thrown(&error)),
        }
    }

    fn encoded(&self, record: String) -> napi::Result<untorn::Batch> {
        let mut batch = self.journal.batch();
        batch
            .push_encoded_owned(record.into_bytes())
            .map_err(|error| failure::thrown(&error))?;
        Ok(batch)
    }

    fn queue(&self, batch: untorn::Batch, at: Option<untorn::Position>, try_once: bool) -> u32 {
        let task = self.port.begin("append", &self.path);
        let id = task.id();
        if self.closed.get() {
            task.complete(Err(self.refused("append")));
            return id;
        }
        // The journal has a queue of its own.
        task.start();
        let token = task.token().clone();
        self.journal.append_queued(
            batch,
            at,
            Some(try_once.then_some(Duration::ZERO)),
            Some(token),
            move |result| task.complete(result.map(Outcome::Appended)),
        );
        id
    }

    fn refused(&self, operation: &'static str) -> Error {
        Error::invalid_argument(operation, &self.path, "the journal is closed")
    }

    fn at(&self, at: Option<Position>) -> napi::Result<Option<untorn::Position>> {
        at.map(|at| at.get("append", &self.path)).transpose()
    }
}

#[napi]
impl Journal {
    /// The generation of the last position that was returned as a number.
    #[napi(getter, catch_unwind)]
    pub fn generation(&self) -> f64 {
        out(self.generation.get())
    }

    /// `append(text)`: appends a record that `JSON.stringify` just made. Returns
    /// the call's number.
    #[napi(catch_unwind, ts_return_type = "(record: string) => number")]
    pub fn bound_append<'env>(&self, env: &'env Env) -> napi::Result<Bound<'env, u32>> {
        bind(env, "append", self.handle(), |handle, arguments| {
            let batch = handle.encoded(arguments.get(0)?)?;
            Ok(handle.queue(batch, None, false))
        })
    }

    /// `appendSync(text, timeout)`: the same, blocking.
    #[napi(
        catch_unwind,
        ts_return_type = "(record: string, timeout: number) => number"
    )]
    pub fn bound_append_sync<'env>(&self, env: &'env Env) -> napi::Result<Bound<'env, f64>> {
        bind(env, "appendSync", self.handle(), |handle, arguments| {
            let batch = handle.encoded(arguments.get(0)?)?;
            let call = CallOptions::new().timeout(patience(arguments.get(1)?));
            handle.place(handle.journal.append_batch(&batch, None, &call))
        })
    }

    /// `appendRawSync(bytes, timeout)`: appends a record from anywhere.
    #[napi(
        catch_unwind,
        ts_return_type = "(record: Uint8Array, timeout: number) => number"
    )]
    pub fn bound_append_raw_sync<'env>(&self, env: &'env Env) -> napi::Result<Bound<'env, f64>> {
        bind(env, "appendRawSync", self.handle(), |handle, arguments| {
            let record: &[u8] = arguments.get(0)?;
            let call = CallOptions::new().timeout(patience(arguments.get(1)?));
            handle.place(handle.journal.append_with(record, &call))
        })
    }

    /// `appendTextSync(text, timeout)`: the same for text.
    #[napi(
        catch_unwind,
        ts_return_type = "(record: string, timeout: number) => number"
    )]
    pub fn bound_append_text_sync<'env>(&self, env: &'env Env) -> napi::Result<Bound<'env, f64>> {
        bind(env, "appendRawSync", self.handle(), |handle, arguments| {
            let record: String = arguments.get(0)?;
            let call = CallOptions::new().timeout(patience(arguments.get(1)?));
            handle.place(handle.journal.append_with(record.as_bytes(), &call))
        })
    }

    #[napi(catch_unwind)]
    pub fn batch(&self) -> Batch {
        Batch::new(&self.path, self.journal.batch())
    }

    #[napi(catch_unwind)]
    pub fn append_batch_sync(
        &self,
        batch: &Batch,
        at: Option<Position>,
        timeout: f64,
        lock: Option<&Lock>,
    ) -> napi::Result<f64> {
        let at = self.at(at)?;
        let call = blocking(timeout, lock);
        self.place(self.journal.append_batch(&batch.take()?, at, &call))
    }

    #[napi(catch_unwind)]
    pub fn append_batch(
        &self,
        batch: &Batch,
        at: Option<Position>,
        try_once: bool,
        lock: Option<&Lock>,
    ) -> napi::Result<u32> {
        let at = self.at(at)?;
        let batch = batch.take()?;
        let Some(lock) = lock else {
            return Ok(self.queue(batch, at, try_once));
        };
        let journal = Arc::clone(&self.journal);
        Ok(self.port.place(
            Order::under(lock.guard()),
            ("append", &self.path),
            How::new(try_once, Some(lock)),
            move |call| journal.append_batch(&batch, at, call),
            |_, position| Position::from(position),
        ))
    }
}

type Bound<'env, R> = Function<'env, (), R>;

/// Makes a function that contains the handle. To find the handle of an object
/// costs 0.2 microseconds, a sixth of an append.
fn bind<'env, R: ToNapiValue>(
    env: &'env Env,
    name: &str,
    handle: &Rc<Handle>,
    work: impl Fn(&Handle, &FunctionCallContext<'_>) -> napi::Result<R> + 'static,
) -> napi::Result<Bound<'env, R>> {
    let handle = Rc::clone(handle);
    // Panics are caught there.
    env.create_function_from_closure(name, move |arguments| work(&handle, &arguments))
}
