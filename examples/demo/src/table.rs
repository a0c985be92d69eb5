//! The result, for people.

use super::Language;
use super::crew::Member;
use super::verify::Verdict;

const HEADS: [&str; 7] = [
    "writer",
    "acknowledged",
    "found",
    "updates",
    "counted",
    "killed",
    "appends/s",
];

/// A line a writer, and one for each language and for all.
pub fn print(languages: &[Language], members: &[Member], verdict: &Verdict, seconds: f64) {
    let mut rows = Vec::new();
    let mut total = Sum::default();
    for (number, language) in languages.iter().enumerate() {
        let mut sum = Sum::default();
        for (i, member) in members.iter().enumerate() {
            if member.language != number {
                continue;
            }
            let told = member.told();
            let one = Sum {
                writers: 1,
                acknowledged: told.appended,
                found: verdict.found[i],
                updates: told.updated,
                counted: verdict.counted[i],
                killed: u64::from(told.killed),
            };
            let killed = if told.killed { "yes" } else { "" };
            rows.push(one.row(&member.name, killed, member.rate()));
            sum.add(&one);
        }
        let label = format!("all {} {}", sum.writers, language.name);
        rows.push(sum.row(
            &label,
            &sum.killed.to_string(),
            sum.acknowledged as f64 / seconds,
        ));
        rows.push(Vec::new());
        total.add(&sum);
    }
    let rate = total.acknowledged as f64 / seconds;
    let label = format!("all {}", total.writers);
    rows.push(total.row(&label, &total.killed.to_string(), rate));
    lay_out(&rows).iter().for_each(|line| println!("{line}"));
}

#[derive(Default)]
struct Sum {
    writers: u64,
    acknowledged: u64,
    found: u64,
    updates: u64,
    counted: u64,
    killed: u64,
}

impl Sum {
    fn add(&mut self, other: &Sum) {
        self.writers += other.writers;
        self.acknowledged += other.acknowledged;
        self.found += other.found;
        self.updates += other.updates;
        self.counted += other.counted;
        self.killed += other.killed;
    }

    fn row(&self, label: &str, killed: &str, rate: f64) -> Vec<String> {
        vec![
            label.into(),
            grouped(self.acknowledged),
            grouped(self.found),
            grouped(self.updates),
            grouped(self.counted),
            killed.into(),
            grouped(rate.round() as u64),
        ]
    }
}

/// Columns as wide as their widest entry, numbers to the right; an empty row is a rule.
fn lay_out(rows: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.len()).max().unwrap_or(0);
        widest.max(HEADS[column].len())
    };
    let widths: Vec<usize> = (0..HEADS.len()).map(width).collect();
    let rule = "-".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1));
    let line = |cells: Vec<&str>| {
        let cells: Vec<String> = cells
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(i, (cell, width))| match i {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(HEADS.to_vec()), rule.clone()];
    for row in rows {
        lines.push(match row.is_empty() {
            true => rule.clone(),
            false => line(row.iter().map(String::as_str).collect()),
        });
    }
    lines
}

/// 1234567 as 1,234,567.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn columns_line_up() {
        let row = |first: &str, number: &str| {
            let mut row = vec![number.to_owned(); HEADS.len()];
            row[0] = first.into();
            row
        };
        let lines = lay_out(&[row("a-long-name", "1"), Vec::new(), row("b", "123,456,789")]);
        let ends: Vec<usize> = lines.iter().map(String::len).collect();
        assert!(ends.iter().all(|&end| end == ends[0]), "{lines:#?}");
    }
}
