//! The plots: points, or lines over the cases, on a logarithmic scale.
//!
//! Plain SVG with the reader's own fonts and the colours of its light or dark page.

use super::results::Row;
use std::fmt::Write;

const WIDTH: f64 = 720.0;
const LINE: f64 = 20.0;
const STYLE: &str = "  <style>
    text { font: 12px system-ui, sans-serif; fill: #1f2328 }
    .small { font-size: 11px; fill: #59636e }
    .grid { stroke: #d1d9e0 }
    .ours { fill: #0f766e; stroke: #0f766e }
    .other { fill: #8c959f; stroke: #8c959f }
    text.ours { stroke: none; font-weight: 600 }
    text.other { stroke: none; fill: #59636e }
    path { fill: none !important; stroke-width: 1.5 }
    path.ours { stroke-width: 2.5 }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc } .small, text.other { fill: #9198a1 } .grid { stroke: #3d444d }
      .ours { fill: #2dd4bf; stroke: #2dd4bf } .other { fill: #7d8590; stroke: #7d8590 }
    }
  </style>\n";

/// Powers of ten around some values.
struct Scale {
    low: i32,
    high: i32,
    from: f64,
    to: f64,
}

impl Scale {
    fn new<'a>(rows: impl IntoIterator<Item = &'a &'a Row>, from: f64, to: f64) -> Scale {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for row in rows {
            low = low.min(place(row.low));
            high = high.max(place(row.high));
        }
        let low = low.floor() as i32;
        Scale {
            low,
            high: (high.ceil() as i32).max(low + 1),
            from,
            to,
        }
    }

    fn at(&self, value: f64) -> f64 {
        let share = (place(value) - f64::from(self.low)) / f64::from(self.high - self.low);
        self.from + (self.to - self.from) * share
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.low..=self.high).map(|power| 10f64.powi(power))
    }
}

/// Nothing measurable is drawn where the smallest values are.
fn place(value: f64) -> f64 {
    value.max(0.001).log10()
}

pub fn number(value: f64) -> String {
    if value >= 1000.0 {
        return super::page::grouped(value.round() as u32);
    }
    // Three digits, as in the result file.
    let digits = match value {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

/// A power of ten in few letters.
fn short(tick: f64) -> String {
    match tick {
        t if t >= 1e6 => format!("{}M", t / 1e6),
        t if t >= 1e3 => format!("{}k", t / 1e3),
        t => number(t),
    }
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

fn frame(title: &str, height: f64, body: &str) -> String {
    let title = escape(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{title}\">\n{STYLE}  \
         <text class=\"small\" x=\"10\" y=\"16\">{title}</text>\n{body}</svg>\n"
    )
}

/// A line a program; a point a case, larger for the later ones. The quickest stand first.
pub fn points(title: &str, rows: &[&Row], more_is_better: bool) -> String {
    const LABELS: f64 = 210.0;
    let mut body = String::new();
    let cases = cases(rows);
    let scale = Scale::new(rows, LABELS, WIDTH - 90.0);
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
    let scale = Scale::new(rows, HEIGHT - 44.0, 50.0);
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
        for tick in scale.ticks() {
            let y = scale.at(tick);
            let _ = writeln!(
                body,
                "  <line class=\"grid\" x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\n  \
                 <text class=\"small\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 6.0,
                y + 4.0,
                short(tick)
            );
        }
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

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_with_three_digits_at_least() {
        assert_eq!(number(0.0123), "0.012");
        assert_eq!(number(1.5), "1.5");
        assert_eq!(number(23.4), "23.4");
        assert_eq!(number(456.0), "456");
        assert_eq!(number(123_000.0), "123,000");
        assert_eq!(number(100.0), "100");
        assert_eq!(number(0.001), "0.001");
        assert_eq!([0.1, 1e4, 1e6].map(short), ["0.1", "10k", "1M"]);
    }
}
