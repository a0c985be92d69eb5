//! `untorn append`.

use std::io::{BufRead, Read};
use std::str::FromStr;

use untorn::Position;

use crate::args::{Append, Handle};
use crate::exit::{FAILED, Failure, Result};
use crate::output::{Output, count};

#[derive(serde::Serialize)]
struct Appended {
    records: u64,
    /// The journal's end now, for `--at`.
    position: String,
}

pub fn run(append: &Append, handle: &Handle, out: &mut Output) -> Result {
    let journal = handle.journal(&append.path, true, append.parents)?;
    let expected = append.at.as_deref().map(Position::from_str).transpose();
    let expected = expected
        .map_err(|_| Failure::usage("--at takes a position, as append --json prints it"))?;
    let from_input = append.record.as_deref().is_none_or(|record| record == "-");
    let together = append.all || expected.is_some() || append.header.is_some();
    let mut records = 0;
    let end = if !from_input || together {
        let mut batch = journal.batch();
        if let Some(header) = &append.header {
            batch.set_header(header.as_bytes())?;
        }
        match append.record.as_deref().filter(|_| !from_input) {
            Some(record) => {
                batch.push(record.as_bytes())?;
                records = 1;
            }
            None => {
                let mut text = Vec::new();
                std::io::stdin().lock().read_to_end(&mut text)?;
                for line in text
                    .split(|byte| *byte == b'\n')
                    .filter(|line| !line.trim_ascii().is_empty())
                {
                    batch.push(line)?;
                    records += 1;
                }
            }
        }
        journal.append_batch(&batch, expected, &handle.call())?
    } else {
        lines(&journal, handle, &mut records, out)?
    };
    if out.json {
        let position = end.to_string();
        out.object(&Appended { records, position })?;
    }
    Ok(0)
}

/// Appends each line as it comes, so that readers see the output of a long run.
fn lines(
    journal: &untorn::Journal,
    handle: &Handle,
    records: &mut u64,
    out: &mut Output,
) -> Result<Position> {
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    let mut end = journal.end()?;
    let mut number = 0;
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(end);
        }
        number += 1;
        let record = line.strip_suffix(b"\n").unwrap_or(&line);
        if record.trim_ascii().is_empty() {
            continue;
        }
        match journal.append_with(record, &handle.call()) {
            Ok(position) => {
                end = position;
                *records += 1;
            }
            Err(error) => {
                let failure = Failure::from(error);
                out.complain(&format!(
                    "line {number} of standard input: {}",
                    failure.message
                ));
                let before = count(*records, "record");
                let message = format!("in the journal before it: {before}");
                return Err(Failure::new(failure.code.max(FAILED), message));
            }
        }
    }
}
