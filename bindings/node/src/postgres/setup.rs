//! Migrations, and the self-test of a server.

use std::path::Path;

use napi_derive::napi;

use super::lane::Lane;
use super::pool::Pool;
use crate::call::How;
use crate::port::Port;

/// One thing that was tried.
#[napi(object, object_from_js = false)]
pub struct PostgresCheck {
    pub name: String,
    pub ok: bool,
    pub found: String,
    pub why: String,
}

#[napi]
impl Port {
    #[napi(catch_unwind)]
    pub fn migrate_postgres(&self, pool: u32, has_own: bool, schema: String) -> napi::Result<u32> {
        let driver = Pool::of(self.inner(), pool, has_own)?;
        let lane = Lane::new(self.inner(), Path::new(&schema));
        Ok(lane.apart(
            "migrate",
            How::default(),
            move |_| untorn_postgres::migrate_with(driver, &schema),
            |_, applied| u32::try_from(applied).unwrap_or(u32::MAX),
        ))
    }

    #[napi(catch_unwind)]
    pub fn selftest_postgres(&self, pool: u32, has_own: bool, schema: String) -> napi::Result<u32> {
        let driver = Pool::of(self.inner(), pool, has_own)?;
        let lane = Lane::new(self.inner(), Path::new(&schema));
        Ok(lane.apart(
            "selftest",
            How::default(),
            move |_| untorn_postgres::selftest(driver, &schema),
            |_, checks| -> Vec<PostgresCheck> {
                let shown = |check: untorn_postgres::Check| PostgresCheck {
                    name: check.name,
                    ok: check.ok,
                    found: check.found,
                    why: check.why,
                };
                checks.into_iter().map(shown).collect()
            },
        ))
    }
}
