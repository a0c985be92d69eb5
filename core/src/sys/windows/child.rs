//! No second process: Windows makes a process only of a program.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::sys::child::{Answer, Order};

pub(in crate::sys) struct Child(Infallible);

impl Child {
    pub fn start(_: &Path, _: &Path) -> io::Result<Child> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn tell(&mut self, _: Order) -> io::Result<()> {
        match self.0 {}
    }

    pub fn hear(&mut self, _: Duration) -> io::Result<Answer> {
        match self.0 {}
    }

    pub fn kill(self) -> io::Result<()> {
        match self.0 {}
    }
}
