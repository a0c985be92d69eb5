//! Sets up what is still missing: virtual environments, npm projects,
//! programs of the system, cargo-deny, other systems.

pub mod cross;
pub mod deny;
pub mod node;
pub mod python;
pub mod system;
