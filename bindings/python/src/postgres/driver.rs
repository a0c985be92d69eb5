//! The caller's driver: an object of Python that sends statements (`untorn/postgres/_psycopg.py`,
//! `_asyncpg.py`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyInt, PyList, PyString};
use untorn_postgres::{Connection, Driver, Failure, Param, Refusal, Row, Value, stoppable};

use super::call::{interrupted, may_ask, running_token};
use super::ending;

/// `untorn.postgres._failed.Failed`.
static FAILED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Sends statements with an adapter of Python.
pub struct PyDriver {
    adapter: Arc<Py<PyAny>>,
}

impl PyDriver {
    pub fn new(py: Python<'_>, adapter: Py<PyAny>) -> PyResult<PyDriver> {
        ending::prepare(py)?;
        Ok(PyDriver {
            adapter: Arc::new(adapter),
        })
    }

    /// Fails where no statement can be sent.
    fn ready(&self) -> Result<(), Failure> {
        match may_ask() {
            true => Ok(()),
            false => Err(refused("57014", "the call was interrupted")),
        }
    }
}

fn refused(sqlstate: &str, why: &str) -> Failure {
    let refusal = Refusal {
        sqlstate: sqlstate.to_owned(),
        message: why.to_owned(),
        ..Refusal::default()
    };
    Failure::Server(refusal, why.into())
}

/// Works with the interpreter, unless it ends: threads of the engine outlive it.
fn attached<T>(work: impl FnOnce(Python<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
    ending::inside(|| Python::try_attach(work))
        .flatten()
        .unwrap_or_else(|| Err(Failure::NoConnection("the interpreter ends".into())))
}

impl Driver for PyDriver {
    fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        self.ready()?;
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Of all calls of this thread: reads have none of their own.
        let token = running_token();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let adapter = Arc::clone(&self.adapter);
        let stop = move || {
            let _ = attached(|py| {
                let cancelled = adapter.bind(py).call_method1("cancel", (number,));
                cancelled.map(drop).map_err(|error| failed(py, error))
            });
        };
        stoppable(token.as_ref(), stop, || {
            attached(|py| query(self.adapter.bind(py), sql, params, Some(number)))
        })
    }

    /// The collection of garbage drops handles on any thread: on that of the event loop
    /// which carries the statements, or in the middle of another statement.
    fn may_wait_here(&self) -> bool {
        false
    }

    fn own_connection(&self) -> Option<Result<Box<dyn Connection>, Failure>> {
        if let Err(failure) = self.ready() {
            return Some(Err(failure));
        }
        let own = attached(|py| {
            let own = self.adapter.bind(py).call_method0("own");
            let own = own.map_err(|error| failed(py, error))?;
            Ok((!own.is_none()).then(|| own.unbind()))
        });
        match own {
            Ok(None) => None,
            Ok(Some(own)) => Some(Ok(Box::new(PyConnection(own)))),
            Err(failure) => Some(Err(failure)),
        }
    }
}

/// A connection that its user keeps.
struct PyConnection(Py<PyAny>);

impl Connection for PyConnection {
    fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        attached(|py| query(self.0.bind(py), sql, params, None))
    }

    fn notifications(&mut self, wait: Duration) -> Result<Vec<String>, Failure> {
        attached(|py| {
            self.0
                .bind(py)
                .call_method1("notifications", (wait.as_secs_f64(),))
                .and_then(|channels| channels.extract())
                .map_err(|error| failed(py, error))
        })
    }
}

impl Drop for PyConnection {
    fn drop(&mut self) {
        let _ = attached(|py| {
            let closed = self.0.bind(py).call_method0("close");
            closed.map(drop).map_err(|error| failed(py, error))
        });
    }
}

/// `number`: the name by which the adapter can cancel the statement.
fn query(
    of: &Bound<'_, PyAny>,
    sql: &str,
    params: &[Param<'_>],
    number: Option<u64>,
) -> Result<Vec<Row>, Failure> {
    let py = of.py();
    let answer = (|| -> PyResult<Vec<Row>> {
        let list = PyList::empty(py);
        for param in params {
            list.append(object(py, *param)?)?;
        }
        let rows = match number {
            Some(number) => of.call_method1("query", (sql, list, number))?,
            None => of.call_method1("query", (sql, list))?,
        };
        rows.try_iter()?
            .map(|row| row?.try_iter()?.map(|value| taken(&value?)).collect())
            .collect()
    })();
    answer.map_err(|error| failed(py, error))
}

fn object<'py>(py: Python<'py>, param: Param<'_>) -> PyResult<Bound<'py, PyAny>> {
    let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
    Ok(match param {
        Param::Text(text) => text.into_pyobject(py)?.into_any(),
        Param::Int(int) => int.into_pyobject(py)?.into_any(),
        Param::Bool(bool) => PyBool::new(py, bool).to_owned().into_any(),
        Param::Bytes(data) => bytes(data).into_any(),
        Param::Texts(texts) => PyList::new(py, texts)?.into_any(),
        Param::Ints(ints) => PyList::new(py, ints)?.into_any(),
        Param::Blobs(blobs) => {
            let blobs = blobs.iter().map(|blob| blob.map(bytes));
            PyList::new(py, blobs.collect::<Vec<_>>())?.into_any()
        }
    })
}

fn taken(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if value.is_none() {
        return Ok(Value::Null);
    }
    // Before int, as a bool is one.
    if value.is_instance_of::<PyBool>() {
        return value.extract().map(Value::Bool);
    }
    if value.is_instance_of::<PyInt>() {
        return value.extract().map(Value::Int);
    }
    if value.is_instance_of::<PyString>() {
        return value.extract().map(Value::Text);
    }
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(Value::Bytes(bytes.as_bytes().to_vec()));
    }
    if value.is_instance_of::<PyList>() {
        return value.extract().map(Value::Ints);
    }
    match PyBuffer::<u8>::get(value) {
        Ok(buffer) => buffer.to_vec(value.py()).map(Value::Bytes),
        // A type that no statement of the engine looks at.
        Err(_) => Ok(Value::Text(value.str()?.to_string())),
    }
}

/// Says what an exception of the adapter means.
fn failed(py: Python<'_>, error: PyErr) -> Failure {
    match known(py, &error) {
        Ok(Some(failure)) => failure,
        _ if error.is_instance_of::<PyException>(py) => Failure::NoAnswer(error.to_string().into()),
        _ => {
            interrupted(error);
            Failure::NoAnswer("the call was interrupted".into())
        }
    }
}

fn known(py: Python<'_>, error: &PyErr) -> PyResult<Option<Failure>> {
    let class = FAILED.import(py, "untorn.postgres._failed", "Failed")?;
    let failed = error.value(py);
    if !failed.is_instance(class)? {
        return Ok(None);
    }
    let why = failed.str()?.to_string();
    let text = |name: &str| failed.getattr(name)?.extract::<Option<String>>();
    Ok(Some(match text("sqlstate")? {
        Some(sqlstate) => {
            let refusal = Refusal {
                sqlstate,
                message: why,
                detail: text("detail")?,
                hint: text("hint")?,
            };
            Failure::Server(refusal.clone(), Box::new(refusal))
        }
        None if failed.getattr("sent")?.extract()? => Failure::NoAnswer(why.into()),
        None => Failure::NoConnection(why.into()),
    }))
}
