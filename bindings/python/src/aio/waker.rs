//! How a thread of the library wakes an event loop.

#[cfg(unix)]
use std::io::{PipeReader, PipeWriter, Read, Write};

#[cfg(unix)]
use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;

/// Wakes one event loop.
///
/// If the loop can watch a pipe, a byte in the pipe wakes it. That takes no
/// interpreter lock. So a thread of the library never waits for a busy program,
/// and is never in an interpreter that ends.
pub enum Waker {
    #[cfg(unix)]
    Pipe(PipeReader, PipeWriter),
    /// `loop.call_soon_threadsafe`, and what it must call.
    Call(Py<PyAny>, Py<PyAny>),
}

impl Waker {
    /// Has the loop call `wake` when it is woken.
    pub fn new(event_loop: &Bound<'_, PyAny>, wake: &Bound<'_, PyAny>) -> PyResult<Waker> {
        if let Some(pipe) = watched(event_loop, wake)? {
            return Ok(pipe);
        }
        // Windows' own loop watches no pipes of others.
        let call = event_loop.getattr("call_soon_threadsafe")?;
        Ok(Waker::Call(call.unbind(), wake.clone().unbind()))
    }

    /// `false`: the loop is closed. Not to be called with a mutex held that the
    /// loop's thread may wait for.
    pub fn wake(&self) -> bool {
        match self {
            #[cfg(unix)]
            // It never holds more than two bytes, so this never waits.
            Waker::Pipe(_, writer) => (&*writer).write_all(&[1]).is_ok(),
            Waker::Call(call, wake) => {
                Python::try_attach(|py| call.call1(py, (wake,)).is_ok()).unwrap_or(false)
            }
        }
    }

    /// The loop was woken by `wake`, once.
    pub fn woken(&self) {
        #[cfg(unix)]
        if let Waker::Pipe(reader, _) = self {
            let _ = (&*reader).read_exact(&mut [0]);
        }
    }
}

#[cfg(unix)]
fn watched(event_loop: &Bound<'_, PyAny>, wake: &Bound<'_, PyAny>) -> PyResult<Option<Waker>> {
    use std::os::fd::AsRawFd;

    let (reader, writer) = std::io::pipe()?;
    match event_loop.call_method1("add_reader", (reader.as_raw_fd(), wake)) {
        Ok(_) => Ok(Some(Waker::Pipe(reader, writer))),
        Err(error) if error.is_instance_of::<PyNotImplementedError>(event_loop.py()) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn watched(_: &Bound<'_, PyAny>, _: &Bound<'_, PyAny>) -> PyResult<Option<Waker>> {
    Ok(None)
}
