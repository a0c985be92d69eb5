//! The results as a table for people, JSON for programs, and a plot.

use crate::options::Options;
use crate::suite::{Row, Target};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;

pub struct Report {
    rows: Vec<Row>,
    machine: Machine,
    quick: bool,
}

/// Enough to tell which figures can be compared.
pub struct Machine {
    kernel: String,
    processor: String,
    cores: usize,
    file_system: String,
}

impl Machine {
    pub fn this(options: &Options) -> Machine {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let processor = read("/proc/cpuinfo")
            .lines()
            .find(|line| line.starts_with("model name"))
            .and_then(|line| line.split_once(':'))
            .map_or_else(|| "unknown".into(), |(_, name)| name.trim().to_owned());
        Machine {
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            processor,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            file_system: file_system(&options.dir, &read("/proc/self/mounts")),
        }
    }
}

impl Machine {
    pub fn json(&self) -> Value {
        json!({
            "kernel": self.kernel, "processor": self.processor, "cores": self.cores,
            "file_system": self.file_system,
        })
    }
}

/// The type of the mount that `dir` lies on: the one with the longest matching path.
fn file_system(dir: &Path, mounts: &str) -> String {
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((fields.next()?, fields.next()?))
        })
        .filter(|(at, _)| dir.starts_with(at))
        .max_by_key(|(at, _)| at.len())
        .map_or_else(|| "unknown".into(), |(_, kind)| kind.to_owned())
}

fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 1000.0 => format!("{value:.0}"),
        v if v >= 100.0 => format!("{value:.1}"),
        v if v >= 10.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

impl Target {
    pub fn text(self) -> String {
        match self {
            Target::AtMost(limit) => format!("at most {limit}"),
            Target::AtLeast(limit) => format!("at least {limit}"),
            Target::None => String::new(),
        }
    }
}

fn verdict(row: &Row) -> &'static str {
    match &row.figure {
        Err(_) => "NOT MEASURED",
        Ok(figure) => match row.target.reached(figure.median) {
            Some(true) => "pass",
            Some(false) => "MISS",
            None => "",
        },
    }
}

impl Report {
    pub fn new(options: &Options, rows: Vec<Row>) -> Report {
        Report {
            rows,
            machine: Machine::this(options),
            quick: options.quick,
        }
    }

    pub fn all_reached(&self) -> bool {
        self.rows
            .iter()
            .all(|row| matches!(verdict(row), "pass" | ""))
    }

    pub fn write(&self, out: &Path) -> Result<()> {
        std::fs::create_dir_all(out)?;
        let json = serde_json::to_string_pretty(&self.json())? + "\n";
        let files = [
            ("results.md", self.table()),
            ("results.json", json),
            ("results.svg", crate::plot::svg(&self.rows)),
        ];
        for (name, text) in files {
            let path = out.join(name);
            std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
            eprintln!("written: {}", path.display());
        }
        Ok(())
    }

    pub fn print(&self) {
        eprint!("\n{}", self.table());
    }

    fn table(&self) -> String {
        let m = &self.machine;
        let mut text = format!(
            "Medians of interleaved rounds, ratios taken within a round; in brackets the quartiles.\n\
             {} core(s) {}, kernel {}, {}.{}\n\n\
             | measured | unit | target | median | quartiles | |\n|---|---|---:|---:|---:|---|\n",
            m.cores,
            m.processor,
            m.kernel,
            m.file_system,
            if self.quick {
                " QUICK RUN: too few rounds to judge by."
            } else {
                ""
            },
        );
        for row in &self.rows {
            let (median, spread) = match &row.figure {
                Ok(f) => (
                    number(f.median),
                    format!("[{}, {}]", number(f.low), number(f.high)),
                ),
                Err(error) => (format!("{error:#}").replace('|', "/"), String::new()),
            };
            let (what, unit, target) = (&row.what, row.unit, row.target.text());
            // Writing to a string can't fail.
            let _ = writeln!(
                text,
                "| {what} | {unit} | {target} | {median} | {spread} | {} |",
                verdict(row)
            );
        }
        let rows: Vec<Value> = self.rows.iter().map(row_json).collect();
        format!("{text}\n{}", crate::promises::table(&rows))
    }

    fn json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(row_json).collect();
        json!({
            "version": untorn::version(),
            "quick": self.quick,
            "machine": self.machine.json(),
            "rows": rows,
        })
    }
}

pub fn row_json(row: &Row) -> Value {
    let (at_most, at_least) = match row.target {
        Target::AtMost(limit) => (Some(limit), None),
        Target::AtLeast(limit) => (None, Some(limit)),
        Target::None => (None, None),
    };
    let figure = row.figure.as_ref().ok();
    json!({
        "suite": row.suite, "what": row.what, "unit": row.unit,
        "at_most": at_most, "at_least": at_least,
        "median": figure.map(|f| f.median), "low": figure.map(|f| f.low), "high": figure.map(|f| f.high),
        "work": row.way.map(|(work, _)| work), "way": row.way.map(|(_, way)| way.name()),
        "error": row.figure.as_ref().err().map(|e| format!("{e:#}")),
        "verdict": verdict(row),
    })
}
