//! Prints records and values.

use std::path::Path;

use serde::Serialize;
use serde_json::value::RawValue;
use untorn::Position;

use crate::args::Shape;
use crate::exit::{Failure, Result};
use crate::json;
use crate::output::{Output, harmless};

/// How records are printed.
pub struct Printer<'a> {
    pretty: bool,
    steps: Option<Vec<&'a str>>,
    /// Whether the records are JSON.
    json: bool,
}

#[derive(Serialize)]
struct Object<'a> {
    path: &'a Path,
    position: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl<'a> Printer<'a> {
    pub fn new(shape: &'a Shape, json: bool, out: &Output) -> Result<Printer<'a>> {
        let steps = shape.select.as_deref().map(json::steps).transpose();
        Ok(Printer {
            pretty: json && !shape.compact && (shape.pretty || out.terminal),
            steps: steps.map_err(Failure::usage)?,
            json,
        })
    }

    pub fn record(&self, path: &Path, at: Position, bytes: &[u8], out: &mut Output) -> Result<()> {
        let whole = String::from_utf8_lossy(bytes);
        let text = match &self.steps {
            None => Some(&*whole),
            Some(steps) => json::select(&whole, steps),
        };
        if out.json {
            let record: Option<&RawValue> = text
                .filter(|_| self.json)
                .and_then(|text| serde_json::from_str(text).ok());
            let object = Object {
                path,
                position: at.to_string(),
                text: (record.is_none() && !self.json).then(|| whole.clone().into_owned()),
                record,
            };
            return Ok(out.object(&object)?);
        }
        match text {
            None => Ok(()),
            Some(_) if self.steps.is_none() && !self.pretty && !out.terminal => {
                Ok(out.bytes(bytes)?)
            }
            Some(text) => self.value(text, out),
        }
    }

    pub fn header(&self, path: &Path, header: &[u8], out: &mut Output) -> Result<()> {
        let text = String::from_utf8_lossy(header);
        if !out.json {
            return self.value(&text, out);
        }
        let value: Option<&RawValue> = serde_json::from_str(&text).ok();
        Ok(out.object(&serde_json::json!({ "path": path, "header": value }))?)
    }

    /// Prints a value by itself.
    pub fn value(&self, text: &str, out: &mut Output) -> Result<()> {
        let printed = match (self.pretty, out.terminal) {
            (true, _) => out.line(harmless_lines(&json::pretty(text))),
            (false, true) => out.line(harmless(text)),
            (false, false) => out.line(text),
        };
        Ok(printed?)
    }

    /// Whether the bytes are a record of this format.
    pub fn is_good(&self, bytes: &[u8]) -> bool {
        !self.json || untorn::inspect(bytes).is_none()
    }
}

fn harmless_lines(text: &str) -> String {
    text.lines().map(harmless).collect::<Vec<_>>().join("\n")
}
