//! The link, the options and the threads that the sessions of one store share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use untorn::engine::{self, Waiting};
use untorn::{Error, ErrorKind};

use crate::beat::Beats;
use crate::link::Link;
use crate::listen::Listener;
use crate::options::StoreOptions;

/// The time between two looks whether an owner has released its session.
const LOOK: Duration = Duration::from_millis(50);

pub(crate) struct Shared {
    pub link: Arc<Link>,
    pub options: Arc<StoreOptions>,
    pub name: PathBuf,
    pub beats: Arc<Beats>,
    pub listener: Arc<Listener>,
}

/// Tries until the session has no owner.
pub(crate) fn until_free<T>(
    operation: &'static str,
    name: &Path,
    wait: &Waiting<'_>,
    mut attempt: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    loop {
        let error = match attempt() {
            Err(error) if error.kind() == ErrorKind::Locked && !wait.tries_once() => error,
            done => return done,
        };
        let now = std::time::Instant::now();
        let left = wait
            .deadline()
            .map(|limit| limit.saturating_duration_since(now));
        if left == Some(Duration::ZERO) {
            let failure = engine::Failure {
                detail: "the session was not free within the timeout; nothing was changed"
                    .to_owned(),
                holder: error.holder().cloned(),
                ..Default::default()
            };
            return Err(engine::error(
                ErrorKind::LockTimeout,
                operation,
                name,
                failure,
            ));
        }
        // A release notifies, but the end of a time to live is no event.
        std::thread::sleep(left.map_or(LOOK, |left| left.min(LOOK)));
        wait.check(operation, name)?;
    }
}
