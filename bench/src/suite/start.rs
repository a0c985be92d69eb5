//! What a program waits for before it can use the library: the processor time of a process
//! that only loads it, above that of one that loads nothing.

use super::{Row, Target, again};
use crate::measure::{Figure, rounds};
use crate::options::Options;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

const SUITE: &str = "start";

/// What is loaded, the program that loads it, and the most milliseconds.
type Named = (&'static str, &'static str, Target);

pub fn run(options: &Options) -> Result<Vec<Row>> {
    let here = options.dir.as_path();
    let python = options.python.as_deref();
    let python = python.context("UNTORN_BENCH_PYTHON is not set");
    let mut rows = above_nothing(
        options,
        python.map(|python| (python, here, "-c", "pass")),
        &[
            (
                "Python, import untorn",
                "import untorn",
                Target::AtMost(15.0),
            ),
            (
                "Python, import untorn.aio",
                "import untorn.aio",
                Target::AtMost(25.0),
            ),
            (
                "Python, from untorn import Journal",
                "from untorn import Journal",
                Target::None,
            ),
            ("Python, import json", "import json", Target::None),
        ],
    );
    let node = options.node.as_deref();
    let node = node.context("UNTORN_BENCH_NODE_PROJECT is not set");
    rows.extend(above_nothing(
        options,
        node.map(|project| (Path::new("node"), project, "-e", "0")),
        &[(
            "Node, require('untorn')",
            "require('untorn')",
            Target::AtMost(25.0),
        )],
    ));
    Ok(rows)
}

fn above_nothing(
    options: &Options,
    start: Result<(&Path, &Path, &str, &str)>,
    named: &[Named],
) -> Vec<Row> {
    let row = |(what, _, target): &Named, figure| {
        let what = format!("{what}, processor time");
        Row::new(SUITE, what, "ms", *target, figure)
    };
    let failed = |error: anyhow::Error| {
        let rows = named.iter().map(|named| row(named, Err(again(&error))));
        rows.collect()
    };
    let (program, dir, flag, nothing) = match start {
        Ok(start) => start,
        Err(error) => return failed(error),
    };
    let mut texts = vec![nothing];
    texts.extend(named.iter().map(|(_, text, _)| *text));
    let series = rounds(options.rounds, &mut texts, |text| {
        let mut command = Command::new(program);
        processor_time(command.current_dir(dir).args([flag, text]))
    });
    match series {
        Err(error) => failed(error),
        Ok(series) => named
            .iter()
            .zip(&series[1..])
            .map(|(named, with)| {
                let above: Vec<f64> = with.iter().zip(&series[0]).map(|(a, b)| a - b).collect();
                row(named, Ok(Figure::of(&above)))
            })
            .collect(),
    }
}

/// Milliseconds of all processors that the program and what it starts take.
fn processor_time(command: &mut Command) -> Result<f64> {
    let before = of_children()?;
    let status = command
        .status()
        .with_context(|| format!("run {command:?}"))?;
    ensure!(status.success(), "{command:?} failed");
    Ok((of_children()? - before) * 1e3)
}

/// Seconds of all processors that the children which have ended took.
fn of_children() -> Result<f64> {
    let mut used = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the call writes the whole structure, or fails.
    let used = unsafe {
        if libc::getrusage(libc::RUSAGE_CHILDREN, used.as_mut_ptr()) != 0 {
            return Err(std::io::Error::last_os_error().into());
        }
        used.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6;
    Ok(seconds(used.ru_utime) + seconds(used.ru_stime))
}
