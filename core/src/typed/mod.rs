//! Records and documents as values of a type of yours, by `serde`: the feature `serde`.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Message {
//!     role: String,
//!     text: String,
//! }
//! # let dir = tempfile::tempdir()?;
//! let journal = untorn::Journal::open(dir.path().join("session.jsonl"))?.typed::<Message>();
//! let hello = Message { role: "user".into(), text: "hello".into() };
//! journal.append(&hello)?;
//! for message in journal.values()? {
//!     assert_eq!(message?, hello);
//! }
//!
//! #[derive(Default, Serialize, Deserialize)]
//! struct State {
//!     turns: u32,
//! }
//! let state = untorn::Document::open(dir.path().join("state.json"))?.typed::<State>();
//! state.update(|state| state.turns += 1)?;
//! assert_eq!(state.load()?.turns, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A line that is not JSON is damage, and is skipped as other damage is. A record that
//! is JSON, but no such value, is `INVALID_RECORD` with its position. The records after
//! it can still be read. `serde` reads unknown fields and missing ones as the type says.

mod document;
mod journal;

pub use document::Document;
pub use journal::{Journal, Values};
