//! Sessions: a directory each, with a journal, a state document and a lease.
//!
//! ```text
//! options.rs    the options of a store
//! store.rs      the sessions by their keys; name.rs: keys and file names
//! shared.rs     the state that a store and its sessions share
//! handle.rs     one session; files.rs: its files
//! directory.rs  makes a session's directory; removal.rs removes it (gone.rs: its
//!               remains)
//! lease.rs      one live owner; marker.rs: the file that names it
//! reconcile.rs  settles a session whose owner died
//! search/       a text in all journals
//! ```

mod directory;
mod files;
mod gone;
mod handle;
mod lease;
mod marker;
mod name;
mod options;
mod owner;
mod reconcile;
mod removal;
mod search;
mod shared;
mod store;

pub use handle::Session;
pub use lease::Lease;
pub use options::StoreOptions;
pub use reconcile::{Reconcile, ReconcileStart, Reconciled};
pub(crate) use search::Finder;
pub use search::{Hit, Search};
pub(crate) use shared::check_file;
pub use store::Store;
