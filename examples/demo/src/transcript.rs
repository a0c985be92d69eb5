//! The records the demo appends: the user's own, or made up with the sizes of real ones.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Every writer holds the transcript in memory; of a longer one, this much is used.
const MOST_BYTES: usize = 64 << 20;

/// Lengths of the records of an agent's session, as (share of the records, bytes). Half
/// are no longer than 640 B, one in a hundred is over 20 KB, the longest has 80 KB.
const SIZES: [(f64, f64); 5] = [
    (0.0, 160.0),
    (0.5, 640.0),
    (0.9, 4_000.0),
    (0.99, 20_480.0),
    (1.0, 81_920.0),
];

pub struct Transcript {
    /// One JSON value a line, no blank lines: what the writers read.
    pub text: String,
    /// A fingerprint of each record, for the verifier.
    pub fingerprints: Vec<u64>,
    /// Lines of the user's file that were left out.
    pub left_out: usize,
}

impl Transcript {
    /// `records` made-up records: the same ones on every machine.
    pub fn made(records: usize) -> Transcript {
        let mut random = Random::new(7);
        let mut sizes: Vec<usize> = (0..records)
            .map(|i| size_at(i as f64 / (records - 1).max(1) as f64))
            .collect();
        random.shuffle(&mut sizes);
        let mut transcript = Transcript::empty();
        for (number, size) in sizes.into_iter().enumerate() {
            let record = record(number, size, &mut random);
            transcript.push(&record.to_string(), &record);
        }
        transcript
    }

    /// The records of the user's file.
    pub fn read(path: &Path) -> Result<Transcript> {
        let file = std::fs::File::open(path).with_context(|| format!("open {}", path.display()))?;
        let mut transcript = Transcript::empty();
        for line in BufReader::new(file).split(b'\n') {
            let line = line.with_context(|| format!("read {}", path.display()))?;
            if transcript.text.len() + line.len() > MOST_BYTES {
                transcript.left_out += 1;
                continue;
            }
            let line = line.trim_ascii();
            match (std::str::from_utf8(line), serde_json::from_slice(line)) {
                (Ok(text), Ok(value)) => transcript.push(text, &value),
                _ if line.is_empty() => {}
                _ => transcript.left_out += 1,
            }
        }
        if transcript.fingerprints.is_empty() {
            bail!(
                "{} has no line that is a JSON value: the demo takes JSON Lines",
                path.display()
            );
        }
        Ok(transcript)
    }

    fn empty() -> Transcript {
        Transcript {
            text: String::new(),
            fingerprints: Vec::new(),
            left_out: 0,
        }
    }

    fn push(&mut self, line: &str, value: &Value) {
        self.text.push_str(line);
        self.text.push('\n');
        self.fingerprints.push(fingerprint(value));
    }
}

/// A hash of what the JSON means, in any language: Python and Node write what they
/// parsed, with their own spacing and escapes, and Node's numbers are doubles.
pub fn fingerprint(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    mix(value, &mut hasher);
    hasher.finish()
}

fn mix(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Null => 0.hash(hasher),
        Value::Bool(b) => (1, b).hash(hasher),
        // Adding zero makes -0.0 the 0.0 that some writers make of it.
        Value::Number(n) => (2, (n.as_f64().unwrap_or(f64::NAN) + 0.0).to_bits()).hash(hasher),
        Value::String(s) => (3, s).hash(hasher),
        Value::Array(items) => {
            (4, items.len()).hash(hasher);
            items.iter().for_each(|item| mix(item, hasher));
        }
        Value::Object(members) => {
            (5, members.len()).hash(hasher);
            // In serde_json's order, which is by name and not as written.
            for (name, member) in members {
                name.hash(hasher);
                mix(member, hasher);
            }
        }
    }
}

/// The size below which this share of the records lies; between two known points
/// it grows by a constant factor.
fn size_at(share: f64) -> usize {
    let step = SIZES.windows(2).find(|step| share <= step[1].0);
    let &[(from, small), (to, large)] = step.unwrap_or(&SIZES[3..]) else {
        unreachable!("windows of two")
    };
    let part = (share - from) / (to - from);
    (small * (large / small).powf(part)).round() as usize
}

/// A record that is `size` bytes long as JSON.
fn record(number: usize, size: usize, random: &mut Random) -> Value {
    let kind = ["user", "assistant", "tool_use", "tool_result"][number % 4];
    let mut record = json!({
        "type": kind,
        "id": format!("msg_{number:06}"),
        "usage": { "input": random.below(20_000), "output": random.below(4_000) },
        "text": "",
    });
    let room = size.saturating_sub(record.to_string().len());
    record["text"] = text(room, random).into();
    record
}

/// Text that takes `room` bytes once it is escaped.
fn text(room: usize, random: &mut Random) -> String {
    // With what trips naive readers: escapes, line ends inside a string, letters of
    // two, three and four bytes, and U+2028, which some take for the end of a line.
    const WORDS: [&str; 16] = [
        "the ",
        "journal ",
        "of ",
        "a ",
        "session ",
        "\n",
        "\"quoted\" ",
        "C:\\temp ",
        "naïve ",
        "日本語 ",
        "🚀 ",
        "\u{2028}",
        "\t",
        "let x = 1; ",
        "// why ",
        "and so on, ",
    ];
    let (mut text, mut left) = (String::new(), room);
    loop {
        let word = WORDS[random.below(WORDS.len())];
        let length = Value::from(word).to_string().len() - 2;
        if length > left {
            text.push_str(&".".repeat(left));
            return text;
        }
        text.push_str(word);
        left -= length;
    }
}

/// A small generator (xorshift64*): the same numbers everywhere, from a seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        number as usize % limit.max(1)
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_real_transcripts() {
        let transcript = Transcript::made(2_000);
        let mut sizes: Vec<usize> = transcript.text.lines_by_newline().map(str::len).collect();
        assert_eq!(sizes.len(), 2_000);
        assert_eq!(transcript.fingerprints.len(), 2_000);
        sizes.sort_unstable();
        assert!((635..=645).contains(&sizes[1_000]), "{}", sizes[1_000]);
        let long = sizes.iter().filter(|&&size| size > 20_480).count();
        assert!((19..=21).contains(&long), "{long}");
        assert_eq!(sizes[1_999], 81_920);
        assert!(sizes[0] >= 100, "{}", sizes[0]);
    }

    #[test]
    fn the_same_transcript_every_time() {
        assert_eq!(Transcript::made(50).text, Transcript::made(50).text);
    }

    #[test]
    fn every_line_is_what_its_fingerprint_says() {
        let transcript = Transcript::made(300);
        for (line, expected) in transcript
            .text
            .lines_by_newline()
            .zip(&transcript.fingerprints)
        {
            let value: Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(fingerprint(&value), *expected);
        }
    }

    #[test]
    fn fingerprints_see_meaning_and_not_spelling() {
        let of = |text: &str| fingerprint(&serde_json::from_str(text).expect("JSON"));
        assert_eq!(
            of(r#"{"a":1,"b":"é"}"#),
            of("{ \"b\": \"\\u00e9\", \"a\": 1.0 }")
        );
        assert_eq!(of("9007199254740993"), of("9007199254740992"));
        assert_ne!(of("[1,[2]]"), of("[[1],2]"));
        assert_ne!(of(r#"{"a":1}"#), of(r#"{"a":2}"#));
        assert_ne!(of("\"1\""), of("1"));
    }

    #[test]
    fn lines_that_are_not_json_are_left_out_and_counted() {
        let path = std::env::temp_dir().join(format!("untorn-xtask-{}.jsonl", std::process::id()));
        std::fs::write(&path, b"{\"a\":1}\r\n\nnot json\n\xff\n[2]").expect("write");
        let transcript = Transcript::read(&path).expect("read");
        std::fs::remove_file(&path).expect("remove");
        assert_eq!(transcript.text, "{\"a\":1}\n[2]\n");
        assert_eq!(transcript.left_out, 2);
    }

    trait Lines {
        fn lines_by_newline(&self) -> impl Iterator<Item = &str>;
    }

    impl Lines for String {
        fn lines_by_newline(&self) -> impl Iterator<Item = &str> {
            self.trim_end_matches('\n').split('\n')
        }
    }
}
