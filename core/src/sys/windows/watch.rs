//! Nothing yet: a waiter polls, at growing intervals.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::time::Duration;

pub(in crate::sys) struct Watch(Infallible);
pub(in crate::sys) struct Waker(Infallible);

impl Watch {
    pub fn new(_: &Path, _: Option<u32>) -> io::Result<Option<Watch>> {
        Ok(None)
    }

    pub fn renew(&mut self, _: &Path, _: Option<u32>) -> io::Result<()> {
        match self.0 {}
    }

    pub fn wait(&self, _: Option<Duration>) -> io::Result<()> {
        match self.0 {}
    }

    pub fn waker(&self) -> Waker {
        match self.0 {}
    }
}

impl Waker {
    pub fn wake(&self) {
        match self.0 {}
    }
}
