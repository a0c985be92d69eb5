//! What handles are opened with: spec/options.toml.

mod c;
mod conformance;
mod core;
mod docs;
mod node;
mod python;
mod table;
mod text;

use super::constants;
use super::output::Output;
use anyhow::Result;
pub use table::Table;
use table::{Kind, Opt};

pub fn outputs(table: &Table, constants: &constants::Table) -> Result<Vec<Output>> {
    let options = table.resolve(constants)?;
    let mut outputs = core::outputs(&options)?;
    outputs.extend(c::outputs(&options)?);
    outputs.extend(python::outputs(&options)?);
    outputs.extend(node::outputs(&options)?);
    outputs.extend(conformance::outputs(&options)?);
    outputs.extend(docs::outputs(&options));
    Ok(outputs)
}

/// The options of a handle.
fn of<'o, 'a>(options: &'o [Opt<'a>], handle: &str) -> Vec<&'o Opt<'a>> {
    options
        .iter()
        .filter(|option| option.is_of(handle))
        .collect()
}

/// A text for each, joined.
fn each(options: &[&Opt<'_>], text: impl Fn(&Opt<'_>) -> String) -> String {
    options.iter().map(|option| text(option)).collect()
}
