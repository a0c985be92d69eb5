//! Judges histories. It knows nothing of the protocol, only the calls, their times and
//! their answers.

use std::collections::HashMap;
use std::ops::Range;

/// One call on a journal or a register, and its answer.
#[derive(Clone, Debug)]
pub struct Event {
    /// By one clock.
    pub time: Range<u64>,
    pub did: Did,
}

#[derive(Clone, Debug)]
pub enum Did {
    /// Appended this record; `Some`: the end in the answer.
    Append { record: String, end: Option<i64> },
    /// Appended at this end only. `refused`: that was not its end.
    AppendAt {
        record: String,
        at: i64,
        end: Option<i64>,
        refused: bool,
    },
    /// Read this end of the journal.
    End(i64),
    /// Replaced the register's version by another.
    Swap { from: i64, to: i64 },
    /// Read the register's version.
    Version(i64),
}

/// Judges the appends to one journal, whose records are at last `journal`, in order.
///
/// # Errors
/// Says which rule does not hold.
pub fn appends(events: &[Event], journal: &[String]) -> Result<(), String> {
    // Start and end of each record.
    let mut place = HashMap::new();
    let mut offset = 0;
    for record in journal {
        let start = offset;
        offset += record.len() as i64 + 1;
        if place.insert(record.as_str(), (start, offset)).is_some() {
            return Err(format!("{record} is there twice"));
        }
    }
    let mut known = 0;
    for event in events {
        match &event.did {
            Did::Append { record, end } => {
                let there = place.get(record.as_str());
                known += usize::from(there.is_some());
                if let Some(told) = end
                    && there.map(|place| place.1) != Some(*told)
                {
                    return Err(format!(
                        "{record} was acknowledged at {told}, and is at {there:?}"
                    ));
                }
            }
            Did::AppendAt {
                record,
                at,
                end,
                refused,
            } => {
                let there = place.get(record.as_str());
                known += usize::from(there.is_some());
                if there.is_some_and(|there| there.0 != *at) {
                    return Err(format!("{record} was for {at}, and is at {there:?}"));
                }
                if *refused && there.is_some() {
                    return Err(format!("{record} was refused, and is there"));
                }
                if end.is_some() && there.map(|place| place.1) != *end {
                    return Err(format!("{record} was acknowledged, and is at {there:?}"));
                }
            }
            _ => {}
        }
    }
    if known != journal.len() {
        return Err("a record that no caller appended".into());
    }
    // The end as each event knew it. A later call knows as much, and its append is no earlier.
    let end_of = |event: &Event| match &event.did {
        Did::Append { end, .. } => *end,
        Did::AppendAt { end, .. } => *end,
        Did::End(end) => Some(*end),
        _ => None,
    };
    let start_of = |event: &Event| match &event.did {
        Did::Append { record, .. } | Did::AppendAt { record, .. } => {
            place.get(record.as_str()).map(|place| place.0)
        }
        Did::End(end) => Some(*end),
        _ => None,
    };
    for before in events {
        let Some(end) = end_of(before) else { continue };
        for after in events {
            if let Some(start) = start_of(after)
                && before.time.end < after.time.start
                && start < end
            {
                return Err(format!(
                    "{after:?} began after {before:?} ended, and knows less"
                ));
            }
        }
    }
    Ok(())
}

/// Judges a register: every swap has a predecessor of its own, in the order of time.
///
/// # Errors
/// Says which rule does not hold.
pub fn register(events: &[Event], first: i64) -> Result<(), String> {
    let mut next = HashMap::new();
    for event in events {
        if let Did::Swap { from, to } = event.did
            && let Some(other) = next.insert(from, to)
        {
            return Err(format!(
                "both {other} and {to} replaced {from}: one update is lost"
            ));
        }
    }
    let mut order = HashMap::from([(first, 0)]);
    let mut at = first;
    while let Some(to) = next.get(&at) {
        order.insert(*to, order.len());
        at = *to;
    }
    if order.len() != next.len() + 1 {
        return Err("swaps that do not follow from the first version".into());
    }
    let ranks = |event: &Event| match event.did {
        Did::Swap { from, to } => order.get(&from).zip(order.get(&to)).map(|(a, b)| (*a, *b)),
        Did::Version(version) => order.get(&version).map(|rank| (*rank, *rank)),
        _ => None,
    };
    for before in events {
        for after in events {
            if let (Some(a), Some(b)) = (ranks(before), ranks(after))
                && before.time.end < after.time.start
                && a.1 > b.0
            {
                return Err(format!(
                    "{after:?} began after {before:?} ended, and saw less"
                ));
            }
        }
    }
    Ok(())
}

/// Judges leases by the tokens of the writes, in their order: once another owner
/// wrote, the one before never does.
///
/// # Errors
/// Names the token that came back.
pub fn leases(tokens: &[i64]) -> Result<(), String> {
    let mut owners: Vec<i64> = tokens.to_vec();
    owners.dedup();
    match owners.windows(2).find(|pair| pair[0] >= pair[1]) {
        Some(pair) => Err(format!("{} wrote after {}", pair[1], pair[0])),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(time: Range<u64>, did: Did) -> Event {
        Event { time, did }
    }

    fn append(time: Range<u64>, record: &str, end: Option<i64>) -> Event {
        event(
            time,
            Did::Append {
                record: record.into(),
                end,
            },
        )
    }

    #[test]
    fn histories_that_break_a_rule_are_found() {
        let journal = ["a".to_owned(), "b".to_owned()];
        let good = [
            append(0..2, "a", Some(2)),
            append(1..3, "b", Some(4)),
            event(4..5, Did::End(4)),
        ];
        appends(&good, &journal).unwrap();
        let unanswered = [
            append(0..2, "a", Some(2)),
            append(1..9, "b", None),
            append(1..9, "c", None),
        ];
        appends(&unanswered, &journal).unwrap();
        let at = |at, end, refused| {
            event(
                0..9,
                Did::AppendAt {
                    record: "b".into(),
                    at,
                    end,
                    refused,
                },
            )
        };
        appends(
            &[append(0..2, "a", Some(2)), at(2, Some(4), false)],
            &journal,
        )
        .unwrap();
        for (what, bad) in [
            (
                "lost",
                vec![
                    append(0..2, "a", Some(2)),
                    append(0..2, "b", None),
                    append(1..3, "c", Some(6)),
                ],
            ),
            (
                "elsewhere",
                vec![append(0..2, "a", Some(4)), append(1..3, "b", Some(4))],
            ),
            (
                "order",
                vec![append(5..6, "a", Some(2)), append(1..3, "b", Some(4))],
            ),
            (
                "stale read",
                vec![good[0].clone(), good[1].clone(), event(4..5, Did::End(2))],
            ),
            (
                "early read",
                vec![
                    append(5..6, "a", Some(2)),
                    append(5..6, "b", Some(4)),
                    event(1..2, Did::End(4)),
                ],
            ),
            ("nobody's", vec![good[0].clone()]),
            (
                "not at its end",
                vec![good[0].clone(), at(0, Some(4), false)],
            ),
            ("refused", vec![good[0].clone(), at(2, None, true)]),
        ] {
            assert!(appends(&bad, &journal).is_err(), "{what}");
        }
        assert!(appends(&good, &["a".to_owned(), "b".to_owned(), "a".to_owned()]).is_err());

        let swap = |time, from, to| event(time, Did::Swap { from, to });
        let good = [
            swap(0..2, 1, 5),
            swap(1..4, 5, 7),
            event(5..6, Did::Version(7)),
        ];
        register(&good, 1).unwrap();
        for (what, bad) in [
            ("lost update", vec![swap(0..2, 1, 5), swap(1..3, 1, 7)]),
            ("from nowhere", vec![swap(0..2, 1, 5), swap(1..3, 6, 7)]),
            ("order", vec![swap(5..6, 1, 5), swap(0..2, 5, 7)]),
            (
                "stale read",
                vec![swap(0..2, 1, 5), event(3..4, Did::Version(1))],
            ),
        ] {
            assert!(register(&bad, 1).is_err(), "{what}");
        }

        leases(&[1, 1, 2, 2, 7]).unwrap();
        assert!(leases(&[1, 2, 1]).is_err());
    }
}
