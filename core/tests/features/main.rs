//! The features of the crate that the plain build does not have: `serde` and `tracing`.
//! `cargo test -p untorn --features serde,tracing --test features`

mod traced;
mod typed;
