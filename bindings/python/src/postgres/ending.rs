//! The end of the interpreter. It would end a thread in the middle of Python code, with Rust
//! code above that: the process would abort.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// How long a statement may take that was sent before the end.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(1);

/// The thread that ends the interpreter. It may still release what it holds.
static ENDS: OnceLock<ThreadId> = OnceLock::new();
/// How many threads are in Python code of a driver.
static INSIDE: AtomicUsize = AtomicUsize::new(0);

/// Runs code of a driver; `None` if the interpreter ends.
pub fn inside<T>(work: impl FnOnce() -> T) -> Option<T> {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            INSIDE.fetch_sub(1, Ordering::SeqCst);
        }
    }
    INSIDE.fetch_add(1, Ordering::SeqCst);
    let _leave = Leave;
    let may = |ends: &ThreadId| *ends == std::thread::current().id();
    ENDS.get().is_none_or(may).then(work)
}

/// Has the interpreter wait for such threads before it ends.
pub fn prepare(py: Python<'_>) -> PyResult<()> {
    static DONE: PyOnceLock<()> = PyOnceLock::new();
    DONE.get_or_try_init(py, || {
        let wait = wrap_pyfunction!(wait_at_exit, py)?;
        py.import("atexit")?.call_method1("register", (wait,))?;
        Ok(())
    })
    .copied()
}

/// Called in a forked child, which has none of those threads.
pub fn forked() {
    INSIDE.store(0, Ordering::SeqCst);
}

#[pyfunction]
fn wait_at_exit(py: Python<'_>) {
    let _ = ENDS.set(std::thread::current().id());
    py.detach(|| {
        let begun = Instant::now();
        while INSIDE.load(Ordering::SeqCst) > 0 && begun.elapsed() < PATIENCE {
            std::thread::sleep(LOOK);
        }
    });
}
