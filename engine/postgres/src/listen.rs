//! Wakes the followers of a store: one thread listens on one connection for all of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::driver::{Columns, Connection, Driver, Failure, Param};
use crate::link::Link;

/// How long the thread waits for a notification before it looks for new followers.
const LOOK: Duration = Duration::from_millis(100);
/// How long appends notify of themselves, and when they are asked to go on.
const PERIOD: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_secs(20);
/// The same after a notification.
const SOON: Duration = Duration::from_secs(1);
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
    /// Until then appends notify. `None`: the file was missing.
    asked: Option<Instant>,
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
            asked: None,
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
                        watch.asked = None;
                    }
                }
            }
        }
    }

    /// Begins what is new, and waits once.
    fn serve(&self, connection: &mut dyn Connection) -> Result<(), Failure> {
        let due = |watch: &&Watch| {
            watch.channel.is_none() || watch.asked.is_some_and(|asked| asked.elapsed() >= AGAIN)
        };
        self.begin(connection, due)?;
        let channels = connection.notifications(LOOK)?;
        let is_told = |watch: &Watch| {
            let channel = watch.channel.as_ref();
            channel.is_some_and(|channel| channels.contains(channel))
        };
        // The file was missing, or is a new one: later appends would not notify.
        let may_be_new = |watch: &&Watch| watch.asked.is_none_or(|asked| asked.elapsed() >= SOON);
        self.begin(connection, |watch| is_told(watch) && may_be_new(watch))?;
        self.tell(is_told);
        Ok(())
    }

    /// Listens, and asks for notifications.
    fn begin(
        &self,
        connection: &mut dyn Connection,
        which: impl Fn(&&Watch) -> bool,
    ) -> Result<(), Failure> {
        let new: Vec<_> = self
            .state()
            .watches
            .iter()
            .filter(which)
            .map(|watch| {
                (
                    watch.id,
                    watch.schema.clone(),
                    watch.key.clone(),
                    watch.file.clone(),
                    watch.channel.clone(),
                )
            })
            .collect();
        for (id, schema, key, file, channel) in new {
            let params = [Param::Text(Some(&key)), Param::Text(Some(&file))];
            let is_new = channel.is_none();
            let channel = match channel {
                Some(channel) => channel,
                None => {
                    let sql = format!("select {schema}.channel($1::text, $2::text)");
                    let rows = connection.query(&sql, &params)?;
                    let row = rows.into_iter().next();
                    let Some(channel) = row.and_then(|row| Columns::of(row).text()) else {
                        continue;
                    };
                    connection.query(&format!("listen {channel}"), &[])?;
                    channel
                }
            };
            let asked = Instant::now();
            let sql = format!(
                "select {schema}.watch($1::text, $2::text, {} * interval '1 s')",
                PERIOD.as_secs()
            );
            let rows = connection.query(&sql, &params)?;
            let row = rows.into_iter().next();
            let asked = row
                .is_some_and(|row| Columns::of(row).bool())
                .then_some(asked);
            for watch in &mut self.state().watches {
                if watch.id == id {
                    watch.channel = Some(channel.clone());
                    watch.asked = asked;
                }
            }
            if is_new {
                // It may have changed before.
                self.tell(|watch| watch.id == id);
            }
        }
        Ok(())
    }

    /// Wakes followers.
    fn tell(&self, which: impl Fn(&Watch) -> bool) {
        let calls: Vec<_> = self
            .state()
            .watches
            .iter()
            .filter(|watch| which(watch))
            .map(|watch| Arc::clone(&watch.changed))
            .collect();
        // Not under the mutex: it wakes a thread that may end its watch.
        for call in calls {
            call();
        }
    }
}
