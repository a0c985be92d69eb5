//! The steps that put another file in a journal's place.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use untorn::{Error, Rewrite};

use super::data::bytes;
use super::outcome::Outcome;
use super::steps::Stage;

type Result<T> = std::result::Result<T, Error>;

impl Stage {
    pub fn rewrite_step(&mut self, step: &Value) -> Result<Outcome> {
        let (journal, call) = (self.journal(step), self.call(step));
        match step["op"].as_str().expect("op") {
            "rewind" => {
                let to = self.position(&step["to"]);
                Ok(self.rotated(journal.rewind_with(to, &call)?))
            }
            "rotate" => Ok(self.rotated(journal.rotate_with(&call)?)),
            "rotated" => {
                let names = journal.rotated()?.into_iter();
                let names = names.map(|path| Value::from(self.within(&path)));
                Ok(Outcome::of("found", names.collect::<Value>()))
            }
            "prune_rotated" => {
                let keep = step["keep_files"].as_u64().expect("keep_files");
                let age = Duration::from_millis(step["older_than"].as_u64().unwrap_or(0));
                let count = journal.prune_rotated_with(keep, age, &call)?;
                Ok(Outcome::of("found", Value::from(count)))
            }
            "clear" => Ok(self.rotated(journal.clear_with(&call)?)),
            "replace" => {
                let mut batch = journal.batch();
                for record in step["records"].as_array().expect("records") {
                    batch.push(&bytes(record))?;
                }
                Ok(journal.replace_batch(&batch, &call)?.into())
            }
            "compact" if step["fail"] == true => {
                let mine = || Error::internal("conformance", self.dir.as_path(), "mine");
                let error = journal.compact(|_| Err(mine())).unwrap_err();
                assert_eq!(error.to_string(), mine().to_string());
                Ok(Outcome::default())
            }
            "compact" => {
                let mut rewrite = journal.begin_rewrite(&call)?;
                compact(step, &mut rewrite)?;
                Ok(rewrite.commit()?.into())
            }
            op => panic!("no such op: {op}"),
        }
    }

    /// The path within the case's directory.
    fn rotated(&self, path: Option<PathBuf>) -> Outcome {
        Outcome::of("rotated", path.map(|path| self.within(&path)))
    }

    fn within(&self, path: &Path) -> String {
        let within = path.strip_prefix(&self.dir).expect("in the directory");
        within.to_str().expect("UTF-8").to_owned()
    }
}

fn compact(step: &Value, rewrite: &mut Rewrite) -> Result<()> {
    let stay: Vec<u64> = step["stay"]
        .as_array()
        .expect("stay")
        .iter()
        .map(|number| number.as_u64().expect("a number"))
        .collect();
    for (number, record) in (0..).zip(rewrite.records()?) {
        if stay.contains(&number) {
            rewrite.push_encoded(&record?.bytes)?;
        }
    }
    for record in step["add"].as_array().expect("add") {
        rewrite.push(&bytes(record))?;
    }
    Ok(())
}
