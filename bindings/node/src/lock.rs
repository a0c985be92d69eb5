//! `FileLock`.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use napi_derive::napi;
use untorn::tasks::Order;
use untorn::{CallOptions, FileLock, LockGuard, LockOptions, Process};

use crate::failure::{self, told};
use crate::port::{Inner, Port};
use crate::scheme::choose_scheme;
use crate::values::patience;

#[napi]
pub struct Lock {
    port: Rc<Inner>,
    guard: Arc<LockGuard>,
    path: Arc<Path>,
}

#[napi(object)]
pub struct AcquireOptions {
    /// Locks exactly this file.
    pub exact: bool,
    pub shared: bool,
    pub label: Option<String>,
    pub scheme: Option<String>,
    pub on_unsupported: Option<String>,
    pub stale: Option<f64>,
}

/// How a lock is taken.
struct Wanted {
    exact: bool,
    options: LockOptions,
}

impl AcquireOptions {
    fn wanted(self, path: &Path) -> napi::Result<Wanted> {
        let options = FileLock::options().shared(self.shared);
        let options = choose_scheme!(options, &self, "lock", path);
        Ok(Wanted {
            exact: self.exact,
            options: match self.label {
                Some(label) => options.label(label),
                None => options,
            },
        })
    }
}

impl Wanted {
    fn acquire(&self, path: &Path, call: &CallOptions<'_>) -> untorn::Result<LockGuard> {
        if self.exact {
            self.options.acquire_at_with(path, call)
        } else {
            self.options.acquire_with(path, call)
        }
    }
}

impl Lock {
    fn new(port: &Rc<Inner>, guard: LockGuard) -> Lock {
        Lock {
            port: Rc::clone(port),
            path: guard.path().into(),
            guard: Arc::new(guard),
        }
    }

    pub fn guard(&self) -> &Arc<LockGuard> {
        &self.guard
    }
}

#[napi]
impl Port {
    #[napi(catch_unwind)]
    pub fn acquire_sync(
        &self,
        path: String,
        options: AcquireOptions,
        timeout: f64,
    ) -> napi::Result<Lock> {
        let call = CallOptions::new().timeout(patience(timeout));
        options
            .wanted(Path::new(&path))?
            .acquire(Path::new(&path), &call)
            .map(|guard| Lock::new(self.inner(), guard))
            .map_err(|error| failure::thrown(&error))
    }

    #[napi(catch_unwind)]
    pub fn acquire(
        &self,
        path: String,
        options: AcquireOptions,
        try_once: bool,
    ) -> napi::Result<u32> {
        let path: Arc<Path> = Path::new(&path).into();
        let given = Arc::clone(&path);
        // In the order of the calls. But a shared lock must not queue after a
        // call that waits until the sharers release theirs.
        let lane = if options.shared || try_once {
            Order::Unordered
        } else {
            Order::File(path.join("acquire"))
        };
        let wanted = options.wanted(&path)?;
        Ok(self.inner().hold(
            lane,
            ("lock", &path),
            try_once,
            move |call| wanted.acquire(&given, call),
            Lock::new,
        ))
    }

    /// Returns the holder of this file's lock: JSON, as in errors.
    #[napi(catch_unwind)]
    pub fn holder(&self, path: String) -> u32 {
        let path: Arc<Path> = Path::new(&path).into();
        let asked = Arc::clone(&path);
        self.inner().run(
            Order::Read,
            ("holder", &path),
            false,
            move |_| untorn::holder(&asked),
            |_, holder| described(holder),
        )
    }

    #[napi(catch_unwind)]
    pub fn holder_sync(&self, path: String) -> napi::Result<String> {
        untorn::holder(path)
            .map(described)
            .map_err(|error| failure::thrown(&error))
    }
}

pub fn described(holder: Option<untorn::Holder>) -> String {
    holder.map_or_else(
        || "null".to_owned(),
        |holder| failure::holder(&holder).to_string(),
    )
}

#[napi]
impl Lock {
    #[napi(getter, catch_unwind)]
    pub fn lock_path(&self) -> String {
        self.guard.lock_path().to_string_lossy().into_owned()
    }

    #[napi(getter, catch_unwind)]
    pub fn held(&self) -> bool {
        self.guard.is_held()
    }

    #[napi(catch_unwind)]
    pub fn release_sync(&self) -> napi::Result<()> {
        self.guard
            .release()
            .map_err(|error| failure::thrown(&error))
    }

    #[napi(catch_unwind)]
    pub fn release(&self) -> u32 {
        let guard = Arc::clone(&self.guard);
        self.port.run(
            // After the work that was started under it.
            Order::under(&self.guard),
            ("release", &self.path),
            false,
            move |_| guard.release(),
            |_, ()| (),
        )
    }

    /// `process`: JSON.
    #[napi(catch_unwind)]
    pub fn transfer_sync(&self, process: String) -> napi::Result<()> {
        let heir = told(Process::from_json(&process))?;
        told(self.guard.transfer(&heir))
    }

    #[napi(catch_unwind)]
    pub fn transfer(&self, process: String) -> napi::Result<u32> {
        let heir = told(Process::from_json(&process))?;
        let guard = Arc::clone(&self.guard);
        Ok(self.port.run(
            // As a release.
            Order::under(&self.guard),
            ("transfer", &self.path),
            false,
            move |_| guard.transfer(&heir),
            |_, ()| (),
        ))
    }
}
