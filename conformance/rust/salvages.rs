//! The steps on damage in the middle of a journal, and on held locks.

use std::time::Duration;

use serde_json::{Value, json};
use untorn::{Error, Salvage};

use super::outcome::Outcome;
use super::steps::Stage;

type Result<T> = std::result::Result<T, Error>;

impl Stage {
    pub fn salvage_step(&mut self, step: &Value) -> Result<Outcome> {
        let number = step["number"].as_u64().unwrap_or(0);
        let found = match step["op"].as_str().expect("op") {
            "salvage_plan" => salvaged(&self.journal(step).salvage_plan()?),
            "salvage" => salvaged(&self.journal(step).salvage_with(&self.call(step))?),
            "torn" => self
                .journal(step)
                .torn()?
                .iter()
                .map(|one| json!([one.number, one.offset, one.length, one.nuls, one.why]))
                .collect(),
            "torn_bytes" => {
                return Ok(Outcome {
                    value: Some(Some(self.journal(step).torn_bytes(number)?)),
                    ..Outcome::default()
                });
            }
            "restore_torn" => {
                let journal = self.journal(step);
                return Ok(journal.restore_torn_with(number, &self.call(step))?.into());
            }
            "prune_torn" => {
                let age = Duration::from_millis(step["older_than"].as_u64().expect("older_than"));
                let journal = self.journal(step);
                journal.prune_torn_with(age, &self.call(step))?.into()
            }
            "waiters" => untorn::waiters(self.path(step))?.len().into(),
            _ => untorn::held_below(self.path(step))?
                .iter()
                .map(|held| {
                    let path = held.path.strip_prefix(&self.dir).expect("in the directory");
                    json!([path, held.holder.label])
                })
                .collect(),
        };
        Ok(Outcome::of("found", found))
    }
}

fn salvaged(done: &Salvage) -> Value {
    let lines: Vec<_> = done
        .lines
        .iter()
        .map(|line| {
            let kind = line.kind.as_str();
            json!([
                kind,
                line.offset,
                line.length,
                line.line,
                line.records,
                line.kept,
                line.nuls
            ])
        })
        .collect();
    json!({
        "lines": lines,
        "line_count": done.line_count,
        "records": done.records,
        "kept": done.kept,
        "nuls": done.nuls,
        "left": done.left,
        "tail": done.tail.map(|tail| json!([tail.offset, tail.cut, tail.newline_added])),
    })
}
