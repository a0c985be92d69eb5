//! What is written and read: records shaped like those of an agent's transcript.

use anyhow::Result;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// A record whose line, newline included, is 200 bytes long.
pub fn record() -> Vec<u8> {
    let head =
        r#"{"type":"message","role":"assistant","id":"msg_01HQ8","ts":1731990000.25,"text":""#;
    let text = "The tail is whole again; the next append goes to its own line. ".repeat(2);
    let room = 199 - head.len() - 2;
    let record = format!("{head}{}\"}}", &text[..room]);
    assert_eq!(record.len(), 199);
    record.into_bytes()
}

/// A JSON document of 4,096 bytes.
pub fn document() -> Vec<u8> {
    let head = r#"{"session":"a1","messages":["#;
    let mut text = String::from(head);
    while text.len() < 3900 {
        text.push_str(r#"{"role":"user","content":"next"},"#);
    }
    text.push('"');
    text.push_str(&"x".repeat(4096 - text.len() - 3));
    text.push_str("\"]}");
    assert_eq!(text.len(), 4096);
    text.into_bytes()
}

/// A small deterministic generator: the same file on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The sizes of real transcripts: median 640 B, one in a hundred over 20 KB, up to 80 KB.
fn line(random: &mut Random) -> Vec<u8> {
    const WORDS: [&str; 12] = [
        "append",
        "the tail",
        "reads",
        "a record",
        "\\n    let x = 1;",
        "\\\"quoted\\\"",
        "naïve",
        "src/main.rs",
        "OK",
        "error: expected `;`",
        "line 42",
        "→ done",
    ];
    let size = match random.unit() {
        x if x < 0.01 => 20_000.0 + 60_000.0 * random.unit(),
        // Log-uniform around the median.
        _ => 640.0 * 8f64.powf(random.unit() * 2.0 - 1.0),
    };
    let id = random.next() % 1_000_000;
    let mut text = format!(
        r#"{{"type":"message","role":"assistant","id":{id},"usage":{{"input":{},"output":{}}},"text":""#,
        id % 9000,
        id % 700
    );
    while text.len() < size as usize {
        text.push_str(WORDS[(random.next() % WORDS.len() as u64) as usize]);
        text.push(' ');
    }
    text.push_str("\"}\n");
    text.into_bytes()
}

/// A journal of at least `bytes` bytes of such records, kept from run to run.
pub fn journal(dir: &Path, name: &str, bytes: u64) -> Result<PathBuf> {
    let path = dir.join(name);
    if std::fs::metadata(&path).is_ok_and(|m| m.len() >= bytes) {
        return Ok(path);
    }
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let pool: Vec<Vec<u8>> = (0..8192).map(|_| line(&mut random)).collect();
    // Under another name until it is whole: an interrupted run leaves no short file behind.
    let unfinished = dir.join(format!("{name}.part"));
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&unfinished)?);
    let mut written = 0;
    while written < bytes {
        let line = &pool[(random.next() % pool.len() as u64) as usize];
        out.write_all(line)?;
        written += line.len() as u64;
    }
    // Written back now, so that it does not happen during a measurement.
    out.into_inner().map_err(|e| e.into_error())?.sync_all()?;
    std::fs::rename(&unfinished, &path)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_and_documents_are_json_of_the_size_they_should_have() {
        serde_json::from_slice::<serde_json::Value>(&record()).unwrap();
        serde_json::from_slice::<serde_json::Value>(&document()).unwrap();
    }

    #[test]
    fn journals_have_the_size_distribution_they_should_have() {
        let mut random = Random(1);
        let mut sizes: Vec<usize> = (0..20_000)
            .map(|_| {
                let line = line(&mut random);
                serde_json::from_slice::<serde_json::Value>(&line).unwrap();
                line.len()
            })
            .collect();
        sizes.sort_unstable();
        assert!(
            (600..720).contains(&sizes[10_000]),
            "median {}",
            sizes[10_000]
        );
        let large = sizes.iter().filter(|&&s| s > 20_000).count();
        assert!((140..260).contains(&large), "over 20 KB: {large}");
    }
}
