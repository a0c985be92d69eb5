//! Wakes the followers of a store: one thread listens on one connection for all of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::driver::{Columns, Connection, Driver, Failure, Param};
use crate::link::Link;

/// How long the thread waits for a notification before it looks for new followers.
const LOOK: Duration = Duration::from_millis(100);
/// The pause before a connection is opened again.
const PAUSE: Duration = Duration::from_millis(500);

pub(crate) struct Listener {
    driver: Arc<dyn Driver>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    watches: Vec<Watch>,
    runs: bool,
}

struct Watch {
    id: u64,
    schema: String,
    key: String,
    file: String,
    /// The channel, once the connection listens on it.
    channel: Option<String>,
    changed: Arc<dyn Fn() + Send + Sync>,
}

/// Ends a watch when it is dropped.
struct Watching {
    listener: Arc<Listener>,
    id: u64,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.listener
            .state()
            .watches
            .retain(|watch| watch.id != self.id);
    }
}

impl Listener {
    pub fn new(driver: &Arc<dyn Driver>) -> Arc<Listener> {
        Arc::new(Listener {
            driver: Arc::clone(driver),
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `changed` after each change of this file. `None` if the driver has no
    /// connection of its own for it.
    pub fn watch(
        self: &Arc<Self>,
        link: &Link,
        key: &str,
        file: &str,
        changed: Arc<dyn Fn() + Send + Sync>,
    ) -> Option<Box<dyn Send + Sync>> {
        let mut state = self.state();
        if !state.runs {
            let first = self.driver.own_connection()?;
            let listener = Arc::clone(self);
            let made = std::thread::Builder::new()
                .name("untorn-listen".to_owned())
                .spawn(move || listener.run(first.ok()));
            made.ok()?;
            state.runs = true;
        }
        state.next += 1;
        let id = state.next;
        state.watches.push(Watch {
            id,
            schema: link.schema.clone(),
            key: key.to_owned(),
            file: file.to_owned(),
            channel: None,
            changed,
        });
        Some(Box::new(Watching {
            listener: Arc::clone(self),
            id,
        }))
    }

    /// Listens until no follower is left.
    fn run(&self, first: Option<Box<dyn Connection>>) {
        let mut connection = first;
        loop {
            {
                let mut state = self.state();
                if state.watches.is_empty() {
                    state.runs = false;
                    return;
                }
            }
            let open = match connection.take() {
                Some(open) => Some(open),
                None => self.driver.own_connection().and_then(Result::ok),
            };
            let Some(mut open) = open else {
                // No event says that a server can be reached again.
                std::thread::sleep(PAUSE);
                continue;
            };
            match self.serve(&mut *open) {
                Ok(()) => connection = Some(open),
                Err(_) => {
                    for watch in &mut self.state().watches {
                        watch.channel = None;
                    }
                }
            }
        }
    }

    /// Begins what is new, and waits once.
    fn serve(&self, connection: &mut dyn Connection) -> Result<(), Failure> {
        let new: Vec<_> = self
            .state()
            .watches
            .iter()
            .filter(|watch| watch.channel.is_none())
            .map(|watch| {
                (
                    watch.id,
                    watch.schema.clone(),
                    watch.key.clone(),
                    watch.file.clone(),
                )
            })
            .collect();
        for (id, schema, key, file) in new {
            let sql = format!("select {schema}.channel($1::text, $2::text)");
            let params = [Param::Text(Some(&key)), Param::Text(Some(&file))];
            let rows = connection.query(&sql, &params)?;
            let channel = rows
                .into_iter()
                .next()
                .and_then(|row| Columns::of(row).text());
            let Some(channel) = channel else { continue };
            connection.query(&format!("listen {channel}"), &[])?;
            // It may have changed before.
            self.tell(|watch| watch.id == id, Some(&channel));
        }
        let channels = connection.notifications(LOOK)?;
        self.tell(
            |watch| {
                watch
                    .channel
                    .as_ref()
                    .is_some_and(|channel| channels.contains(channel))
            },
            None,
        );
        Ok(())
    }

    fn tell(&self, which: impl Fn(&Watch) -> bool, channel: Option<&str>) {
        let mut calls = Vec::new();
        for watch in &mut self.state().watches {
            if which(watch) {
                if let Some(channel) = channel {
                    watch.channel = Some(channel.to_owned());
                }
                calls.push(Arc::clone(&watch.changed));
            }
        }
        // Not under the mutex: it wakes a thread that may end its watch.
        for call in calls {
            call();
        }
    }
}
