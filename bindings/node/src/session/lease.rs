//! `Lease`.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use napi_derive::napi;
use untorn::tasks::Order;

use crate::failure::told;
use crate::lock::described;
use crate::port::Inner;
use crate::process;

#[napi]
pub struct Lease {
    port: Rc<Inner>,
    path: Arc<Path>,
    core: Arc<untorn::Lease>,
}

impl Lease {
    pub fn new(port: &Rc<Inner>, core: untorn::Lease) -> Lease {
        Lease {
            port: Rc::clone(port),
            path: core.path().into(),
            core: Arc::new(core),
        }
    }
}

#[napi]
impl Lease {
    #[napi(getter, catch_unwind)]
    pub fn holder(&self) -> String {
        described(Some(self.core.holder().clone()))
    }

    #[napi(getter, catch_unwind)]
    pub fn previous(&self) -> String {
        described(self.core.previous().cloned())
    }

    #[napi(getter, catch_unwind)]
    pub fn held(&self) -> bool {
        self.core.is_held()
    }

    #[napi(catch_unwind)]
    pub fn release_sync(&self) -> napi::Result<()> {
        told(self.core.release())
    }

    #[napi(catch_unwind)]
    pub fn release(&self) -> u32 {
        let core = Arc::clone(&self.core);
        self.port.run(
            Order::Immediate,
            ("release", &self.path),
            false,
            move |_| core.release(),
            |_, ()| (),
        )
    }

    #[napi(catch_unwind)]
    pub fn transfer_sync(&self, to: String) -> napi::Result<()> {
        told(self.core.transfer(&process::of(&to)?))
    }

    #[napi(catch_unwind)]
    pub fn transfer(&self, to: String) -> napi::Result<u32> {
        let (core, to) = (Arc::clone(&self.core), process::of(&to)?);
        Ok(self.port.run(
            Order::Immediate,
            ("transfer", &self.path),
            false,
            move |_| core.transfer(&to),
            |_, ()| (),
        ))
    }
}
