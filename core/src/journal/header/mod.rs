//! Reads and writes the header. It is the first line, if that begins with the prefix
//! that the handle was opened with. It is not a record.
//!
//! ```text
//! verbs.rs  the methods of `Journal`
//! line.rs   the line: its padding, and whether it is a header
//! read.rs   the header, without a lock
//! stamp.rs  a header put into the file, with the records of the same step
//! ```

mod line;
mod read;
mod stamp;
mod verbs;

pub(crate) use line::{is_header, pad, read_line, room, text};
pub(crate) use read::read_line_of;
pub(crate) use verbs::of;
