//! `Lease`.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use napi_derive::napi;

use super::bridge::Ask;
use super::lane::Lane;
use crate::call::How;
use crate::lock::described;
use crate::port::Inner;
use crate::process;

#[napi]
pub struct PostgresLease {
    lane: Lane,
    core: Arc<untorn_postgres::Lease>,
}

impl PostgresLease {
    pub fn new(port: &Rc<Inner>, name: &Path, core: untorn_postgres::Lease) -> PostgresLease {
        PostgresLease {
            lane: Lane::new(port, name),
            core: Arc::new(core),
        }
    }
}

#[napi]
impl PostgresLease {
    #[napi(getter, catch_unwind)]
    pub fn path(&self) -> String {
        self.lane.shown()
    }

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

    /// As text: it has 63 bits.
    #[napi(getter, catch_unwind)]
    pub fn token(&self) -> String {
        self.core.token().to_string()
    }

    /// Returns the number under which JavaScript will be asked to say that the lease is
    /// lost. The caller must know the number before it returns to its event loop.
    #[napi(catch_unwind)]
    pub fn watch(&self) -> napi::Result<u32> {
        let bridge = Arc::clone(self.lane.port.statements()?.bridge());
        let number = bridge.number();
        self.core
            .on_lost(move || bridge.send(Ask::of("lost", number, 0)));
        Ok(number)
    }

    #[napi(catch_unwind)]
    pub fn release(&self) -> u32 {
        let core = Arc::clone(&self.core);
        self.lane.apart(
            "release",
            How::default(),
            move |_| core.release(),
            |_, ()| (),
        )
    }

    #[napi(catch_unwind)]
    pub fn transfer(&self, to: String) -> napi::Result<u32> {
        let (core, to) = (Arc::clone(&self.core), process::of(&to)?);
        Ok(self.lane.apart(
            "transfer",
            How::default(),
            move |_| core.transfer(&to),
            |_, ()| (),
        ))
    }
}
