//! The steps on documents.

use serde_json::Value;
use untorn::{Document, Error, Expect};

use super::data::bytes;
use super::options;
use super::outcome::{Kept, Outcome};
use super::steps::{Handle, Stage};

type Result<T> = std::result::Result<T, Error>;

impl Stage {
    pub fn document_step(&mut self, step: &Value) -> Result<Outcome> {
        match step["op"].as_str().expect("op") {
            "document_open" => {
                let document = options::document(step).open(self.path(step))?;
                self.add(step, Handle::Document(document));
                Ok(Outcome::default())
            }
            "load" => {
                let (value, version) = self.document(step).load()?;
                Ok(Outcome {
                    value: Some(Some(value)),
                    ..version.into()
                })
            }
            "load_json" => {
                let (bytes, _) = untorn::load(self.path(step))?;
                untorn::document_json(self.path(step), &bytes)?;
                Ok(Outcome::default())
            }
            "save" | "create" => {
                let document = self.document(step);
                let value = bytes(&step["bytes"]);
                let expect = match step["op"].as_str() {
                    Some("create") => Expect::Absent,
                    _ => self.expect(step),
                };
                let version = document.save_with(&value, expect, &self.call(step))?;
                Ok(version.into())
            }
            "update" => self.update(step),
            "remove" => {
                let expect = self.expect(step);
                let removed = self.document(step).remove_with(expect, &self.call(step))?;
                Ok(Outcome {
                    removed: Some(removed),
                    ..Outcome::default()
                })
            }
            op => panic!("no such op: {op}"),
        }
    }

    fn update(&self, step: &Value) -> Result<Outcome> {
        let document = self.document(step);
        if step.get("lock").is_some() || step.get("timeout").is_some() {
            let mut update = document.begin_update(&self.call(step))?;
            let was = update.value().map(<[u8]>::to_vec);
            let version = update.save(&bytes(&step["bytes"]))?;
            return Ok(Outcome {
                value: Some(was),
                ..version.into()
            });
        }
        let mut was = None;
        let result = document.update(|old| {
            was = Some(old.map(<[u8]>::to_vec));
            match step["fail"] == true {
                true => Err(Error::internal("mine", document.path(), "no")),
                false => Ok(bytes(&step["bytes"])),
            }
        });
        match result {
            Err(error) if step["fail"] == true && error.operation() == "mine" => Ok(Outcome {
                value: was,
                ..Outcome::default()
            }),
            Ok(_) if step["fail"] == true => panic!("the caller's own error was lost"),
            result => Ok(Outcome {
                value: was,
                ..result?.into()
            }),
        }
    }

    fn expect(&self, step: &Value) -> Expect {
        match step["expect"].as_str().map(|name| self.kept.get(name)) {
            None => Expect::Anything,
            Some(Some(Kept::Version(version))) => Expect::Version(*version),
            Some(_) => panic!("no version of this name was kept: {step}"),
        }
    }

    fn document(&self, step: &Value) -> &Document {
        match self.handle(step) {
            Handle::Document(document) => document,
            _ => panic!("not a document: {step}"),
        }
    }
}
