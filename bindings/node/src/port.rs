//! What one event loop waits for.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::path::Path;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::{Float64Array, FnArgs, Function, FunctionRef, ToNapiValue};
use napi::{Env, Status, sys};
use napi_derive::napi;

use crate::call::Call;
use crate::failure;
use crate::line::{Line, Outcome};

type Settle = FnArgs<(u32, Option<String>, Raw)>;
type SettleAppends = FnArgs<(Float64Array,)>;

/// A value that is made already.
pub struct Raw(sys::napi_value);

impl ToNapiValue for Raw {
    unsafe fn to_napi_value(_: sys::napi_env, raw: Raw) -> napi::Result<sys::napi_value> {
        Ok(raw.0)
    }
}

/// The calls of one event loop, and the way back to it. Lives until the
/// environment (the main thread, or one worker) ends.
pub struct Inner {
    env: sys::napi_env,
    pub line: Arc<Line>,
    waker: Cell<sys::napi_threadsafe_function>,
    calls: RefCell<Vec<Option<Entry>>>,
    free: RefCell<Vec<u32>>,
    pending: Cell<usize>,
    settle: FunctionRef<Settle, ()>,
    settle_appends: FunctionRef<SettleAppends, ()>,
}

/// A call that is under way.
struct Entry {
    call: Arc<Call>,
    /// Whether it keeps the process alive.
    keeps_alive: bool,
}

#[napi]
pub struct Port(Rc<Inner>);

#[napi]
impl Port {
    /// `settle(id, failure, value)` is called when a call has ended, and
    /// `settleAppends([id, generation, offset, ...])` for appends that did well.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        settle: Function<'_, Settle, ()>,
        settle_appends: Function<'_, SettleAppends, ()>,
    ) -> napi::Result<Port> {
        let inner = Rc::new(Inner {
            env: env.raw(),
            line: Arc::new(Line::new()),
            waker: Cell::new(ptr::null_mut()),
            calls: RefCell::default(),
            free: RefCell::default(),
            pending: Cell::new(0),
            settle: settle.create_ref()?,
            settle_appends: settle_appends.create_ref()?,
        });
        // Calls are queued, not refused, where the system gives no more threads.
        untorn::background::keep_one();
        inner.open_line(&env)?;
        // After the function's own hook, so it runs before it.
        env.add_env_cleanup_hook(Rc::clone(&inner), |inner| inner.close())?;
        Ok(Port(inner))
    }

    /// Ends the wait of a call.
    #[napi(catch_unwind)]
    pub fn cancel(&self, id: u32) {
        if let Some(call) = self.0.call(id) {
            call.cancel();
        }
    }

    /// Ends the wait of a call whose time is up.
    #[napi(catch_unwind)]
    pub fn expire(&self, id: u32, timeout: f64) {
        if let Some(call) = self.0.call(id) {
            call.expire(timeout);
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

    fn open_line(self: &Rc<Inner>, env: &Env) -> napi::Result<()> {
        let name = env.create_string("untorn")?;
        let context = Box::into_raw(Box::new(Rc::clone(self)));
        let mut waker = ptr::null_mut();
        // SAFETY: `context` is freed by `finalize`, which Node calls once, after
        // the last `wake`.
        let status = unsafe {
            sys::napi_create_threadsafe_function(
                self.env,
                ptr::null_mut(),
                ptr::null_mut(),
                napi::JsValue::raw(&name),
                0,
                1,
                context.cast(),
                Some(finalize),
                context.cast(),
                Some(wake),
                &raw mut waker,
            )
        };
        if status != sys::Status::napi_ok {
            // SAFETY: nobody else has it.
            drop(unsafe { Box::from_raw(context) });
            return Err(napi::Error::new(
                Status::from(status),
                "the way back to the event loop could not be opened",
            ));
        }
        // SAFETY: it was made just now, on this thread. An idle library does
        // not keep the process alive.
        unsafe { sys::napi_unref_threadsafe_function(self.env, waker) };
        self.waker.set(waker);
        self.line.open(waker);
        Ok(())
    }

    /// A new call. While there is one, the process stays alive.
    pub fn begin(self: &Rc<Inner>, operation: &'static str, path: &Arc<Path>) -> Arc<Call> {
        let mut calls = self.calls.borrow_mut();
        let id = self.free.borrow_mut().pop().unwrap_or_else(|| {
            calls.push(None);
            u32::try_from(calls.len() - 1).unwrap_or(u32::MAX)
        });
        let call = Arc::new(Call::new(id, Arc::clone(&self.line), operation, path));
        calls[id as usize] = Some(Entry {
            call: Arc::clone(&call),
            keeps_alive: true,
        });
        self.count_up();
        call
    }

    fn count_up(&self) {
        if self.pending.replace(self.pending.get() + 1) == 0 {
            // SAFETY: on the event loop's own thread, and not closed: somebody
            // has just made a call.
            unsafe { sys::napi_ref_threadsafe_function(self.env, self.waker.get()) };
        }
    }

    fn keep_alive(&self, id: u32, keeps_alive: bool) {
        let mut calls = self.calls.borrow_mut();
        let Some(Some(entry)) = calls.get_mut(id as usize) else {
            return;
        };
        let did = std::mem::replace(&mut entry.keeps_alive, keeps_alive);
        match (did, keeps_alive) {
            (false, true) => self.count_up(),
            (true, false) => {
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
            unsafe { sys::napi_unref_threadsafe_function(self.env, self.waker.get()) };
        }
    }

    fn call(&self, id: u32) -> Option<Arc<Call>> {
        let calls = self.calls.borrow();
        let entry = calls.get(id as usize)?.as_ref()?;
        Some(Arc::clone(&entry.call))
    }

    fn end(&self, id: u32) {
        let ended = self.calls.borrow_mut()[id as usize].take();
        self.free.borrow_mut().push(id);
        if ended.is_some_and(|entry| entry.keeps_alive) {
            self.pending.set(self.pending.get() - 1);
        }
    }

    /// Settles the promises of all that has ended.
    fn settle_all(self: &Rc<Inner>) -> napi::Result<()> {
        let env = self.env();
        let outcomes = self.line.take();
        let mut appended: Vec<f64> = Vec::new();
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
        self.let_go_if_idle();
        Ok(())
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
        self.line.close();
        for entry in self.calls.take().into_iter().flatten() {
            entry.call.cancel();
        }
    }
}

/// Called by Node on the event loop after a thread has told something.
unsafe extern "C" fn wake(
    env: sys::napi_env,
    _: sys::napi_value,
    context: *mut c_void,
    _: *mut c_void,
) {
    if env.is_null() {
        // Node empties its queue: the environment is gone.
        return;
    }
    // SAFETY: the box that `open_line` made; `finalize` comes after this.
    let inner = unsafe { &*context.cast::<Rc<Inner>>() };
    // A panic must not cross into C. An error means that the environment is
    // being torn down under us (a worker that is terminated): nobody is left to
    // tell.
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| inner.settle_all()));
}

unsafe extern "C" fn finalize(_: sys::napi_env, context: *mut c_void, _: *mut c_void) {
    // SAFETY: the box that `open_line` made, once.
    let inner = unsafe { Box::from_raw(context.cast::<Rc<Inner>>()) };
    inner.line.close();
}
