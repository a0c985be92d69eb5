//! Other systems than this one: Windows under Wine, musl, and macOS as far as
//! its types can be checked.

mod c;
mod packages;
mod rust;

use crate::log::Log;
use crate::site::Site;
use crate::tools::cross;
use anyhow::Result;

pub use c::windows as windows_c;
pub use packages::windows as windows_packages;
pub use rust::{mac, musl, windows, windows_types};

pub fn set_up(site: &Site, log: &Log) -> Result<()> {
    cross::ensure(site, log)
}
