//! The steps on headers.

use serde_json::Value;
use untorn::Error;

use super::data::bytes;
use super::outcome::Outcome;
use super::steps::Stage;

type Result<T> = std::result::Result<T, Error>;

impl Stage {
    pub fn header_step(&mut self, step: &Value) -> Result<Outcome> {
        let journal = self.journal(step);
        if step["op"] == "header" {
            return Ok(Outcome {
                value: Some(journal.header()?),
                ..Outcome::default()
            });
        }
        journal.set_header_with(&bytes(&step["bytes"]), &self.call(step))?;
        Ok(Outcome::default())
    }
}
