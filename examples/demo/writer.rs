//! One of the demo's writers: appends to a journal and counts in a document,
//! until it gets the order to stop or is killed.
#![allow(clippy::print_stdout, reason = "it reports what is safe to its parent")]

use std::error::Error;
use std::path::Path;
use untorn::{Document, Durability, Journal};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [journal, counter, transcript, name, start, stop, durability] = &arguments[..] else {
        return Err("usage: JOURNAL COUNTER TRANSCRIPT NAME START STOP DURABILITY".into());
    };
    let transcript = std::fs::read_to_string(transcript)?;
    let transcript: Vec<&str> = transcript.trim_end().split('\n').collect();
    let start: usize = start.parse()?;
    let durability: Durability = durability.parse()?;

    let journal = Journal::options().durability(durability).open(journal)?;
    let counter = Document::options().durability(durability).open(counter)?;

    let mut appended = 0;
    while !Path::new(stop).exists() {
        let record = transcript[(start + appended) % transcript.len()];
        let line = format!(r#"{{"writer":"{name}","seq":{appended},"record":{record}}}"#);
        journal.append(line.as_bytes())?;
        println!("append {appended}"); // only now, for only now is the record safe
        appended += 1;

        if appended.is_multiple_of(10) {
            counter.update(|count| Ok(counted(count, name)))?;
            println!("update");
        }
    }
    Ok(())
}

/// The document with one more in its total and one more in this writer's own count.
fn counted(count: Option<&[u8]>, name: &str) -> Vec<u8> {
    let mut count: serde_json::Value =
        serde_json::from_slice(count.unwrap_or(b"{}")).expect("the document holds JSON");
    for key in ["total", name] {
        count[key] = (count[key].as_u64().unwrap_or(0) + 1).into();
    }
    count.to_string().into_bytes()
}
