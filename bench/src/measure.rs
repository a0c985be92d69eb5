//! Medians, and rounds in which subjects take turns.

use anyhow::Result;

/// One figure with the spread of its rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    pub median: f64,
    /// The quartiles.
    pub low: f64,
    pub high: f64,
}

impl Figure {
    pub fn of(values: &[f64]) -> Figure {
        assert!(!values.is_empty(), "a figure needs a value");
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        // Between two values, where the place lies between them.
        let at = |share: f64| {
            let place = (sorted.len() - 1) as f64 * share;
            let (below, above) = (
                sorted[place.floor() as usize],
                sorted[place.ceil() as usize],
            );
            below + (above - below) * place.fract()
        };
        Figure {
            median: at(0.5),
            low: at(0.25),
            high: at(0.75),
        }
    }

    /// Of the ratios a/b round by round: the machine's slow and fast minutes cancel.
    pub fn ratio(a: &[f64], b: &[f64]) -> Figure {
        let ratios: Vec<f64> = a.iter().zip(b).map(|(a, b)| a / b).collect();
        Figure::of(&ratios)
    }

    pub fn times(self, factor: f64) -> Figure {
        Figure {
            median: self.median * factor,
            low: self.low * factor,
            high: self.high * factor,
        }
    }
}

/// Lets `subjects` take turns for so many rounds after one of warm-up; `slice`
/// measures one of them once. The turn begins with another one each round, so
/// that none always follows the same neighbour. Returns a series per subject.
pub fn rounds<S>(
    count: usize,
    subjects: &mut [S],
    mut slice: impl FnMut(&mut S) -> Result<f64>,
) -> Result<Vec<Vec<f64>>> {
    let n = subjects.len();
    let mut series = vec![Vec::with_capacity(count); n];
    for round in 0..=count {
        for turn in 0..n {
            let who = (turn + round) % n;
            let value = slice(&mut subjects[who])?;
            if round > 0 {
                series[who].push(value);
            }
        }
    }
    Ok(series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_quartiles() {
        let figure = Figure::of(&[5.0, 1.0, 3.0, 2.0, 4.0]);
        assert_eq!(
            figure,
            Figure {
                median: 3.0,
                low: 2.0,
                high: 4.0
            }
        );
    }

    #[test]
    fn the_median_of_two_lies_between_them() {
        assert_eq!(Figure::of(&[3.0, 1.0]).median, 2.0);
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // Twice as slow in every round, while the machine itself changes pace.
        let figure = Figure::ratio(&[2.0, 20.0, 200.0], &[1.0, 10.0, 100.0]);
        assert_eq!(
            figure,
            Figure {
                median: 2.0,
                low: 2.0,
                high: 2.0
            }
        );
    }

    #[test]
    fn the_warm_up_round_does_not_count() {
        let mut calls = 0;
        let series = rounds(2, &mut [10.0, 20.0], |subject| {
            calls += 1;
            Ok(*subject + f64::from(calls > 2))
        })
        .unwrap();
        assert_eq!(calls, 6);
        assert_eq!(series, vec![vec![11.0, 11.0], vec![21.0, 21.0]]);
    }
}
