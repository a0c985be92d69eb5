//! The commands on documents.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::handle::Shape;

#[derive(ClapArgs)]
pub struct Get {
    pub path: PathBuf,
    /// The path to a value, such as .message.role
    pub key: Option<String>,
    #[command(flatten)]
    pub shape: Shape,
}

#[derive(ClapArgs)]
pub struct Set {
    pub path: PathBuf,
    /// The path to a value, such as .message.role; . is the whole value
    pub key: String,
    /// The new value as JSON; any other text is a string
    pub value: String,
    /// Create the document if it is missing
    #[arg(long)]
    pub create: bool,
    /// Change the document only if it has this version, as `get --json` prints it
    #[arg(long, value_name = "VERSION")]
    pub expect: Option<String>,
}

#[derive(ClapArgs)]
pub struct Edit {
    pub path: PathBuf,
}

#[derive(ClapArgs)]
pub struct Rm {
    pub path: PathBuf,
    /// Remove only this value
    pub key: Option<String>,
    /// Change the document only if it has this version
    #[arg(long, value_name = "VERSION")]
    pub expect: Option<String>,
}
