//! Asynchronous calls: their work, and the value that their promise gets.

use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::bindgen_prelude::ToNapiValue;
use untorn::CallOptions;
use untorn::tasks::{Order, Placement};

use crate::lock::Lock;
use crate::port::{Finish, Inner};
use crate::values::patience;

/// How a blocking call waits, and under which lock it works.
pub fn blocking<'a>(timeout: f64, lock: Option<&'a Lock>) -> CallOptions<'a> {
    let call = CallOptions::new().timeout(patience(timeout));
    match lock {
        Some(lock) => call.lock(lock.guard()),
        None => call,
    }
}

/// Says how an asynchronous call waits, under which lock it works, and what it
/// does besides.
#[derive(Clone, Copy, Default)]
pub struct How<'a> {
    try_once: bool,
    lock: Option<&'a Lock>,
    keeps_lock: bool,
    reports: bool,
}

impl<'a> How<'a> {
    pub fn new(try_once: bool, lock: Option<&'a Lock>) -> How<'a> {
        How {
            try_once,
            lock,
            ..How::default()
        }
    }

    /// The call hands its lock to JavaScript.
    pub fn keeping_lock(mut self) -> How<'a> {
        self.keeps_lock = true;
        self
    }

    /// The call says how far it is.
    pub fn reporting(mut self, reports: bool) -> How<'a> {
        self.reports = reports;
        self
    }
}

/// Locks a value that several calls share. After a panic the library owns the
/// value again, and goes on.
pub fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has `finish` make the JavaScript value of a result, on the event loop.
pub fn made<T: Send + 'static, V: ToNapiValue>(
    finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
) -> impl FnOnce(T) -> Finish + Send + 'static {
    move |value| {
        Box::new(move |port| {
            let value = finish(port, value);
            // SAFETY: on the event loop's own thread.
            unsafe { V::to_napi_value(port.env().raw(), value) }
        })
    }
}

impl Inner {
    /// Runs `work` on a thread of the library; `finish` makes the value of the
    /// promise. A lock that `work` takes, it also releases. Returns the call's
    /// number.
    pub fn run<T: Send + 'static, V: ToNapiValue>(
        self: &Rc<Inner>,
        order: Order,
        what: (&'static str, &Arc<Path>),
        try_once: bool,
        work: impl FnOnce(&CallOptions<'_>) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
    ) -> u32 {
        self.place(order, what, How::new(try_once, None), work, finish)
    }

    /// The same for work that hands its lock to JavaScript.
    pub fn hold<T: Send + 'static, V: ToNapiValue>(
        self: &Rc<Inner>,
        order: Order,
        what: (&'static str, &Arc<Path>),
        try_once: bool,
        work: impl FnOnce(&CallOptions<'_>) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
    ) -> u32 {
        let how = How::new(try_once, None).keeping_lock();
        self.place(order, what, how, work, finish)
    }

    /// Changes one file through its handle, after the changes that were started
    /// before it. Under a lock that is held already, it comes after those under
    /// that lock.
    pub fn change<H: Send + Sync + 'static, T: Send + 'static, V: ToNapiValue>(
        self: &Rc<Inner>,
        handle: &Arc<H>,
        what: (&'static str, &Arc<Path>),
        how: How<'_>,
        work: impl FnOnce(&H, &CallOptions<'_>) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
    ) -> u32 {
        let handle = Arc::clone(handle);
        let order = Order::of(what.1, how.lock.map(|lock| &**lock.guard()));
        self.place(order, what, how, move |call| work(&handle, call), finish)
    }

    pub fn place<T: Send + 'static, V: ToNapiValue>(
        self: &Rc<Inner>,
        order: Order,
        (operation, path): (&'static str, &Arc<Path>),
        how: How<'_>,
        work: impl FnOnce(&CallOptions<'_>) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
    ) -> u32 {
        let placement = Placement {
            try_once: how.try_once,
            lock: how.lock.map(|lock| Arc::clone(lock.guard())),
            keeps_lock: how.keeps_lock,
            ..Placement::new(order)
        };
        let task = self.begin(operation, path);
        let id = task.id();
        let news = self.news().filter(|_| how.reports);
        let work = move |call: &CallOptions<'_>| match news {
            Some(news) => work(&call.progress(&|progress| news.report(id, progress))),
            None => work(call),
        };
        task.run(placement, work, made(finish));
        id
    }
}
