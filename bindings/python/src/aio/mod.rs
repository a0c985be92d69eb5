//! What `untorn.aio` is made of: calls that a thread of the library carries out
//! while the event loop goes on.

mod document;
mod journal;
mod later;
mod line;
mod lock;
mod pending;
mod waker;

pub use document::LaterDocument;
pub use journal::{LaterJournal, LaterReader};
pub use lock::{Taken, acquire_later, holder_later, release_later};

use later::{Lane, Later};
use pending::Call;
