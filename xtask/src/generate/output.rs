//! What is written: a whole file, or a part of one between two marks.

use anyhow::{Context, Result, bail};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

pub struct Output {
    pub path: String,
    part: Part,
}

enum Part {
    Whole(String),
    /// Lies between a line with `begin` and one with `end`.
    Between {
        begin: String,
        end: String,
        lines: String,
    },
}

/// The first line of a generated file, after the sign of a comment.
pub fn mark(table: &str) -> String {
    format!("Generated from spec/{table}.toml by `cargo xtask generate`. Do not edit.")
}

impl Output {
    /// A whole file of Rust, formatted as the rest of the source.
    pub fn rust(path: &str, text: &str) -> Result<Output> {
        let text = rustfmt(text).with_context(|| format!("format {path}"))?;
        Ok(Output::whole(path, text))
    }

    pub fn whole(path: &str, text: String) -> Output {
        let path = path.to_owned();
        let part = Part::Whole(text);
        Output { path, part }
    }

    /// What lies between the lines that say `begin generated NAME` and `end generated NAME`.
    pub fn between(path: &str, name: &str, lines: String) -> Output {
        let begin = format!("begin generated {name} (");
        let end = format!("end generated {name}");
        Output::between_lines(path, &begin, &end, lines)
    }

    /// The same, where a mark would be shown to users.
    pub fn between_lines(path: &str, begin: &str, end: &str, lines: String) -> Output {
        let path = path.to_owned();
        let (begin, end) = (begin.to_owned(), end.to_owned());
        let part = Part::Between { begin, end, lines };
        Output { path, part }
    }

    pub fn is_current(&self, root: &Path) -> Result<bool> {
        let path = root.join(&self.path);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            other => other.with_context(|| format!("read {}", path.display()))?,
        };
        Ok(self.applied(&text)? == text)
    }

    /// Whether the file was not current.
    pub fn write(&self, root: &Path) -> Result<bool> {
        if self.is_current(root)? {
            return Ok(false);
        }
        let path = root.join(&self.path);
        let text = match &self.part {
            Part::Whole(text) => text.clone(),
            Part::Between { .. } => self.applied(&std::fs::read_to_string(&path)?)?,
        };
        std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        Ok(true)
    }

    /// The file as it must be.
    fn applied(&self, now: &str) -> Result<String> {
        let (begin, end, lines) = match &self.part {
            Part::Whole(text) => return Ok(text.clone()),
            Part::Between { begin, end, lines } => (begin, end, lines),
        };
        let from = now.find(begin.as_str()).and_then(|at| {
            let newline = now[at..].find('\n')?;
            Some(at + newline + 1)
        });
        let to = from.and_then(|from| {
            let at = from + now[from..].find(end.as_str())?;
            now[..at].rfind('\n').map(|newline| newline + 1)
        });
        match (from, to) {
            (Some(from), Some(to)) => Ok(format!("{}{lines}{}", &now[..from], &now[to..])),
            _ => bail!("{} has no lines with `{begin}` and `{end}`", self.path),
        }
    }
}

fn rustfmt(text: &str) -> Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("start rustfmt")?;
    // It reads all before it writes: no pipe fills up.
    let mut input = child.stdin.take().context("rustfmt's input")?;
    input.write_all(text.as_bytes())?;
    drop(input);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("rustfmt: {}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::Output;

    #[test]
    fn a_part_replaces_what_lies_between_its_marks() {
        let part = Output::between("x", "names", "new\n".into());
        let now = "a\n# begin generated names (spec)\nold\n# end generated names\nb\n";
        let then = now.replace("old", "new");
        assert_eq!(part.applied(now).expect("marks"), then);
        assert!(part.applied("a\n# end generated names\n").is_err());
    }
}
