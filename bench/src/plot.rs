//! The plot: a bar for each promise, as its share of what was promised.
//!
//! One scale fits all, since each bar is divided by its own target: a bar that
//! ends before the line keeps the promise. Plain SVG, so that no font or
//! graphics library has to be there.

use crate::suite::{Row, Target};
use std::fmt::Write;

const LINE: f64 = 22.0;
const LABELS: f64 = 420.0;
const WIDTH: f64 = 1000.0;
/// Where the bar of something exactly on target ends.
const LIMIT: f64 = LABELS + 380.0;
const KEPT: &str = "#2f7d4f";
const MISSED: &str = "#b3402a";

pub fn svg(rows: &[Row]) -> String {
    let bars: Vec<Bar> = rows.iter().filter_map(Bar::of).collect();
    let height = LINE * (bars.len() as f64 + 3.0);
    let bottom = height - LINE;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"10\" y=\"18\" font-size=\"14\">What was measured, as a share of what is allowed \
         (shorter is better)</text>\n"
    );
    for (i, bar) in bars.iter().enumerate() {
        bar.draw(&mut svg, LINE * (i as f64 + 1.5));
    }
    let _ = writeln!(
        svg,
        "<line x1=\"{LIMIT}\" x2=\"{LIMIT}\" y1=\"{LINE}\" y2=\"{bottom}\" stroke=\"#222222\" \
         stroke-dasharray=\"4 3\"/>\n\
         <text x=\"{LIMIT}\" y=\"{}\" text-anchor=\"middle\">the limit</text>\n</svg>",
        bottom + 14.0
    );
    svg
}

struct Bar {
    label: String,
    value: String,
    /// 1 is exactly on target; below is better.
    share: f64,
}

impl Bar {
    fn of(row: &Row) -> Option<Bar> {
        let median = row.figure.as_ref().ok()?.median;
        let (share, sign, limit) = match row.target {
            Target::AtMost(limit) => (median / limit, "≤", limit),
            Target::AtLeast(limit) => (limit / median, "≥", limit),
            Target::None => return None,
        };
        let digits = if median < 10.0 { 2 } else { 0 };
        let value = format!("{median:.digits$} {} ({sign} {limit})", row.unit);
        Some(Bar {
            label: escape(&row.what),
            value: escape(&value),
            share,
        })
    }

    fn draw(&self, svg: &mut String, y: f64) {
        let length = ((LIMIT - LABELS) * self.share).clamp(1.0, WIDTH - LABELS - 10.0);
        let color = if self.share <= 1.0 { KEPT } else { MISSED };
        let text = y + LINE / 2.0 + 3.0;
        let (bar, label, value) = (LINE - 6.0, LABELS - 8.0, LABELS + 6.0);
        // On the bar where it is long enough, else after it.
        let (x, ink) = if length > 170.0 {
            (value, "#ffffff")
        } else {
            (LABELS + length + 6.0, "#222222")
        };
        let _ = writeln!(
            svg,
            "<text x=\"{label}\" y=\"{text}\" text-anchor=\"end\">{}</text>\n\
             <rect x=\"{LABELS}\" y=\"{y}\" width=\"{length:.1}\" height=\"{bar}\" fill=\"{color}\"/>\n\
             <text x=\"{x:.1}\" y=\"{text}\" fill=\"{ink}\">{}</text>",
            self.label, self.value
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
    use crate::measure::Figure;

    fn bar(target: Target, median: f64) -> Option<f64> {
        let figure = Ok(Figure {
            median,
            low: median,
            high: median,
        });
        let row = Row {
            suite: "append",
            what: "a < b".into(),
            unit: "x",
            target,
            figure,
            way: None,
        };
        Bar::of(&row).map(|bar| bar.share)
    }

    #[test]
    fn the_share_says_how_much_of_the_allowance_is_used() {
        assert_eq!(bar(Target::AtMost(2.0), 1.0), Some(0.5));
        assert_eq!(bar(Target::AtLeast(2.0), 1.0), Some(2.0));
        assert_eq!(bar(Target::None, 1.0), None);
    }

    #[test]
    fn what_looks_like_markup_is_escaped() {
        let figure = Ok(Figure {
            median: 1.0,
            low: 1.0,
            high: 1.0,
        });
        let row = Row {
            suite: "append",
            what: "a < b & c".into(),
            unit: "x",
            target: Target::AtMost(1.0),
            figure,
            way: None,
        };
        assert!(svg(&[row]).contains("a &lt; b &amp; c"));
    }
}
