//! The steps that rewrite a journal, and those of another program.

use std::time::Duration;

use serde_json::Value;
use untorn::Error;
use untorn_postgres::{Journal, Rewrite};

use super::data::bytes;
use super::outcome::Outcome;
use super::steps::{Handle, Result, Stage, call, text};

impl Stage {
    fn journal(&self, step: &Value) -> Journal {
        match self.handles.get(text(step, "on")) {
            Some(Handle::Journal(journal)) => journal.clone(),
            _ => panic!("no journal of this name: {step}"),
        }
    }

    pub fn rewrite_step(&mut self, op: &str, step: &Value) -> Result<Outcome> {
        let (journal, call) = (self.journal(step), call(step));
        let kept = |name| Outcome::of("rotated", Value::from(name));
        Ok(match op {
            "rewind" => kept(journal.rewind_with(self.position(&step["to"]), &call)?),
            "rotate" => kept(journal.rotate_with(&call)?),
            "clear" => kept(journal.clear_with(&call)?),
            "rotated" => Outcome::of("found", journal.rotated()?),
            "prune_rotated" => {
                let keep = step["keep_files"].as_u64().expect("keep_files");
                let age = Duration::from_millis(step["older_than"].as_u64().unwrap_or(0));
                Outcome::of("found", journal.prune_rotated_with(keep, age, &call)?)
            }
            "replace" => {
                let mut batch = journal.batch();
                for record in step["records"].as_array().expect("records") {
                    batch.push(&bytes(record))?;
                }
                journal.replace_batch(&batch, &call)?.into()
            }
            "compact" if step["fail"] == true => {
                let mine = || Error::internal("conformance", std::path::Path::new("j"), "mine");
                let error = journal.compact(|_| Err(mine())).unwrap_err();
                assert_eq!(error.to_string(), mine().to_string());
                Outcome::default()
            }
            "compact" => {
                let mut rewrite = journal.begin_rewrite(&call)?;
                compact(step, &mut rewrite)?;
                rewrite.commit()?.into()
            }
            "header" => Outcome {
                value: Some(journal.header()?),
                ..Outcome::default()
            },
            "set_header" => {
                journal.set_header_with(&bytes(&step["bytes"]), &call)?;
                Outcome::default()
            }
            op => panic!("no such op: {op}"),
        })
    }

    /// What a program does that does not use the crate.
    pub fn foreign_step(&mut self, op: &str, step: &Value) -> Result<Outcome> {
        let mut c = self.at.connect();
        let path = text(step, "path");
        let removed = c.execute(
            "call commit($1, '{remove}', array[$2], '{null}')",
            &[&self.key, &path],
        );
        removed.unwrap();
        if op == "file_replace" {
            let put = "call put($1, $2, $3)";
            c.execute(put, &[&self.key, &path, &bytes(&step["bytes"])])
                .unwrap();
        }
        Ok(Outcome::default())
    }
}

fn compact(step: &Value, rewrite: &mut Rewrite) -> Result<()> {
    let stay = step["stay"].as_array().expect("stay");
    for (number, record) in (0_u64..).zip(rewrite.records()?) {
        if stay.contains(&number.into()) {
            rewrite.push_encoded(&record?.bytes)?;
        }
    }
    for record in step["add"].as_array().expect("add") {
        rewrite.push(&bytes(record))?;
    }
    Ok(())
}
