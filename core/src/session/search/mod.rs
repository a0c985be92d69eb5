//! Searches a text in the journals of all sessions.
//!
//! ```text
//! needle.rs  the text that is searched for: a filter at memory speed, then a comparison
//! text.rs    the text of a record; fold.rs: upper and lower case
//! plan.rs    the journals, in pieces that threads share
//! run.rs     one search; work.rs: what its threads share; hit.rs: what it finds
//! spelling.rs  the ways to write a text
//! finder.rs  one record after another, for engines that are not files
//! ```

mod finder;
mod fold;
mod hit;
mod needle;
mod plan;
mod run;
mod spelling;
mod text;
mod work;

pub(crate) use finder::Finder;
pub use hit::Hit;
pub use run::Search;
