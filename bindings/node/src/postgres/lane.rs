//! The order of a handle's calls, and the threads that they run on.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use napi::bindgen_prelude::ToNapiValue;
use untorn::CallOptions;
use untorn::tasks::{Order, while_waiting};

use crate::call::How;
use crate::port::Inner;

/// How many reads of one handle run at once. A pool has ten connections unless its
/// owner says otherwise.
const READS: u64 = 8;

/// The parts that the calls of one handle share.
pub struct Lane {
    pub port: Rc<Inner>,
    pub track: Track,
}

/// The name of a handle, and the orders of its calls. It goes to any thread.
#[derive(Clone)]
pub struct Track {
    /// The name in messages.
    pub name: Arc<Path>,
    /// The order of the handle's changes.
    order: Arc<Path>,
    reads: Arc<AtomicU64>,
}

impl Track {
    pub fn new(name: &Path) -> Track {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Track {
            name: name.into(),
            // Relative, so it never equals the path of a file.
            order: PathBuf::from(format!("postgres/{number}")).into(),
            reads: Arc::default(),
        }
    }

    /// The order of one of the handle's reads.
    pub fn read_order(&self) -> Order {
        let turn = self.reads.fetch_add(1, Ordering::Relaxed) % READS;
        Order::Handle(self.order.join(format!("read/{turn}")))
    }

    /// The order of the handle's changes.
    pub fn order(&self) -> Order {
        Order::Handle(self.order.to_path_buf())
    }
}

impl Deref for Lane {
    type Target = Track;

    fn deref(&self) -> &Track {
        &self.track
    }
}

impl Lane {
    pub fn new(port: &Rc<Inner>, name: &Path) -> Lane {
        Lane::on(port, Track::new(name))
    }

    pub fn on(port: &Rc<Inner>, track: Track) -> Lane {
        Lane {
            port: Rc::clone(port),
            track,
        }
    }

    /// The name in messages, for JavaScript.
    pub fn shown(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }

    pub fn read<T: Send + 'static, V: ToNapiValue>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&CallOptions<'_>) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
    ) -> u32 {
        self.run(self.read_order(), operation, How::default(), work, finish)
    }

    /// A change, after those of the handle that were started before it.
    pub fn change<T: Send + 'static, V: ToNapiValue>(
        &self,
        operation: &'static str,
        how: How<'_>,
        work: impl FnOnce(&CallOptions<'_>) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
    ) -> u32 {
        self.run(self.order(), operation, how, work, finish)
    }

    /// A call that waits for no other.
    pub fn apart<T: Send + 'static, V: ToNapiValue>(
        &self,
        operation: &'static str,
        how: How<'_>,
        work: impl FnOnce(&CallOptions<'_>) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
    ) -> u32 {
        self.run(Order::Unordered, operation, how, work, finish)
    }

    /// Each call waits for a server, so its thread does not count as one that works.
    pub fn run<T: Send + 'static, V: ToNapiValue>(
        &self,
        order: Order,
        operation: &'static str,
        how: How<'_>,
        work: impl FnOnce(&CallOptions<'_>) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
    ) -> u32 {
        let work = move |call: &CallOptions<'_>| while_waiting(|| work(call));
        self.port
            .place(order, (operation, &self.name), how, work, finish)
    }
}
