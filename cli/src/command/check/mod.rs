//! `untorn check`: finds damage.
//!
//! ```text
//! inspect.rs   checks one file of any kind
//! sum.rs       prints what was found, and the sum at the end
//! ```

mod inspect;
mod sum;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Instant, SystemTime};

pub use inspect::{Answer, inspect, journal};
use sum::Sum;

use crate::args::{Check, Handle};
use crate::exit::{FAILED, FOUND, Result};
use crate::input::{Input, Take, files};
use crate::output::Output;
use crate::tools;

pub fn run(check: &Check, handle: &Handle, out: &mut Output) -> Result {
    let since = check.since.map(|span| SystemTime::now() - span);
    let mut paths = check.paths.clone();
    for tool in &check.tool {
        paths.extend(tools::paths(tool)?);
    }
    if paths.is_empty() {
        out.remark("untorn: none of these tools keeps files here");
        return Ok(0);
    }
    let inputs = files(&paths, Take::All, since, out)?;
    let begun = Instant::now();
    let mut sum = Sum::default();
    let most = check
        .jobs
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let stop = AtomicBool::new(false);
    each_at_once(
        &inputs,
        most.max(1),
        &stop,
        |input| inspect(input, handle),
        |at, found| {
            let input = &inputs[at];
            sum.add(input, &found, check.stat, handle.sealed, out)?;
            if check.fail_fast && sum.damaged + sum.failed > 0 {
                stop.store(true, Ordering::Relaxed);
            }
            out.progress(at as u64 + 1, inputs.len() as u64, "files");
            Ok(())
        },
    )?;
    sum.print(begun, out)?;
    Ok(if sum.failed > 0 {
        FAILED
    } else if sum.damaged > 0 {
        FOUND
    } else {
        0
    })
}

/// Does `work` for each input on several threads, and returns the results in the
/// order of the inputs.
fn each_at_once(
    inputs: &[Input],
    most: usize,
    stop: &AtomicBool,
    work: impl Fn(&Input) -> Answer + Sync,
    mut take: impl FnMut(usize, Answer) -> Result<()>,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        // Bounded: results that wait for an earlier one take memory.
        let (send, receive) = mpsc::sync_channel(4 * most);
        for _ in 0..most.min(inputs.len()) {
            let (send, next, work) = (send.clone(), &next, &work);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(input) = inputs.get(at) else { return };
                    if send.send((at, work(input))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut waiting = BTreeMap::new();
        let mut due = 0;
        let result = receive.iter().try_for_each(|(at, answer)| {
            waiting.insert(at, answer);
            while let Some(answer) = waiting.remove(&due) {
                take(due, answer)?;
                due += 1;
            }
            Ok(())
        });
        stop.store(true, Ordering::Relaxed);
        result
    })
}
