//! A holder and waiter in Rust: `untorn-peer KIND PATH COUNTER`. `../peers.py`
//! explains its requests and answers.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fd_lock::RwLock;
use untorn::{CallOptions, ErrorKind, FileLock, Scheme};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A lock of some kind, taken for the time of `work`; `false` if it was only to
/// be tried, and is held.
type WithLock = Box<dyn FnMut(bool, &mut dyn FnMut() -> Result<()>) -> Result<bool>>;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [kind, path, counter] = &arguments[..] else {
        return Err("usage: untorn-peer KIND PATH COUNTER".into());
    };
    let mut with_lock = match kind.to_str() {
        Some("untorn") => ours(path, Scheme::Sidecar),
        Some("untorn-in-place") => ours(path, Scheme::InPlace),
        Some("fd-lock") => theirs(&sidecar(path))?,
        Some("fd-lock-in-place") => theirs(path)?,
        other => return Err(format!("no kind {other:?}").into()),
    };
    let mut input = std::io::stdin().lock().lines();
    while let Some(line) = input.next() {
        let line = line?;
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("count", times) => {
                for _ in 0..times.parse::<u32>()? {
                    with_lock(false, &mut || add_one(counter))?;
                }
                say("counted")?;
            }
            (word @ ("lock" | "try"), _) => {
                let taken = with_lock(word == "try", &mut || {
                    say("locked")?;
                    input.next().ok_or("no unlock")??;
                    Ok(())
                })?;
                say(if taken { "unlocked" } else { "busy" })?;
            }
            _ => return Err(format!("no word {line:?}").into()),
        }
    }
    Ok(())
}

fn sidecar(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn ours(path: &Path, scheme: Scheme) -> WithLock {
    let path = path.to_owned();
    let options = FileLock::options().scheme(scheme);
    Box::new(move |once, work| {
        let call = CallOptions::new();
        let call = if once {
            call.timeout(Some(Duration::ZERO))
        } else {
            call
        };
        match options.acquire_with(&path, &call) {
            Err(error) if once && error.kind() == ErrorKind::Locked => Ok(false),
            Err(error) => Err(error.into()),
            Ok(guard) => {
                work()?;
                guard.release()?;
                Ok(true)
            }
        }
    })
}

fn theirs(path: &Path) -> Result<WithLock> {
    let mut options = OpenOptions::new();
    let mut lock = RwLock::new(options.read(true).append(true).create(true).open(path)?);
    Ok(Box::new(move |once, work| {
        let guard = if once {
            match lock.try_write() {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(false),
                guard => guard?,
            }
        } else {
            lock.write()?
        };
        work()?;
        drop(guard);
        Ok(true)
    }))
}

/// Not atomic by itself: one that is done in between is lost.
fn add_one(counter: &Path) -> Result<()> {
    let mut file: File = OpenOptions::new().read(true).write(true).open(counter)?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    std::thread::yield_now();
    let next = text.trim().parse::<u64>()? + 1;
    file.rewind()?;
    write!(file, "{next}")?;
    Ok(())
}

fn say(word: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{word}")?;
    out.flush()?;
    Ok(())
}
