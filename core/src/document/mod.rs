//! Documents: one value in one file, always replaced whole.
//!
//! ```text
//! options.rs  version.rs    the options; the version of a document
//! load.rs  json.rs          reading; the verdict whether it is JSON
//! replace.rs                the new file, and the rename
//! in_place.rs               documents that carry their own lock
//! update.rs                 read, change and save under one lock
//! ```

mod handle;
mod in_place;
mod json;
pub(crate) mod load;
mod option_fields;
mod options;
mod replace;
mod shared;
mod update;
mod version;

pub use handle::Document;
pub use json::document_json;
pub use option_fields::DocumentOptions;
pub use update::Update;
pub use version::{Expect, Version};
