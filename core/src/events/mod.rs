//! Events: what happens without a call asking for it. A call waits long for a lock, a
//! repair cuts a torn tail, a reader skips damage.
//!
//! A program gives one sink for the whole process, [`set_sink`]. Without a sink nothing
//! is reported, and each place costs one relaxed atomic load.
//!
//! The sink runs on a thread of the library's own, with one event at a time, in their
//! order. That thread is named `untorn-events`, blocks all signals, and holds no lock and no mutex. So a sink may take its time, wait for
//! any lock, and call this library. It never delays the call that an event is about.
//! [`flush`] waits until the sink has seen all events, for the end of a program.
//!
//! With the feature `tracing`, events also go to the `tracing` subscriber, below the
//! span in which they happened.
//!
//! ```
//! use untorn::Journal;
//! # use std::time::Duration;
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("session.jsonl");
//!
//! untorn::events::set_sink(|event| eprintln!("untorn: {event}"));
//!
//! std::fs::write(&path, "{\"n\":1}\n{\"n\":2")?; // a crash left half a record
//! Journal::open(&path)?.append(b"{\"n\":3}")?;
//! // untorn: repair …/session.jsonl: a torn tail of 6 bytes at offset 8 was cut; …
//! assert!(untorn::events::flush(Duration::from_secs(10)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//! event.rs      what happened; words.rs: its kinds
//! delivery.rs   the queue of the events, and the sink
//! long_wait.rs  a wait that takes long
//! traced.rs     the feature tracing
//! ```

mod delivery;
mod event;
mod long_wait;
#[cfg(feature = "tracing")]
mod traced;
mod words;

pub use delivery::{flush, remove_sink, set_sink};
pub use event::Event;
pub use long_wait::set_wait_threshold;
pub use words::{EventKind, Severity};

pub(crate) use delivery::{emit, is_listening};
pub(crate) use long_wait::LongWait;
