//! The header: the first line, where it begins with the prefix that the handle
//! was opened with. It is no record.
//!
//! ```text
//! verbs.rs  what callers see
//! line.rs   the line: its padding, and whether there is one
//! read.rs   the header, without a lock
//! stamp.rs  a header put into the file, with what is appended in the same step
//! ```

mod line;
mod read;
mod stamp;
mod verbs;

pub(crate) use line::{is_header, pad, read_line, room, text};
pub(crate) use read::read_line_of;
