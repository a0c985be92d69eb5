//! One asynchronous call: its work, and how it is ended.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use napi::bindgen_prelude::ToNapiValue;
use untorn::{Caller, CancelToken, Error, ErrorKind, background};

use crate::failure;
use crate::line::{Line, Outcome};
use crate::lock::Lock;
use crate::port::Inner;
use crate::values::patience;

/// Its work stands behind that of other calls, which have to go first.
const QUEUED: u8 = 0;
const STARTED: u8 = 1;
const OVER: u8 = 2;

/// One asynchronous call.
pub struct Call {
    id: u32,
    line: Arc<Line>,
    operation: &'static str,
    path: Arc<Path>,
    token: CancelToken,
    stage: AtomicU8,
    /// Its time is up: what ends it is not the caller's change of mind.
    expired: AtomicBool,
    timeout: std::sync::OnceLock<Duration>,
}

impl Call {
    pub fn new(id: u32, line: Arc<Line>, operation: &'static str, path: &Arc<Path>) -> Call {
        Call {
            id,
            line,
            operation,
            path: Arc::clone(path),
            token: CancelToken::new(),
            stage: AtomicU8::new(QUEUED),
            expired: AtomicBool::new(false),
            timeout: std::sync::OnceLock::new(),
        }
    }

    pub fn id(&self) -> u32 {
        self.id
    }

    pub fn token(&self) -> &CancelToken {
        &self.token
    }

    /// Its work begins, unless it was ended before.
    pub fn start(&self) -> bool {
        self.stage
            .compare_exchange(QUEUED, STARTED, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Ends the wait. What stands in a queue leaves it at once.
    pub fn cancel(self: &Arc<Call>) {
        let queued = self
            .stage
            .compare_exchange(QUEUED, OVER, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        self.token.cancel();
        if queued {
            self.fail(Error::cancelled(self.operation, &self.path));
        }
    }

    /// The same, because its time is up.
    pub fn expire(self: &Arc<Call>, milliseconds: f64) {
        let limit = Duration::try_from_secs_f64(milliseconds / 1e3).unwrap_or(Duration::MAX);
        let _ = self.timeout.set(limit);
        self.expired.store(true, Ordering::Release);
        self.cancel();
    }

    pub fn end<T>(self: &Arc<Call>, result: untorn::Result<T>, done: impl FnOnce(T) -> Outcome) {
        match result {
            Ok(value) => {
                background::over();
                self.line.tell(self.id, done(value));
            }
            Err(error) => self.fail(error),
        }
    }

    fn fail(self: &Arc<Call>, error: Error) {
        background::over();
        if error.kind() != ErrorKind::Cancelled || !self.expired.load(Ordering::Acquire) {
            self.line
                .tell(self.id, Outcome::Failed(failure::of(&error)));
            return;
        }
        // Who holds the lock is read from files: not on the event loop, which
        // may be where we are.
        let call = Arc::clone(self);
        run_soon(None, move || {
            let limit = call.timeout.get().copied().unwrap_or_default();
            let failure = failure::timed_out(call.operation, &call.path, limit);
            call.line.tell(call.id, Outcome::Failed(failure));
        });
    }

    /// It was to try once, and other calls of this process are before it.
    fn fail_busy(self: &Arc<Call>) {
        let call = Arc::clone(self);
        run_soon(None, move || {
            let failure = failure::busy(call.operation, &call.path);
            call.line.tell(call.id, Outcome::Failed(failure));
        });
    }
}

/// What waits for nobody. Where the system has no thread for it, it is done here:
/// others may wait for it, so it can't stand in a queue.
fn run_soon(order: Option<&Path>, job: impl FnOnce() + Send + 'static) {
    if let Err(job) = background::submit_at_once(order, job) {
        job();
    }
}

/// How a blocking call waits, and under which lock it works.
pub fn blocking<'a>(timeout: f64, lock: Option<&'a Lock>) -> untorn::Call<'a> {
    let call = untorn::Call::new().timeout(patience(timeout));
    match lock {
        Some(lock) => call.lock(lock.guard()),
        None => call,
    }
}

/// What several calls share, one at a time. After a panic it is the library's
/// own again, which goes on.
pub fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the work of a call is given.
pub struct Context {
    call: Arc<Call>,
    caller: Caller,
    try_once: bool,
}

impl Context {
    /// How long it waits is up to the event loop, which ends it with the token;
    /// only one try is no wait.
    pub fn call(&self) -> untorn::Call<'_> {
        untorn::Call::new()
            .caller(self.caller)
            .cancel(self.call.token())
            .timeout(self.try_once.then_some(Duration::ZERO))
    }
}

/// Behind which other work it stands.
pub enum Lane {
    /// Behind calls on the same file, in their order. One that is to try only
    /// once does not stand behind others: it fails.
    Of(PathBuf),
    /// The same, for what is nobody else's: its calls are in order whatever they
    /// wait for.
    Own(PathBuf),
    /// Behind work of the same kind, none of which waits for a lock.
    Order(PathBuf),
    /// Behind some of the other calls that never wait for a lock: a program
    /// that reads ten thousand files at once shall not get as many threads.
    Read,
    /// Behind nobody.
    Free,
    /// Nowhere: it was to try once, and others of its kind wait.
    Busy,
    /// Behind nobody, and it waits for no lock: a step under one that is held, or
    /// what lets one go.
    Step,
}

const READERS: u32 = 4;

impl Lane {
    /// Changes of one file.
    pub fn of(path: &Path) -> Lane {
        Lane::Of(path.to_owned())
    }

    /// Work under a lock that is held: apart from calls that wait for that very
    /// lock.
    pub fn under(lock_path: &Path) -> Lane {
        Lane::Order(lock_path.join("held"))
    }

    fn order(&self, id: u32) -> Option<PathBuf> {
        match self {
            Lane::Of(path) | Lane::Own(path) | Lane::Order(path) => Some(path.clone()),
            // Relative, so that it is nobody's path.
            Lane::Read => Some(PathBuf::from(format!("read/{}", id % READERS))),
            Lane::Free | Lane::Step | Lane::Busy => None,
        }
    }
}

impl Inner {
    /// Has `work` done on a thread of the library's own; `finish` makes the
    /// value that the promise is resolved with. Gives the call's number.
    pub fn run<T, V>(
        self: &Rc<Inner>,
        lane: Lane,
        (operation, path): (&'static str, &Arc<Path>),
        try_once: bool,
        work: impl FnOnce(&Context) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
    ) -> u32
    where
        T: Send + 'static,
        V: ToNapiValue,
    {
        let call = self.begin(operation, path);
        let context = Context {
            call: Arc::clone(&call),
            caller: Caller::current(),
            try_once,
        };
        let order = lane.order(call.id());
        let job = move || {
            let call = &context.call;
            if !call.start() {
                return;
            }
            // A promise that is never settled would be worse than the panic.
            match catch_unwind(AssertUnwindSafe(|| work(&context))) {
                Ok(result) => call.end(result, |value| {
                    Outcome::Done(Box::new(move |port| {
                        let value = finish(port, value);
                        // SAFETY: on the event loop's own thread.
                        unsafe { V::to_napi_value(port.env().raw(), value) }
                    }))
                }),
                Err(_) => {
                    background::over();
                    call.line.tell(
                        call.id,
                        Outcome::Failed(failure::bug("a thread of the library panicked")),
                    );
                }
            }
        };
        if matches!(lane, Lane::Busy) {
            call.fail_busy();
            return call.id();
        }
        let submitted = match (lane, &order) {
            (Lane::Of(_), Some(order)) if try_once => background::submit_if_first(order, job),
            (Lane::Of(_) | Lane::Own(_) | Lane::Free, order) => {
                background::submit(order.as_deref(), job).map(|()| true)
            }
            (Lane::Read | Lane::Order(_) | Lane::Step | Lane::Busy, order) => {
                run_soon(order.as_deref(), job);
                Ok(true)
            }
        };
        match submitted {
            Ok(true) => {}
            Ok(false) => call.fail_busy(),
            Err(error) => {
                let failure = failure::no_thread(operation, path, &error);
                self.line.tell(call.id(), Outcome::Failed(failure));
            }
        }
        call.id()
    }

    /// A change of one file through its handle, behind those that were asked for
    /// before it; under a lock that is held already, behind those under it.
    pub fn change<H: Send + Sync + 'static, T: Send + 'static, V: ToNapiValue>(
        self: &Rc<Inner>,
        handle: &Arc<H>,
        (operation, path): (&'static str, &Arc<Path>),
        (try_once, lock): (bool, Option<&Lock>),
        work: impl FnOnce(&H, &untorn::Call<'_>) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
    ) -> u32 {
        let handle = Arc::clone(handle);
        let guard = lock.map(|lock| Arc::clone(lock.guard()));
        let lane = match &guard {
            Some(guard) => Lane::under(guard.lock_path()),
            None => Lane::of(path),
        };
        self.run(
            lane,
            (operation, path),
            try_once,
            move |context| match &guard {
                Some(guard) => work(&handle, &context.call().lock(guard)),
                None => work(&handle, &context.call()),
            },
            finish,
        )
    }
}
