//! Writes a directory of transcripts, some of them damaged as crashes and other programs
//! damage them. The damage is returned, so a program that searches damage can be
//! tested: it must find these files and no others.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A way in which a transcript is damaged, and the kind that `untorn check` reports.
pub const KINDS: [(&str, Damage); 10] = [
    ("torn_tail", torn),
    ("nul_run", nul_tail),
    ("nul_run", nuls_in_the_middle),
    ("glued", glued),
    ("not_json", half_a_line),
    ("missing_newline", missing_newline),
    ("byte_order_mark", byte_order_mark),
    ("carriage_return", carriage_returns),
    ("not_utf8", not_utf8),
    ("lone_surrogate", lone_surrogate),
];

/// Damages a transcript; the number varies the place.
pub type Damage = fn(&mut Vec<u8>, usize);

/// A file that was damaged, and what `untorn check` must report of it.
pub struct Damaged {
    /// The file.
    pub path: PathBuf,
    /// The kind of damage, or of a note.
    pub kind: &'static str,
}

/// Writes `files` transcripts of about `bytes` bytes each below `dir`. `each` of every
/// kind are damaged, spread over the files.
///
/// # Errors
/// Failures of the system.
///
/// # Panics
/// If there are fewer files than damaged ones.
pub fn make(dir: &Path, files: usize, bytes: usize, each: usize) -> io::Result<Vec<Damaged>> {
    let damaged = each * KINDS.len();
    assert!(damaged <= files, "{damaged} damaged files of {files}");
    let mut made = Vec::new();
    for number in 0..files {
        let path = dir.join(format!("{:02}/session-{number:04}.jsonl", number % 16));
        fs::create_dir_all(path.parent().unwrap_or(dir))?;
        let mut text = transcript(number, bytes);
        // The damaged ones are spread, and the kinds alternate.
        let step = files / damaged.max(1);
        if damaged > 0 && number.is_multiple_of(step) && number / step < damaged {
            let (kind, damage) = KINDS[number / step % KINDS.len()];
            damage(&mut text, number);
            let path = path.clone();
            made.push(Damaged { path, kind });
        }
        fs::write(path, text)?;
    }
    Ok(made)
}

/// A sound transcript: records as agents write them, the same for the same number.
fn transcript(number: usize, bytes: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes + 4096);
    let mut state = number as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut line = 0;
    while text.len() < bytes || line < 8 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let words = 4 + (state >> 33) as usize % 200;
        let said = "so \\\"it\\\" ended:\\n\u{20ac} \\ud83e\\udd80 {[,] ".repeat(words / 8 + 1);
        let role = ["user", "assistant", "tool"][line % 3];
        let record = format!(
            "{{\"uuid\":\"{state:016x}\",\"type\":\"{role}\",\"line\":{line},\"message\":{{\"role\":\"{role}\",\
             \"content\":[{{\"type\":\"text\",\"text\":\"{said}\"}}],\"usage\":{{\"tokens\":{words}}}}}}}\n"
        );
        text.extend_from_slice(record.as_bytes());
        line += 1;
    }
    text
}

/// The starts of the lines, without the first and the last.
fn middle(text: &[u8], number: usize) -> usize {
    let starts: Vec<_> = (1..text.len()).filter(|at| text[at - 1] == b'\n').collect();
    starts[1 + number % (starts.len() - 2)]
}

fn torn(text: &mut Vec<u8>, number: usize) {
    text.truncate(text.len() - 2 - number % 40);
}

fn nul_tail(text: &mut Vec<u8>, _: usize) {
    text.resize(text.len() + 4096, 0);
}

fn nuls_in_the_middle(text: &mut Vec<u8>, number: usize) {
    let at = middle(text, number);
    let nuls = [vec![0; 512], vec![b'\n']].concat();
    text.splice(at..at, nuls);
}

fn glued(text: &mut Vec<u8>, number: usize) {
    let at = middle(text, number);
    text.remove(at - 1);
}

fn half_a_line(text: &mut Vec<u8>, number: usize) {
    let at = middle(text, number);
    let half = text[at..at + 60].to_vec();
    text.splice(at..at, [half, vec![b'\n']].concat());
}

fn missing_newline(text: &mut Vec<u8>, _: usize) {
    text.pop();
}

fn byte_order_mark(text: &mut Vec<u8>, _: usize) {
    text.splice(0..0, *b"\xef\xbb\xbf");
}

fn carriage_returns(text: &mut Vec<u8>, _: usize) {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    *text = lines
        .flat_map(|line| [&line[..line.len() - 1], b"\r\n"].concat())
        .collect();
}

#[expect(clippy::ptr_arg, reason = "all kinds have one type")]
fn not_utf8(text: &mut Vec<u8>, number: usize) {
    let at = middle(text, number);
    // Within the identifier, which is a string.
    text[at + 12] = 0xff;
}

fn lone_surrogate(text: &mut Vec<u8>, number: usize) {
    let at = middle(text, number);
    text.splice(at + 12..at + 12, *b"\\ud83e");
}
