//! Mends damage in the middle of a journal, and throws nothing away.
//!
//! ```text
//! verbs.rs   the methods of `Journal`: the plan, and the rewrite that carries it out
//! walk.rs    every line in turn, and which are damaged
//! damaged.rs one damaged line: what of it is a record, and what is set aside
//! values.rs  the whole values of a text
//! torn.rs    the methods for what repairs have cut off
//! report.rs  what is, or would be, done
//! ```

mod damaged;
mod report;
mod torn;
mod values;
mod verbs;
mod walk;

pub use report::{Salvage, SalvagedLine};
