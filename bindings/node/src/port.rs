//! The calls that one event loop waits for.

mod function;

use std::cell::{Cell, OnceCell};
use std::path::Path;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::{Float64Array, FnArgs, Function, FunctionRef, ToNapiValue};
use napi::{Env, sys};
use napi_derive::napi;

use untorn::Error;
use untorn::tasks::{EventLoop, Outcome, Task, TaskQueue};

use crate::failure;
use crate::news::News;
use crate::postgres::Statements;
use crate::waker::Waker;

type Settle = FnArgs<(u32, Option<String>, Raw)>;
type Numbers = FnArgs<(Float64Array,)>;
type Tell = FnArgs<(Vec<String>, bool)>;

/// A value that is made already.
pub struct Raw(sys::napi_value);

impl ToNapiValue for Raw {
    unsafe fn to_napi_value(_: sys::napi_env, raw: Raw) -> napi::Result<sys::napi_value> {
        Ok(raw.0)
    }
}

/// Makes the JavaScript value, on the event loop's thread.
pub type Finish = Box<dyn FnOnce(&Rc<Inner>) -> napi::Result<sys::napi_value> + Send>;

impl EventLoop for Waker {
    type Value = Finish;
    /// As `failure.rs` writes it.
    type Failure = String;
    /// Whether the call keeps the process alive. JavaScript has the promise.
    type Promise = bool;

    fn wake(&self) -> bool {
        Waker::wake(self)
    }

    fn failure(error: Error) -> String {
        failure::of(&error)
    }
}

/// The calls of one event loop, and the way back to it. Lives until the
/// environment (the main thread, or one worker) ends.
pub struct Inner {
    env: sys::napi_env,
    tasks: Arc<TaskQueue<Waker>>,
    waker: OnceCell<Arc<Waker>>,
    news: OnceCell<Arc<News>>,
    /// Of stores in databases, from the first one on.
    statements: OnceCell<Statements>,
    function: Cell<sys::napi_threadsafe_function>,
    /// How many calls keep the process alive.
    pending: Cell<usize>,
    settle: FunctionRef<Settle, ()>,
    settle_appends: FunctionRef<Numbers, ()>,
    tell: FunctionRef<Tell, ()>,
    report: FunctionRef<Numbers, ()>,
}

#[napi]
pub struct Port(Rc<Inner>);

#[napi]
impl Port {
    /// `settle(id, failure, value)` is called when a call has ended, and
    /// `settleAppends([id, generation, offset, ...])` for appends that did well.
    /// `tell(events, isFirst)` is called with the library's events, and
    /// `report([id, done, total, ...])` with the progress of calls.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        settle: Function<'_, Settle, ()>,
        settle_appends: Function<'_, Numbers, ()>,
        tell: Function<'_, Tell, ()>,
        report: Function<'_, Numbers, ()>,
    ) -> napi::Result<Port> {
        let inner = Rc::new(Inner {
            env: env.raw(),
            tasks: TaskQueue::new(),
            waker: OnceCell::new(),
            news: OnceCell::new(),
            statements: OnceCell::new(),
            function: Cell::new(ptr::null_mut()),
            pending: Cell::new(0),
            settle: settle.create_ref()?,
            settle_appends: settle_appends.create_ref()?,
            tell: tell.create_ref()?,
            report: report.create_ref()?,
        });
        inner.open(&env)?;
        // After the function's own hook, so it runs before it.
        env.add_env_cleanup_hook(Rc::clone(&inner), |inner| inner.close())?;
        Ok(Port(inner))
    }

    /// Ends the wait of a call.
    #[napi(catch_unwind)]
    pub fn cancel(&self, id: u32) {
        if let Some(task) = self.0.tasks.task(id) {
            task.cancel();
        }
    }

    /// The call has a time limit: `expire` ends its wait then.
    #[napi(catch_unwind)]
    pub fn limit(&self, id: u32) {
        if let Some(task) = self.0.tasks.task(id) {
            task.limit();
        }
    }

    /// Ends the wait of a call whose time is up.
    #[napi(catch_unwind)]
    pub fn expire(&self, id: u32, timeout: f64) {
        if let Some(task) = self.0.tasks.task(id) {
            let limit = Duration::try_from_secs_f64(timeout / 1e3);
            task.expire(limit.unwrap_or(Duration::MAX));
        }
    }

    /// The process need not stay alive for this call any more, or has to again.
    #[napi(catch_unwind)]
    pub fn keep_alive(&self, id: u32, keeps_alive: bool) {
        self.0.keep_alive(id, keeps_alive);
    }

    pub fn inner(&self) -> &Rc<Inner> {
        &self.0
    }
}

impl Inner {
    pub fn env(&self) -> Env {
        Env::from_raw(self.env)
    }

    /// A new call. While there is one, the process stays alive.
    pub fn begin(&self, operation: &'static str, path: &Arc<Path>) -> Arc<Task<Waker>> {
        self.count_up();
        self.tasks.begin(operation, path, Some(true))
    }

    fn count_up(&self) {
        if self.pending.replace(self.pending.get() + 1) == 0 {
            // SAFETY: on the event loop's own thread, and not closed, since a
            // call has just been made.
            unsafe { sys::napi_ref_threadsafe_function(self.env, self.function.get()) };
        }
    }

    fn keep_alive(&self, id: u32, keeps_alive: bool) {
        let did = self
            .tasks
            .with_promise(id, |did| std::mem::replace(did, keeps_alive));
        match (did, keeps_alive) {
            (Some(false), true) => self.count_up(),
            (Some(true), false) => {
                self.pending.set(self.pending.get() - 1);
                self.let_go_if_idle();
            }
            _ => {}
        }
    }

    fn let_go_if_idle(&self) {
        if self.pending.get() == 0 {
            // SAFETY: on the event loop's own thread, called by JavaScript or by
            // this function.
            unsafe { sys::napi_unref_threadsafe_function(self.env, self.function.get()) };
        }
    }

    fn end(&self, id: u32) {
        let keeps_alive = self.tasks.end(id).and_then(|ended| ended.promise);
        if keeps_alive == Some(true) {
            self.pending.set(self.pending.get() - 1);
        }
    }

    /// Settles the promises of all that has ended.
    fn settle_all(self: &Rc<Inner>) -> napi::Result<()> {
        let env = self.env();
        let mut appended: Vec<f64> = Vec::new();
        let outcomes = self.tasks.take(usize::MAX);
        // After the outcomes: what their calls reported last is there by now. It is
        // passed on before the calls are settled.
        self.pass_on_news(&env)?;
        for (id, outcome) in outcomes {
            self.end(id);
            if let Outcome::Appended(position) = outcome {
                // All three are below 2^53.
                #[allow(clippy::cast_precision_loss)]
                appended.extend([
                    f64::from(id),
                    position.generation as f64,
                    position.offset as f64,
                ]);
                continue;
            }
            // In the order in which they ended.
            self.settle_appends(&env, std::mem::take(&mut appended))?;
            let (failure, value) = match outcome {
                Outcome::Failed(failure) => (Some(failure), Raw(ptr::null_mut())),
                Outcome::Done(finish) => match finish(self) {
                    Ok(value) => (None, Raw(value)),
                    Err(error) => (Some(failure::bug(&error.reason)), Raw(ptr::null_mut())),
                },
                Outcome::Appended(_) => continue,
            };
            let value = if value.0.is_null() {
                // SAFETY: a live environment, on its own thread.
                Raw(unsafe { ToNapiValue::to_napi_value(self.env, ())? })
            } else {
                value
            };
            self.settle
                .borrow_back(&env)?
                .call((id, failure, value).into())?;
        }
        self.settle_appends(&env, appended)?;
        if let Some(statements) = self.statements.get() {
            statements.pass_on(&env)?;
        }
        self.let_go_if_idle();
        Ok(())
    }

    fn pass_on_news(&self, env: &Env) -> napi::Result<()> {
        let Some(news) = self.news.get() else {
            return Ok(());
        };
        let progress = news.progress();
        if !progress.is_empty() {
            let progress = Float64Array::new(progress);
            self.report.borrow_back(env)?.call((progress,).into())?;
        }
        let events = news.events();
        if !events.is_empty() {
            let is_first = news.is_first();
            self.tell
                .borrow_back(env)?
                .call((events, is_first).into())?;
        }
        Ok(())
    }

    /// Has this loop carry statements. A second bridge changes nothing.
    pub fn carry_statements(&self, statements: Statements) {
        let _ = self.statements.set(statements);
    }

    pub fn statements(&self) -> napi::Result<&Statements> {
        let bridge = self.statements.get();
        bridge.ok_or_else(|| napi::Error::from_reason(failure::bug("no bridge carries statements")))
    }

    pub fn waker(&self) -> napi::Result<Arc<Waker>> {
        let waker = self.waker.get().map(Arc::clone);
        waker.ok_or_else(|| napi::Error::from_reason(failure::bug("the event loop is not open")))
    }

    pub fn news(&self) -> Option<Arc<News>> {
        self.news.get().map(Arc::clone)
    }

    fn settle_appends(&self, env: &Env, appended: Vec<f64>) -> napi::Result<()> {
        if appended.is_empty() {
            return Ok(());
        }
        self.settle_appends
            .borrow_back(env)?
            .call((Float64Array::new(appended),).into())
    }

    /// The environment ends, perhaps in the middle of waits.
    fn close(&self) {
        if let Some(waker) = self.waker.get() {
            waker.close();
        }
        self.tasks.close();
        if let Some(statements) = self.statements.get() {
            statements.close();
        }
    }
}
