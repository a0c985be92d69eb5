//! The plot: a panel for each thing that grows, with logarithmic scales.

use super::{Curve, Panel};
use crate::measure::Figure;
use crate::svg::{Scale, WIDTH, escape, frame, short};
use std::fmt::Write;

const HEIGHT: f64 = 210.0;
const TOP: f64 = 28.0;
/// Of two curves next to each other, one is grey.
const CLASSES: [&str; 2] = ["ours", "other"];

pub fn svg(panels: &[Panel]) -> String {
    let mut body = String::new();
    for (place, panel) in panels.iter().enumerate() {
        let left = WIDTH / 2.0 * (place % 2) as f64;
        let top = TOP + HEIGHT * (place / 2) as f64;
        draw(&mut body, panel, left, top);
    }
    let height = TOP + HEIGHT * panels.len().div_ceil(2) as f64;
    frame("What a call costs as the work grows", height, &body)
}

fn draw(body: &mut String, panel: &Panel, left: f64, top: f64) {
    let (from, to) = (left + 46.0, left + 210.0);
    let (bottom, head) = (top + HEIGHT - 46.0, top + 26.0);
    let points = || panel.curves.iter().flat_map(|curve| &curve.points);
    let across = Scale::new(points().map(|point| point.at as f64), from, to);
    let up = Scale::new(
        points().map(|point| Figure::of(&point.series).median),
        bottom,
        head,
    );
    let _ = writeln!(
        body,
        "  <text class=\"small\" x=\"{from}\" y=\"{}\">{}</text>",
        top + 14.0,
        panel.unit
    );
    body.push_str(&up.heights(from, to));
    for tick in across.ticks() {
        let _ = writeln!(
            body,
            "  <text class=\"small\" x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            across.at(tick),
            bottom + 16.0,
            short(tick)
        );
    }
    let _ = writeln!(
        body,
        "  <text class=\"small\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
        (from + to) / 2.0,
        bottom + 32.0,
        panel.over
    );
    for (place, curve) in panel.curves.iter().enumerate() {
        line(body, curve, CLASSES[place % 2], &across, &up);
    }
    names(body, &panel.curves, &up, to + 8.0);
}

fn line(body: &mut String, curve: &Curve, class: &str, across: &Scale, up: &Scale) {
    let mut path = String::new();
    for point in &curve.points {
        let letter = if path.is_empty() { 'M' } else { 'L' };
        let figure = Figure::of(&point.series);
        let x = across.at(point.at as f64);
        let _ = write!(path, "{letter}{x:.1} {:.1} ", up.at(figure.median));
        let _ = writeln!(
            body,
            "  <line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
            up.at(figure.low),
            up.at(figure.high)
        );
    }
    let _ = writeln!(
        body,
        "  <path class=\"{class}\" d=\"{}\"/>",
        path.trim_end()
    );
}

/// The names stand where the lines end. Those that would lie on each other move downwards.
fn names(body: &mut String, curves: &[Curve], up: &Scale, x: f64) {
    let mut ends: Vec<(f64, &str, &str)> = curves
        .iter()
        .enumerate()
        .filter_map(|(place, curve)| {
            let last = Figure::of(&curve.points.last()?.series).median;
            Some((up.at(last), CLASSES[place % 2], curve.what))
        })
        .collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = 0.0;
    for (y, class, what) in ends {
        let at = y.max(free);
        free = at + 14.0;
        let _ = writeln!(
            body,
            "  <text class=\"{class}\" x=\"{x}\" y=\"{:.1}\">{}</text>",
            at + 4.0,
            escape(what)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::Point;
    use super::*;

    #[test]
    fn a_line_that_does_not_grow_is_level() {
        let point = |at, figure| Point {
            at,
            series: vec![figure],
        };
        let curve = |what, points| Curve {
            what,
            at_most: 2.0,
            points,
        };
        let panel = Panel {
            over: "files",
            unit: "µs",
            curves: vec![
                curve("level", vec![point(10, 20.0), point(1_000, 20.0)]),
                curve("a < b", vec![point(10, 1.0), point(1_000, 100.0)]),
            ],
        };
        let svg = svg(&[panel]);
        let paths: Vec<Vec<f64>> = svg
            .lines()
            .filter(|line| line.contains("<path"))
            .map(|line| {
                let (_, path) = line.split_once("d=\"").unwrap();
                path.split(|c: char| !(c.is_ascii_digit() || c == '.'))
                    .filter_map(|number| number.parse().ok())
                    .collect()
            })
            .collect();
        assert_eq!(paths[0][1], paths[0][3]);
        assert!(paths[1][1] > paths[1][3], "upwards: {paths:?}");
        assert!(svg.contains("a &lt; b"));
    }
}
