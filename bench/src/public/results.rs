//! The result file: what everything else is made from.

use super::field::Finding;
use super::programs::{self, Program};
use super::works;
use crate::options::Options;
use crate::report::{Machine, row_json};
use crate::suite;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

/// One line of a table.
pub struct Row {
    pub work: String,
    pub case: String,
    pub program: &'static Program,
    pub durable: bool,
    pub unit: String,
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

pub struct Results {
    /// Names and texts, for the page.
    pub facts: Value,
    pub rows: Vec<Row>,
}

fn path() -> PathBuf {
    programs::source("results.json")
}

/// Three digits: more would say nothing, and less would show that figures were rounded.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let unit = 10f64.powf(value.abs().log10().floor() - 2.0);
    let text = format!("{:.9}", (value / unit).round() * unit);
    text.parse().unwrap_or(value)
}

impl Results {
    pub fn new(
        options: &Options,
        load: &str,
        findings: &[Finding],
        costs: &[suite::Row],
    ) -> Result<Results> {
        let mut rows = Vec::new();
        // In the order of the works, whichever of them measured a row.
        for work in works::ALL {
            for finding in findings.iter().filter(|finding| finding.work == work.name) {
                let Ok(figure) = &finding.figure else {
                    continue;
                };
                rows.push(Row {
                    work: finding.work.into(),
                    case: finding.case.clone(),
                    program: finding.program,
                    durable: finding.durable,
                    unit: finding.unit.into(),
                    median: rounded(figure.median),
                    low: rounded(figure.low),
                    high: rounded(figure.high),
                });
            }
        }
        let facts = json!({
            "untorn": untorn::version(),
            "date": command("date", &["-u", "+%Y-%m-%d"])?,
            "machine": Machine::this(options).json(),
            "load": load,
            "versions": versions(options)?,
            "costs": costs.iter().map(cost).collect::<Value>(),
        });
        Ok(Results { facts, rows })
    }

    pub fn committed() -> Result<Results> {
        let text = std::fs::read_to_string(path()).context("there are no results yet")?;
        let mut facts: Value = serde_json::from_str(&text)?;
        let list = facts["rows"].take();
        let list = list.as_array().context("rows")?;
        let rows = list.iter().map(row).collect::<Result<Vec<_>>>()?;
        Ok(Results { facts, rows })
    }

    pub fn write(&self) -> Result<()> {
        let mut all = self.facts.clone();
        all["rows"] = self.rows.iter().map(text).collect();
        let text = serde_json::to_string_pretty(&all)? + "\n";
        std::fs::write(path(), text).with_context(|| format!("write {}", path().display()))?;
        eprintln!("written: {}", path().display());
        Ok(())
    }

    pub fn print(&self) {
        for row in &self.rows {
            let mode = if row.durable { "durable" } else { "" };
            let (label, unit) = (row.program.label, &row.unit);
            eprintln!(
                "{:14} {:>8} {:6} {label:24} {mode:8} {:>10} {unit}",
                row.work,
                row.case,
                row.program.language(),
                row.median
            );
        }
    }

    /// Of one work, in the order in which they were measured.
    pub fn of(&self, work: &str) -> Vec<&Row> {
        self.rows.iter().filter(|row| row.work == work).collect()
    }
}

fn text(row: &Row) -> Value {
    json!({
        "work": row.work, "case": row.case, "program": row.program.key, "durable": row.durable,
        "unit": row.unit, "median": row.median, "low": row.low, "high": row.high,
    })
}

/// As the other report has it, with figures of three digits.
fn cost(row: &suite::Row) -> Value {
    let mut value = row_json(row);
    for name in ["median", "low", "high"] {
        if let Some(figure) = value[name].as_f64() {
            value[name] = json!(rounded(figure));
        }
    }
    value
}

fn row(value: &Value) -> Result<Row> {
    let text =
        |name: &str| -> Result<&str> { value[name].as_str().with_context(|| name.to_owned()) };
    let number = |name: &str| value[name].as_f64().with_context(|| name.to_owned());
    Ok(Row {
        work: text("work")?.into(),
        case: text("case")?.into(),
        program: Program::named(text("program")?)?,
        durable: value["durable"].as_bool().context("durable")?,
        unit: text("unit")?.into(),
        median: number("median")?,
        low: number("low")?,
        high: number("high")?,
    })
}

/// How busy the machine is: the load average of the last minute.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn command(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Of the interpreters, the packages and `tail`.
fn versions(options: &Options) -> Result<Value> {
    let pins = std::fs::read_to_string(programs::source("requirements.txt"))?;
    let mut all = serde_json::Map::new();
    let python = programs::python(options)?;
    let version =
        "import platform, sqlite3; print(platform.python_version(), sqlite3.sqlite_version)";
    let words = command(python, &["-c", version])?;
    let (python, sqlite) = words.split_once(' ').context("two versions")?;
    all.insert("Python".into(), python.into());
    all.insert("sqlite3".into(), sqlite.into());
    all.insert(
        "Node".into(),
        command("node", &["-p", "process.versions.node"])?.into(),
    );
    for (name, version) in pins.lines().filter_map(|line| line.split_once("==")) {
        all.insert(name.into(), version.into());
    }
    let package: Value =
        serde_json::from_str(&std::fs::read_to_string(programs::source("package.json"))?)?;
    for (name, version) in package["dependencies"]
        .as_object()
        .context("dependencies")?
    {
        all.insert(name.clone(), version.clone());
    }
    let tail = command("tail", &["--version"])?;
    let tail = tail.lines().next().and_then(|line| line.rsplit(' ').next());
    all.insert("tail".into(), tail.unwrap_or("unknown").into());
    Ok(all.into())
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn figures_keep_three_digits() {
        assert_eq!(rounded(0.0123456), 0.0123);
        assert_eq!(rounded(123456.0), 123000.0);
        assert_eq!(rounded(1.0), 1.0);
        assert_eq!(rounded(0.0), 0.0);
    }
}
