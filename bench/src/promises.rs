//! What the promises cost: a table of the bare calls, the calls that the promises need, and untorn.

use crate::suite::Way;
use crate::svg::number;
use serde_json::Value;
use std::fmt::Write;

/// Makes the table of rows as the report has them. A work without a figure for each way is left out.
pub fn table(rows: &[Value]) -> String {
    let mut works: Vec<&str> = Vec::new();
    for row in rows {
        match row["work"].as_str() {
            Some(work) if !works.contains(&work) => works.push(work),
            _ => {}
        }
    }
    if works.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "| work | unit | bare calls | calls that the promises need | untorn, Rust |\n\
         | --- | --- | ---: | ---: | ---: |\n",
    );
    for work in works {
        let of = |way: Way| {
            let own = |row: &&Value| row["work"] == work && row["way"] == way.name();
            rows.iter().find(own)
        };
        let cells: Option<Vec<String>> = [Way::Bare, Way::Needed, Way::Untorn]
            .into_iter()
            .map(|way| Some(number(of(way)?["median"].as_f64()?)))
            .collect();
        let unit = of(Way::Bare).and_then(|row| row["unit"].as_str());
        if let (Some(cells), Some(unit)) = (cells, unit) {
            let unit = unit.replace("us", "µs");
            // Writing to a string can't fail.
            let _ = writeln!(text, "| {work} | {unit} | {} |", cells.join(" | "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::table;
    use serde_json::json;

    #[test]
    fn a_work_has_a_column_for_each_way_and_one_that_lacks_a_way_is_left_out() {
        let row = |work: &str, way: &str, median: f64| json!({"work": work, "way": way, "unit": "us", "median": median});
        let rows = [
            row("append", "untorn", 1.9),
            row("append", "bare", 1.0),
            row("save", "bare", 5.0),
            json!({"what": "no work", "median": 1.0}),
            row("append", "needed", 1.5),
        ];
        let table = table(&rows);
        let lines: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(lines, ["| append | µs | 1 | 1.5 | 1.9 |"]);
    }
}
