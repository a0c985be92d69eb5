//! `selftest`.

use std::path::Path;
use std::sync::Arc;

use napi_derive::napi;
use untorn::tasks::Order;

use crate::failure;
use crate::port::Port;
use crate::scheme::scheme;

#[napi(object)]
pub struct Check {
    pub name: String,
    pub outcome: String,
    pub detail: String,
}

#[napi(object)]
pub struct SelfTest {
    pub dir: String,
    pub file_system: String,
    pub scheme: String,
    pub passed: bool,
    pub checks: Vec<Check>,
}

impl From<untorn::SelfTest> for SelfTest {
    fn from(test: untorn::SelfTest) -> SelfTest {
        SelfTest {
            passed: test.passed(),
            dir: test.dir.to_string_lossy().into_owned(),
            file_system: test.file_system,
            scheme: test.scheme.to_string(),
            checks: test
                .checks
                .into_iter()
                .map(|check| Check {
                    name: check.name.to_owned(),
                    outcome: check.outcome.as_str().to_owned(),
                    detail: check.detail,
                })
                .collect(),
        }
    }
}

#[napi]
impl Port {
    #[napi(catch_unwind)]
    pub fn selftest_sync(&self, dir: String, word: Option<String>) -> napi::Result<SelfTest> {
        let scheme = scheme(word.as_deref(), "selftest", Path::new(&dir))?;
        untorn::selftest_with(dir, scheme)
            .map(SelfTest::from)
            .map_err(|error| failure::thrown(&error))
    }

    #[napi(catch_unwind)]
    pub fn selftest(&self, dir: String, word: Option<String>) -> napi::Result<u32> {
        let dir: Arc<Path> = Path::new(&dir).into();
        let scheme = scheme(word.as_deref(), "selftest", &dir)?;
        let given = Arc::clone(&dir);
        Ok(self.inner().run(
            Order::Unordered,
            ("selftest", &dir),
            false,
            move |_| untorn::selftest_with(&given, scheme),
            |_, test| SelfTest::from(test),
        ))
    }
}
