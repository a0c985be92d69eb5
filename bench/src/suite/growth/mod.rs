//! What a call costs as the work grows: as rows, and as a plot (`growth.svg`).

mod files;
mod handles;
mod plot;

use super::{Row, Target};
use crate::measure::Figure;
use crate::options::Options;
use anyhow::{Context, Result};

const SUITE: &str = "growth";

/// What grows, and lines over it that have one unit.
pub struct Panel {
    pub over: &'static str,
    pub unit: &'static str,
    pub curves: Vec<Curve>,
}

pub struct Curve {
    pub what: &'static str,
    /// How much more the last point may be than the first.
    pub at_most: f64,
    pub points: Vec<Point>,
}

pub struct Point {
    pub at: u64,
    /// A figure a round. All points of a curve have met the same rounds.
    pub series: Vec<f64>,
}

pub fn run(options: &Options) -> Result<Vec<Row>> {
    let mut panels = files::panels(options)?;
    panels.extend(handles::panels(options)?);
    std::fs::create_dir_all(&options.out)?;
    let path = options.out.join("growth.svg");
    std::fs::write(&path, plot::svg(&panels))
        .with_context(|| format!("write {}", path.display()))?;
    eprintln!("written: {}", path.display());
    Ok(panels.iter().flat_map(rows).collect())
}

/// A row a curve: its last point by its first.
fn rows(panel: &Panel) -> Vec<Row> {
    let row = |curve: &Curve| {
        let (first, last) = (curve.points.first()?, curve.points.last()?);
        let [from, to] = [first.at, last.at].map(|at| crate::svg::short(at as f64));
        Some(Row::new(
            SUITE,
            format!("Rust, {}: {to} / {from} {}", curve.what, panel.over),
            "x",
            Target::AtMost(curve.at_most),
            Ok(Figure::ratio(&last.series, &first.series)),
        ))
    };
    panel.curves.iter().filter_map(row).collect()
}

/// A curve a measurement, from a series for each size and measurement: those of the first
/// size come first.
pub fn curves(
    sizes: &[u64],
    measured: &[(&'static str, f64)],
    series: Vec<Vec<f64>>,
) -> Vec<Curve> {
    let mut curves: Vec<Curve> = measured
        .iter()
        .map(|&(what, at_most)| Curve {
            what,
            at_most,
            points: Vec::new(),
        })
        .collect();
    for (place, series) in series.into_iter().enumerate() {
        curves[place % measured.len()].points.push(Point {
            at: sizes[place / measured.len()],
            series,
        });
    }
    curves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_has_the_points_of_its_measurement() {
        let series = vec![vec![1.0], vec![10.0], vec![3.0], vec![20.0]];
        let curves = curves(&[5, 500], &[("a", 2.0), ("b", 2.0)], series);
        let points = |curve: &Curve| -> Vec<(u64, f64)> {
            let point = |point: &Point| (point.at, point.series[0]);
            curve.points.iter().map(point).collect()
        };
        assert_eq!(points(&curves[0]), [(5, 1.0), (500, 3.0)]);
        assert_eq!(points(&curves[1]), [(5, 10.0), (500, 20.0)]);
        let panel = Panel {
            over: "files",
            unit: "µs",
            curves,
        };
        let rows = rows(&panel);
        assert_eq!(rows[0].what, "Rust, a: 500 / 5 files");
        assert_eq!(rows[0].figure.as_ref().unwrap().median, 3.0);
    }
}
