//! What is made from the results: docs/benchmarks.md, its plots, and the numbers in the README.

use super::chart;
use super::results::{Results, Row};
use super::works::{self, Work};
use crate::svg::number;
use anyhow::{Context, Result};
use std::fmt::Write;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- made by `cargo xtask bench --peers`: begin -->\n";
const END: &str = "<!-- made by `cargo xtask bench --peers`: end -->";

/// Faster by less than a twentieth is as fast: another run may say the opposite.
const CLEARLY: f64 = 0.95;

pub fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

pub fn write(results: &Results) -> Result<()> {
    for (name, text) in files(results)? {
        let path = root().join(name);
        std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        eprintln!("written: {}", path.display());
    }
    Ok(())
}

/// Each file, by its path in the repository.
fn files(results: &Results) -> Result<Vec<(String, String)>> {
    let mut files = vec![("docs/benchmarks.md".to_owned(), page(results)?)];
    let costs = results.facts["costs"].as_array();
    if costs.is_some_and(|costs| !costs.is_empty()) {
        files.push(("docs/figures.md".to_owned(), figures(results)?));
    }
    for work in works::ALL {
        let rows = results.of(work.name);
        let title = format!("{}: {}{}", work.title, rows[0].unit, direction(work));
        let drawing = match work.over {
            Some(over) => chart::lines(&title, over, &rows),
            None => chart::points(&title, &rows, more_is_better(work)),
        };
        files.push((picture(work), drawing));
    }
    let readme = std::fs::read_to_string(root().join("README.md"))?;
    files.push((
        "README.md".to_owned(),
        with_block(&readme, &block(results))?,
    ));
    Ok(files)
}

fn picture(work: &Work) -> String {
    format!("docs/images/bench-{}.svg", work.name)
}

fn more_is_better(work: &Work) -> bool {
    work.name == "contend"
}

fn direction(work: &Work) -> &'static str {
    if more_is_better(work) {
        ", more is better"
    } else {
        ", less is better"
    }
}

fn page(results: &Results) -> Result<String> {
    let mut text = String::from(
        "# Benchmarks\n\n\
         This page compares untorn with the programs that people use in its place. \
         `cargo xtask bench --peers` made the page, its plots and its numbers, in one run.\n\n",
    );
    machine(&mut text, results)?;
    text.push_str(
        "## Method\n\n\
         - Each program is a process of its own. The programs of one work take turns in short slices, so all meet the same weather.\n\n\
         - A figure is the median of the rounds. The thin line in a plot spans the middle half of them.\n\n\
         - Each program does the work as its users would write it, in one short file of \
         [`bench/peers`](../bench/peers/python/worker.py).\n\n\
         - Each program has the options that it has by default. Exceptions stand in its file with their reason.\n\n\
         - The journals and the documents of untorn are JSON Lines and JSON. Encoding and decoding of the object counts for each program.\n\n\
         - The scales are logarithmic. [`results.json`](../bench/peers/results.json) has each figure with its quartiles.\n\n",
    );
    faster(&mut text, results);
    for work in works::ALL {
        section(&mut text, work, &results.of(work.name));
    }
    Ok(text)
}

fn machine(text: &mut String, results: &Results) -> Result<()> {
    let fact = |name: &str| results.facts[name].as_str().context("a fact");
    let machine = |name: &str| results.facts["machine"][name].as_str().context("a machine");
    let cores = &results.facts["machine"]["cores"];
    let _ = writeln!(
        text,
        "| measured on | |\n| --- | --- |\n| date | {} |\n| processor | {}, {cores} cores |\n| kernel | Linux {} |\n\
         | file system | {} |\n| untorn | {} |",
        fact("date")?,
        machine("processor")?,
        machine("kernel")?,
        machine("file_system")?,
        fact("untorn")?
    );
    let versions = results.facts["versions"].as_object().context("versions")?;
    let versions: Vec<String> = versions
        .iter()
        .map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or_default()))
        .collect();
    let load = fact("load")?;
    let _ = writeln!(
        text,
        "| load before the run | {load} |\n| others | {} |\n",
        versions.join(", ")
    );
    if busy(results) {
        text.push_str(
            "**Other work ran on this machine.** So times are longer than on a quiet one, and close figures say little.\n\n",
        );
    }
    Ok(())
}

/// Whether other programs had much of the machine. The load is that of the last minute, in
/// which this program was built: that alone takes every processor.
fn busy(results: &Results) -> bool {
    let load = results.facts["load"]
        .as_str()
        .and_then(|load| load.parse().ok());
    let cores = results.facts["machine"]["cores"].as_f64().unwrap_or(1.0);
    load.unwrap_or(0.0) > cores
}

/// What untorn costs over the bare system calls.
fn figures(results: &Results) -> Result<String> {
    let mut text = String::from(
        "# Figures\n\n\
         These are the costs of untorn over the bare system calls that do the same, in C. [Benchmarks](benchmarks.md) compares with other programs. \
         `cargo xtask bench --peers` made both pages in one run.\n\n\
         A figure is the median of interleaved rounds. A ratio is taken within a round.\n\n",
    );
    machine(&mut text, results)?;
    text.push_str("| measured | figure | unit | wanted |\n| --- | ---: | --- | --- |\n");
    for row in results.facts["costs"].as_array().context("costs")? {
        let word = |name: &str| row[name].as_str().unwrap_or_default();
        let limit = match (row["at_most"].as_f64(), row["at_least"].as_f64()) {
            (Some(limit), _) => format!("at most {limit}"),
            (_, Some(limit)) => format!("at least {limit}"),
            _ => String::new(),
        };
        let median = row["median"].as_f64().context("a median")?;
        let unit = match word("unit") {
            "x" => "times",
            "us" => "µs",
            unit => unit,
        };
        let _ = writeln!(
            text,
            "| {} | {} | {unit} | {limit} |",
            word("what"),
            number(median)
        );
    }
    let rows = results.facts["costs"].as_array().context("costs")?;
    if rows.iter().any(|row| row["work"].is_string()) {
        text.push_str("\n## What the promises cost\n\n");
        text.push_str(&crate::promises::table(rows));
    }
    if rows.iter().any(|row| row["suite"] == "growth") {
        text.push_str(
            "\n## How the cost grows\n\n\
             ![What a call costs as the journal, the directory, the store, the open handles and the followers grow](images/growth.svg)\n",
        );
    }
    Ok(text)
}

/// What is better than every form of untorn in the same language that promises the same.
fn faster(text: &mut String, results: &Results) {
    text.push_str(
        "## Where another program is better\n\n\
         A row names each program whose figure is better than that of untorn in the same language by a twentieth or more. \
         Programs without a lock do less: two processes that use them undo each other's work. \
         In brackets stands the case.\n\n\
         | work | language | program | locks | its figure, if that of untorn is 1 |\n| --- | --- | --- | --- | --- |\n",
    );
    for work in works::ALL {
        let rows = results.of(work.name);
        let mut lines: Vec<(&Row, Vec<String>)> = Vec::new();
        for row in rows.iter().copied().filter(|row| !row.program.is_ours()) {
            let Some(share) = share(work, &rows, row) else {
                continue;
            };
            let better = if more_is_better(work) {
                1.0 / share
            } else {
                share
            };
            if better > CLEARLY {
                continue;
            }
            let figure = match &*row.case {
                "" => number(share),
                case => format!("{} ({case})", number(share)),
            };
            let same = |line: &&mut (&Row, Vec<String>)| {
                (line.0.program.key, line.0.durable) == (row.program.key, row.durable)
            };
            match lines.iter_mut().find(same) {
                Some((_, figures)) => figures.push(figure),
                None => lines.push((row, vec![figure])),
            }
        }
        for (row, figures) in lines {
            let _ = writeln!(
                text,
                "| [{}](#{}) | {} | {} | {} | {} |",
                work.title,
                anchor(work.title),
                row.program.language(),
                chart::label(row),
                yes(row.program.locks),
                figures.join(", ")
            );
        }
    }
    text.push('\n');
}

/// The figure of a row as a share of the best that untorn has in its language, for the same case and promise.
fn share(work: &Work, rows: &[&Row], row: &Row) -> Option<f64> {
    let ours = rows.iter().filter(|ours| {
        ours.program.is_ours()
            && ours.program.language() == row.program.language()
            && (&ours.case, ours.durable) == (&row.case, row.durable)
    });
    let medians = ours.map(|ours| ours.median);
    let best = if more_is_better(work) {
        medians.reduce(f64::max)
    } else {
        medians.reduce(f64::min)
    };
    best.filter(|best| *best > 0.0)
        .map(|best| row.median / best)
}

fn section(text: &mut String, work: &Work, rows: &[&Row]) {
    let unit = &rows[0].unit;
    let _ = writeln!(
        text,
        "## {}\n\n{}\n\n![{}](images/bench-{}.svg)\n",
        work.title, work.method, work.title, work.name
    );
    let cases = chart::cases(rows);
    let named: Vec<&str> = match cases.as_slice() {
        [""] => vec![unit],
        cases => cases.to_vec(),
    };
    let _ = write!(
        text,
        "| {} | language | locks |",
        if named.len() > 1 { &**unit } else { "" }
    );
    for name in &named {
        let _ = write!(text, " {name} |");
    }
    let _ = writeln!(
        text,
        "\n| --- | --- | --- |{}",
        " ---: |".repeat(named.len())
    );
    let mut done: Vec<(&str, bool)> = Vec::new();
    for row in rows {
        if done.contains(&(row.program.key, row.durable)) {
            continue;
        }
        done.push((row.program.key, row.durable));
        let _ = write!(
            text,
            "| {} | {} | {} |",
            chart::label(row),
            row.program.language(),
            yes(row.program.locks)
        );
        for case in &cases {
            let found = rows.iter().find(|other| {
                (other.program.key, other.durable, &*other.case)
                    == (row.program.key, row.durable, *case)
            });
            let figure = found.map_or_else(String::new, |row| number(row.median));
            let _ = write!(text, " {figure} |");
        }
        text.push('\n');
    }
    text.push('\n');
}

fn yes(holds: bool) -> &'static str {
    if holds { "yes" } else { "no" }
}

fn anchor(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
}

/// The README's table: a line a work, a column a program.
fn block(results: &Results) -> String {
    const PROGRAMS: [(&str, &str); 8] = [
        ("python/by_untorn", "untorn, Python"),
        ("python/by_filelock", "filelock"),
        ("python/by_portalocker", "portalocker"),
        ("python/by_sqlite3", "sqlite3"),
        ("node/untorn-sync", "untorn, Node, `…Sync`"),
        ("node/untorn", "untorn, Node, `await`"),
        ("node/proper-lockfile", "proper-lockfile"),
        ("node/better-sqlite3", "better-sqlite3"),
    ];
    const LINES: [(&str, &str, &str, bool); 4] = [
        ("append an object, not synced: µs", "append", "", false),
        ("append an object, synced: µs", "durable", "", true),
        ("8 processes append: a second", "contend", "8", false),
        ("update an object of 2 KB, synced: ms", "update", "", true),
    ];
    let where_ = if busy(results) {
        "with other work on the machine"
    } else {
        ""
    };
    let mut text = format!("| {where_} |");
    for (_, name) in PROGRAMS {
        let _ = write!(text, " {name} |");
    }
    let _ = writeln!(text, "\n| --- |{}", " ---: |".repeat(PROGRAMS.len()));
    for (title, work, case, durable) in LINES {
        let _ = write!(text, "| {title} |");
        for (key, _) in PROGRAMS {
            let rows = results.of(work);
            let row = rows
                .iter()
                .find(|row| (row.program.key, &*row.case, row.durable) == (key, case, durable));
            let _ = write!(
                text,
                " {} |",
                row.map_or_else(String::new, |row| number(row.median))
            );
        }
        text.push('\n');
    }
    text
}

fn with_block(page: &str, block: &str) -> Result<String> {
    let (before, rest) = page
        .split_once(BEGIN)
        .context("the README has no place for the figures")?;
    let (_, after) = rest
        .split_once(END)
        .context("the README's figures have no end")?;
    Ok(format!("{before}{BEGIN}{block}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_plots_and_readme_say_what_the_results_say() {
        let results = Results::committed().unwrap();
        for (name, text) in files(&results).unwrap() {
            let path = root().join(&name);
            let found = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                found == text,
                "{name} is not of results.json: `cargo xtask bench --peers --render`"
            );
        }
    }

    #[test]
    fn another_result_makes_another_page_and_readme() {
        let mut results = Results::committed().unwrap();
        let before = files(&results).unwrap();
        let of = |row: &&mut Row| row.work == "append" && row.program.key == "python/by_untorn";
        results.rows.iter_mut().find(of).unwrap().median = 987_654.0;
        let after = files(&results).unwrap();
        let changed: Vec<&str> = before
            .iter()
            .zip(&after)
            .filter(|(before, after)| before != after)
            .map(|(_, after)| &*after.0)
            .collect();
        assert_eq!(
            changed,
            [
                "docs/benchmarks.md",
                "docs/images/bench-append.svg",
                "README.md"
            ]
        );
    }
}
