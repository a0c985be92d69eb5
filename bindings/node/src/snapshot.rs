//! `Snapshot`: the files of a directory at one instant.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use napi_derive::napi;
use untorn::tasks::Order;
use untorn::{CallOptions, Error};

use crate::document::Contents;
use crate::failure::{self, told};
use crate::port::{Inner, Port};
use crate::records::Reader;
use crate::values::{OpenOptions, patience};

#[napi]
impl Port {
    #[napi(catch_unwind)]
    pub fn snapshot_sync(&self, dir: String, timeout: f64) -> napi::Result<Snapshot> {
        let call = CallOptions::new().timeout(patience(timeout));
        told(untorn::snapshot_with(&dir, &call)).map(|taken| Snapshot::new(self.inner(), taken))
    }

    #[napi(catch_unwind)]
    pub fn snapshot(&self, dir: String, try_once: bool) -> u32 {
        let dir: Arc<Path> = Path::new(&dir).into();
        let given = Arc::clone(&dir);
        self.inner().run(
            Order::Unordered,
            ("snapshot", &dir),
            try_once,
            move |call| untorn::snapshot_with(&given, call),
            Snapshot::new,
        )
    }
}

/// The files of a directory at one instant.
#[napi]
pub struct Snapshot {
    port: Rc<Inner>,
    dir: Arc<Path>,
    /// `None`: closed.
    core: RefCell<Option<Arc<untorn::Snapshot>>>,
}

impl Snapshot {
    fn new(port: &Rc<Inner>, core: untorn::Snapshot) -> Snapshot {
        Snapshot {
            port: Rc::clone(port),
            dir: core.dir().into(),
            core: RefCell::new(Some(Arc::new(core))),
        }
    }

    fn core(&self, operation: &'static str) -> napi::Result<Arc<untorn::Snapshot>> {
        let open = self.core.borrow().clone();
        open.ok_or_else(|| {
            failure::thrown(&Error::invalid_argument(
                operation,
                &self.dir,
                "the snapshot is closed",
            ))
        })
    }
}

#[napi]
impl Snapshot {
    #[napi(getter, catch_unwind)]
    pub fn names(&self) -> napi::Result<Vec<String>> {
        let core = self.core("snapshot")?;
        Ok(core.names().map(str::to_owned).collect())
    }

    /// Closes its files, except those that are being read. A second call does
    /// nothing.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.core.take();
    }

    #[napi(catch_unwind)]
    pub fn load_sync(&self, name: String) -> napi::Result<Option<Contents>> {
        told(self.core("load")?.load(&name)).map(|found| found.map(Contents::from))
    }

    #[napi(catch_unwind)]
    pub fn load(&self, name: String) -> napi::Result<u32> {
        let core = self.core("load")?;
        Ok(self.port.run(
            Order::Read,
            ("load", &self.dir),
            false,
            move |_| core.load(&name),
            |_, found| found.map(Contents::from),
        ))
    }

    #[napi(catch_unwind)]
    pub fn records_sync(&self, name: String, options: OpenOptions) -> napi::Result<Reader> {
        let options = options.journal(&self.dir)?;
        told(self.core("read")?.records_as(&name, &options))
            .map(|records| Reader::new(&self.port, &self.dir, records))
    }

    #[napi(catch_unwind)]
    pub fn records(&self, name: String, options: OpenOptions) -> napi::Result<u32> {
        let options = options.journal(&self.dir)?;
        let (core, dir) = (self.core("read")?, Arc::clone(&self.dir));
        Ok(self.port.run(
            Order::Read,
            ("read", &self.dir),
            false,
            move |_| core.records_as(&name, &options),
            move |port, records| Reader::new(port, &dir, records),
        ))
    }
}
