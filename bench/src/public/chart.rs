//! The plots: points, or lines over the cases, on a logarithmic scale.
//!
//! Plain SVG with the reader's own fonts and the colours of its light or dark page.

use super::results::Row;
use crate::svg::{Scale, WIDTH, escape, frame, number, short};
use std::fmt::Write;

const LINE: f64 = 20.0;

/// What a scale must have room for.
fn ends<'a>(rows: &'a [&Row]) -> impl Iterator<Item = f64> + 'a {
    rows.iter().flat_map(|row| [row.low, row.high])
}

fn class(row: &Row) -> &'static str {
    if row.program.is_ours() {
        "ours"
    } else {
        "other"
    }
}

pub fn label(row: &Row) -> String {
    let synced = if row.durable { ", synced" } else { "" };
    format!("{}{synced}", row.program.label)
}

/// A line a program; a point a case, larger for the later ones. The quickest stand first.
pub fn points(title: &str, rows: &[&Row], more_is_better: bool) -> String {
    const LABELS: f64 = 210.0;
    let mut body = String::new();
    let cases = cases(rows);
    let scale = Scale::new(ends(rows), LABELS, WIDTH - 90.0);
    let mut y = 30.0;
    for language in ["Python", "Node"] {
        let mut mine: Vec<&Row> = rows
            .iter()
            .copied()
            .filter(|row| row.program.language() == language && row.case == cases[0])
            .collect();
        if mine.is_empty() {
            continue;
        }
        mine.sort_by(|a, b| a.median.total_cmp(&b.median));
        if more_is_better {
            mine.reverse();
        }
        let _ = writeln!(
            body,
            "  <text class=\"small\" x=\"10\" y=\"{}\">{language}</text>",
            y + 14.0
        );
        y += LINE;
        for first in mine {
            let _ = writeln!(
                body,
                "  <text class=\"{}\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
                class(first),
                LABELS - 12.0,
                y + 14.0,
                escape(&label(first))
            );
            let same =
                |row: &&&Row| row.program.key == first.program.key && row.durable == first.durable;
            for row in rows.iter().filter(same) {
                let case = cases.iter().position(|case| *case == row.case).unwrap_or(0);
                point(&mut body, row, &scale, y + 10.0, 4.0 + 1.5 * case as f64);
                if cases.len() == 1 {
                    let x = scale.at(row.high).max(scale.at(row.median) + 4.0) + 6.0;
                    let value = number(row.median);
                    let _ = writeln!(
                        body,
                        "  <text class=\"small\" x=\"{x:.1}\" y=\"{}\">{value}</text>",
                        y + 14.0
                    );
                }
            }
            y += LINE;
        }
    }
    let mut grid = String::new();
    for tick in scale.ticks() {
        let x = scale.at(tick);
        let _ = writeln!(
            grid,
            "  <line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"30\" y2=\"{y}\"/>\n  \
             <text class=\"small\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            y + 14.0,
            short(tick)
        );
    }
    let sizes = match cases.as_slice() {
        [_] => String::new(),
        cases => format!(
            "; from the small point to the large one: {}",
            cases.join(", ")
        ),
    };
    frame(&format!("{title}{sizes}"), y + 24.0, &(grid + &body))
}

fn point(body: &mut String, row: &Row, scale: &Scale, y: f64, radius: f64) {
    let _ = writeln!(
        body,
        "  <line class=\"{0}\" x1=\"{1:.1}\" x2=\"{2:.1}\" y1=\"{y}\" y2=\"{y}\"/>\n  \
         <circle class=\"{0}\" cx=\"{3:.1}\" cy=\"{y}\" r=\"{radius}\"/>",
        class(row),
        scale.at(row.low),
        scale.at(row.high),
        scale.at(row.median)
    );
}

/// The cases of some rows, in their order.
pub fn cases<'a>(rows: &[&'a Row]) -> Vec<&'a str> {
    let mut cases: Vec<&str> = Vec::new();
    for row in rows {
        if !cases.contains(&&*row.case) {
            cases.push(&row.case);
        }
    }
    cases
}

/// A panel a language, a line a program over the cases.
pub fn lines(title: &str, over: &str, rows: &[&Row]) -> String {
    const HEIGHT: f64 = 300.0;
    const PANEL: f64 = WIDTH / 2.0;
    let cases = cases(rows);
    let scale = Scale::new(ends(rows), HEIGHT - 44.0, 50.0);
    let mut body = String::new();
    for (panel, language) in ["Python", "Node"].into_iter().enumerate() {
        let left = PANEL * panel as f64 + 56.0;
        let right = left + 170.0;
        let x = |case: &str| {
            let place = cases.iter().position(|one| *one == case).unwrap_or(0);
            left + (right - left) * place as f64 / (cases.len() - 1).max(1) as f64
        };
        let _ = writeln!(
            body,
            "  <text class=\"small\" x=\"{left}\" y=\"38\">{language}</text>"
        );
        body.push_str(&scale.heights(left, right));
        for case in &cases {
            let _ = writeln!(
                body,
                "  <text class=\"small\" x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{case}</text>",
                x(case),
                HEIGHT - 26.0
            );
        }
        let _ = writeln!(
            body,
            "  <text class=\"small\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{over}</text>",
            (left + right) / 2.0,
            HEIGHT - 8.0
        );
        panel_lines(&mut body, rows, language, &scale, &x, right);
    }
    frame(title, HEIGHT, &body)
}

fn panel_lines(
    body: &mut String,
    rows: &[&Row],
    language: &str,
    scale: &Scale,
    x: &dyn Fn(&str) -> f64,
    right: f64,
) {
    let mut ends: Vec<(f64, &Row)> = Vec::new();
    let mut keys: Vec<&str> = rows
        .iter()
        .filter(|row| row.program.language() == language)
        .map(|row| row.program.key)
        .collect();
    keys.sort_unstable();
    keys.dedup();
    // Ours last, over the others.
    keys.sort_by_key(|key| {
        rows.iter()
            .any(|row| row.program.key == *key && row.program.is_ours())
    });
    for key in keys {
        let mine: Vec<&Row> = rows
            .iter()
            .copied()
            .filter(|row| row.program.key == key)
            .collect();
        let mut path = String::new();
        for row in &mine {
            let letter = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(
                path,
                "{letter}{:.1} {:.1} ",
                x(&row.case),
                scale.at(row.median)
            );
        }
        let Some(last) = mine.last() else { continue };
        let _ = writeln!(
            body,
            "  <path class=\"{}\" d=\"{}\"/>",
            class(last),
            path.trim_end()
        );
        ends.push((scale.at(last.median), last));
    }
    // Names that would lie on each other move apart, downwards.
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = 0.0;
    for (y, row) in ends {
        let at = y.max(free);
        free = at + 14.0;
        let _ = writeln!(
            body,
            "  <text class=\"{}\" x=\"{}\" y=\"{:.1}\">{}</text>",
            class(row),
            right + 8.0,
            at + 4.0,
            escape(row.program.label)
        );
    }
}
