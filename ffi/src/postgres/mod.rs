//! Stores in a PostgreSQL database, through a driver that the caller brings.
//!
//! ```text
//! open.rs  options.rs  checks.rs     what C calls
//! driver.rs                          the callbacks, as the engine's driver
//! answer.rs                          what a callback gives back
//! values.rs                          PostgreSQL's binary format
//! ```

mod answer;
mod checks;
mod driver;
mod open;
mod options;
mod values;

pub(crate) use driver::PostgresDriver;
pub(crate) use options::PostgresOptions;
