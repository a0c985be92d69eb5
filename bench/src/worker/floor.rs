//! The floors: `floors.c` behind the workers' requests.

use super::Worker;
use anyhow::{Context, Result, bail};
use std::ffi::{CString, c_char, c_int, c_long, c_longlong};
use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

#[repr(C)]
struct RawFloor {
    lock: c_int,
    journal: c_int,
    record: *const c_char,
    length: usize,
    end: c_longlong,
}

unsafe extern "C" {
    fn floor_append(floor: *mut RawFloor, kind: c_int, count: c_long) -> c_longlong;
    fn floor_contend(
        floor: *mut RawFloor,
        kind: c_int,
        from: c_longlong,
        until: c_longlong,
        every: c_long,
    ) -> c_longlong;
    fn floor_save(
        directory: c_int,
        target: *const c_char,
        temporary: *const c_char,
        bytes: *const c_char,
        length: usize,
        count: c_long,
        syncs: c_int,
    ) -> c_longlong;
}

/// The files and strings that a `RawFloor` points into.
struct Open {
    raw: RawFloor,
    kind: c_int,
    _lock: File,
    _journal: File,
    _record: Vec<u8>,
}

#[derive(Default)]
pub struct Floor {
    open: Option<Open>,
}

fn open(path: &Path, kind: &str, record: Vec<u8>) -> Result<Open> {
    // The order of `enum kind` in floors.c.
    let kinds = ["bare", "same", "bare-sync", "after-sync", "same-sync"];
    let kind = kinds
        .iter()
        .position(|k| *k == kind)
        .context("kind of floor")?;
    let journal = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(lock)?;
    let raw = RawFloor {
        lock: lock.as_raw_fd(),
        journal: journal.as_raw_fd(),
        record: record.as_ptr().cast(),
        length: record.len(),
        end: 0,
    };
    Ok(Open {
        raw,
        kind: kind as c_int,
        _lock: lock,
        _journal: journal,
        _record: record,
    })
}

fn checked(result: c_longlong) -> Result<f64> {
    if result < 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok(result as f64)
}

impl Worker for Floor {
    fn answer(&mut self, request: &[&str]) -> Result<f64> {
        let current = || "no journal is open";
        match *request {
            ["open", path, kind] => {
                let mut record = crate::data::record();
                record.push(b'\n');
                self.open = Some(open(Path::new(path), kind, record)?);
                Ok(0.0)
            }
            // A batch of 100 records is one write of 20 kB.
            ["open-batch", path, kind] => {
                let mut record = crate::data::record();
                record.push(b'\n');
                self.open = Some(open(Path::new(path), kind, record.repeat(100))?);
                Ok(0.0)
            }
            ["append", count] => {
                let open = self.open.as_mut().with_context(current)?;
                let count: c_long = count.parse()?;
                // SAFETY: what `raw` points to lives in the same `Open`, which stays where it is.
                checked(unsafe { floor_append(&mut open.raw, open.kind, count) })
            }
            ["contend", from, until, every] => {
                let open = self.open.as_mut().with_context(current)?;
                let (from, until, every) = (from.parse()?, until.parse()?, every.parse()?);
                // SAFETY: as above.
                checked(unsafe { floor_contend(&mut open.raw, open.kind, from, until, every) })
            }
            ["close"] => {
                self.open = None;
                Ok(0.0)
            }
            ["save", path, count] => save(Path::new(path), count.parse()?, true),
            ["save-without-sync", path, count] => save(Path::new(path), count.parse()?, false),
            _ => bail!("the floor can't do that"),
        }
    }
}

fn save(path: &Path, count: c_long, syncs: bool) -> Result<f64> {
    let directory = File::open(path.parent().context("the path has a directory")?)?;
    let target = CString::new(path.file_name().context("the path has a name")?.as_bytes())?;
    let temporary = c".save-floor.tmp";
    let bytes = crate::data::document();
    // SAFETY: all pointers are of values that outlive the call; `length` is that of `bytes`.
    checked(unsafe {
        floor_save(
            directory.as_raw_fd(),
            target.as_ptr(),
            temporary.as_ptr(),
            bytes.as_ptr().cast(),
            bytes.len(),
            count,
            syncs.into(),
        )
    })
}
