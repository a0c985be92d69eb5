//! What it costs to load a package.

use super::super::field::Finding;
use super::super::programs::{self, Program};
use super::Work;
use crate::measure::{Figure, rounds};
use crate::options::Options;
use anyhow::{Result, ensure};
use std::process::Command;
use std::time::Instant;

pub const TIME: Work = Work {
    name: "import",
    title: "Import",
    method: "A process that imports the package and ends, without what the same process costs that imports nothing.",
    over: None,
    run,
};

pub const MEMORY: Work = Work {
    name: "import-memory",
    title: "Memory after the import",
    method: "The resident memory of that process, without what one has that imports nothing.",
    over: None,
    // Measured with the time.
    run: |_| Ok(Vec::new()),
};

/// A program, and the packages that it imports.
const FIELD: [(&str, &str); 16] = [
    ("python/by_untorn", "untorn"),
    ("python/by_filelock", "filelock"),
    ("python/by_portalocker", "portalocker"),
    ("python/by_fasteners", "fasteners"),
    ("python/by_sqlite3", "sqlite3"),
    ("python/by_diskcache", "diskcache"),
    ("python/by_watchdog", "watchdog.observers"),
    ("node/untorn", "untorn"),
    ("node/proper-lockfile", "proper-lockfile"),
    ("node/write-file-atomic", "write-file-atomic"),
    ("node/atomically", "atomically"),
    ("node/lowdb", "lowdb/node"),
    ("node/conf", "conf"),
    ("node/better-sqlite3", "better-sqlite3"),
    ("node/pino", "pino"),
    ("node/chokidar", "chokidar"),
];

const PYTHON: &str = "print(int(open('/proc/self/statm').read().split()[1]) * 4096)";
const NODE: &str = "console.log(process.memoryUsage.rss())";

/// Milliseconds and megabytes of one process.
struct Cost {
    time: f64,
    memory: f64,
}

fn once(options: &Options, language: &str, package: Option<&str>) -> Result<Cost> {
    let mut command = if language == "Python" {
        let import = package.map_or_else(String::new, |name| format!("import {name}\n"));
        let mut command = Command::new(programs::python(options)?);
        command.args(["-P", "-c", &format!("{import}{PYTHON}")]);
        command
    } else {
        let import = package.map_or_else(String::new, |name| format!("await import('{name}')\n"));
        let mut command = Command::new("node");
        command
            .args(["--input-type=module", "-e", &format!("{import}{NODE}")])
            .current_dir(programs::node(options)?);
        command
    };
    let from = Instant::now();
    let output = command.output()?;
    let time = from.elapsed().as_secs_f64() * 1e3;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let memory: f64 = std::str::from_utf8(&output.stdout)?.trim().parse()?;
    Ok(Cost {
        time,
        memory: memory / 1e6,
    })
}

fn run(options: &Options) -> Result<Vec<Finding>> {
    let count = options.at_most(15);
    let mut findings = Vec::new();
    for language in ["Python", "Node"] {
        let mut field = vec![(None, None)];
        for (key, package) in FIELD {
            let program = Program::named(key)?;
            if program.language() == language {
                field.push((Some(program), Some(package)));
            }
        }
        let mut memory = vec![Vec::new(); field.len()];
        let mut turns: Vec<_> = (0..field.len()).collect();
        let times = rounds(count, &mut turns, |&mut turn| {
            let cost = once(options, language, field[turn].1)?;
            memory[turn].push(cost.memory);
            Ok(cost.time)
        })?;
        // The warm-up is among them; it needs no less memory than the others.
        let nothing = Figure::of(&memory[0]).median;
        for (turn, (program, _)) in field.iter().enumerate() {
            let Some(program) = *program else { continue };
            let finding = |work, unit, values: &[f64]| Finding {
                work,
                case: String::new(),
                program,
                durable: false,
                unit,
                figure: Ok(Figure::of(values)),
            };
            let own: Vec<f64> = times[turn]
                .iter()
                .zip(&times[0])
                .map(|(a, b)| (a - b).max(0.0))
                .collect();
            let kept: Vec<f64> = memory[turn]
                .iter()
                .map(|m| (m - nothing).max(0.0))
                .collect();
            findings.push(finding("import", "ms", &own));
            findings.push(finding("import-memory", "MB", &kept));
        }
    }
    Ok(findings)
}
