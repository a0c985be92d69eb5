//! The peers that are this program itself: the floors, untorn from Rust, and locks by themselves.

mod floor;
pub mod growth;
mod lock;
mod many;
mod rust;
mod session;

use anyhow::{Result, bail};
use std::io::{BufRead, Write};

/// What a worker can do; see `suite` for who asks what.
pub trait Worker {
    fn answer(&mut self, request: &[&str]) -> Result<f64>;
}

/// Answers requests until the input ends.
pub fn run(kind: &str) -> Result<()> {
    let mut worker: Box<dyn Worker> = match kind {
        "floor" => Box::new(floor::Floor::default()),
        "rust" => Box::new(rust::Rust::default()),
        "session" => Box::new(session::Session::default()),
        "many" => Box::new(many::Many::default()),
        "growth" => Box::new(growth::Growth::default()),
        "lock" => Box::new(lock::Lock::<lock::Ours>::default()),
        "raw-lock" => Box::new(lock::Lock::<lock::Raw>::default()),
        other => bail!("no such worker: {other}"),
    };
    let mut line = String::new();
    let mut input = std::io::stdin().lock();
    let mut output = std::io::stdout().lock();
    loop {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let request: Vec<&str> = line.trim_end().split('\t').collect();
        let answer = match request.as_slice() {
            ["ready"] => Ok(0.0),
            request => worker.answer(request),
        };
        match answer {
            Ok(number) => writeln!(output, "ok\t{number}")?,
            Err(error) => writeln!(output, "error\t{}", format!("{error:#}").replace('\n', " "))?,
        }
        output.flush()?;
    }
}
