//! Prints results: lines for people, or one JSON object per line. Errors and
//! progress go to standard error.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::args::{Color, Common};
use crate::exit::Failure;
use crate::signal;

/// A command that ends sooner shows no progress.
const PATIENCE: Duration = Duration::from_millis(500);
const REDRAW: Duration = Duration::from_millis(100);

#[derive(Clone, Copy)]
pub enum Style {
    Bad,
    Good,
    Name,
    Faint,
}

pub struct Output {
    out: BufWriter<io::Stdout>,
    pub json: bool,
    pub quiet: bool,
    /// Whether standard output is a terminal.
    pub terminal: bool,
    /// Whether it is one on which the screen can be cleared.
    pub escapes: bool,
    colored: bool,
    /// Whether one of many files failed: the exit status says so at the end.
    pub failed: bool,
    progress: Option<Progress>,
}

struct Progress {
    begun: Instant,
    drawn: Option<Instant>,
}

impl Output {
    pub fn new(common: &Common) -> Output {
        let terminal = io::stdout().is_terminal();
        let escapes = terminal && signal::understands_escapes(&io::stdout());
        let colored = match common.color {
            Color::Always => true,
            Color::Never => false,
            // https://no-color.org
            Color::Auto => escapes && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty()),
        };
        let shown = io::stderr().is_terminal()
            && signal::understands_escapes(&io::stderr())
            && !common.no_progress
            && !common.quiet;
        Output {
            out: BufWriter::with_capacity(64 * 1024, io::stdout()),
            json: common.json,
            quiet: common.quiet,
            terminal,
            escapes,
            colored,
            failed: false,
            progress: shown.then(|| Progress {
                begun: Instant::now(),
                drawn: None,
            }),
        }
    }

    /// One line for people.
    pub fn line(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        self.clear_progress();
        self.out.write_all(text.as_ref().as_bytes())?;
        self.out.write_all(b"\n")?;
        // A person, or a program that follows, must see the line now.
        if self.terminal {
            self.out.flush()
        } else {
            Ok(())
        }
    }

    /// Prints bytes of a file unchanged, and a newline.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.clear_progress();
        self.out.write_all(bytes)?;
        self.out.write_all(b"\n")
    }

    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        // A console of Windows takes only text.
        if cfg!(windows) && self.terminal {
            return self
                .out
                .write_all(String::from_utf8_lossy(bytes).as_bytes());
        }
        self.out.write_all(bytes)
    }

    /// Returns how many columns and rows the terminal has now; `None` elsewhere.
    pub fn screen(&self) -> Option<(usize, usize)> {
        let size = terminal_size::terminal_size_of(io::stdout()).filter(|_| self.terminal);
        size.map(|(columns, rows)| (columns.0.into(), rows.0.into()))
    }

    /// One JSON object.
    pub fn object(&mut self, object: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_vec(object).map_err(io::Error::other)?;
        self.bytes(&text)
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.clear_progress();
        self.out.flush()
    }

    /// Prints to standard error, always.
    pub fn complain(&mut self, message: &str) {
        let _ = self.flush();
        let _ = writeln!(io::stderr(), "untorn: {}", harmless(message));
    }

    /// Reports the failure of one of many files.
    pub fn fail(&mut self, failure: &Failure) {
        self.failed = true;
        self.complain(&failure.message);
    }

    /// Prints to standard error, unless `--quiet`.
    pub fn remark(&mut self, message: &str) {
        if !self.quiet {
            let _ = self.flush();
            let _ = writeln!(io::stderr(), "{message}");
        }
    }

    pub fn styled(&self, style: Style, text: &str) -> String {
        if !self.colored {
            return text.to_owned();
        }
        let code = match style {
            Style::Bad => "31",
            Style::Good => "32",
            Style::Name => "36",
            Style::Faint => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// Shows the progress of a long command on a terminal.
    pub fn progress(&mut self, done: u64, all: u64, what: &str) {
        let Some(progress) = &mut self.progress else {
            return;
        };
        let now = Instant::now();
        let early = now - progress.begun < PATIENCE;
        if early || progress.drawn.is_some_and(|drawn| now - drawn < REDRAW) {
            return;
        }
        progress.drawn = Some(now);
        let part = (done * 40).checked_div(all).unwrap_or(0).min(40) as usize;
        let bar = format!("{}{}", "█".repeat(part), "░".repeat(40 - part));
        let text = format!(
            "\r[{bar}] {}/{} {what}\x1b[K",
            thousands(done),
            thousands(all)
        );
        let _ = io::stderr().write_all(text.as_bytes());
    }

    fn clear_progress(&mut self) {
        if let Some(progress) = &mut self.progress
            && progress.drawn.take().is_some()
        {
            let _ = io::stderr().write_all(b"\r\x1b[K");
        }
    }
}

/// `1,234,567`
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 journal`, `2 journals`, `2 entries`
pub fn count(number: u64, word: &str) -> String {
    match (number, word.strip_suffix('y')) {
        (1, _) => format!("1 {word}"),
        _ if word.ends_with('h') => format!("{} {word}es", thousands(number)),
        (_, Some(stem)) => format!("{} {stem}ies", thousands(number)),
        (_, None) => format!("{} {word}s", thousands(number)),
    }
}

/// `186.9 MB`
pub fn size(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64;
    for unit in ["kB", "MB", "GB"] {
        value /= 1000.0;
        if value < 1000.0 {
            return format!("{value:.1} {unit}");
        }
    }
    format!("{:.1} TB", value / 1000.0)
}

/// Makes text of unknown origin safe for a terminal: no control characters.
pub fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{count, harmless, size, thousands};

    #[test]
    fn numbers_for_people() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(count(1, "entry"), "1 entry");
        assert_eq!(count(0, "entry"), "0 entries");
        assert_eq!(count(1000, "tail"), "1,000 tails");
        assert_eq!(size(999), "999 B");
        assert_eq!(size(186_900_000), "186.9 MB");
    }

    #[test]
    fn a_terminal_gets_no_control_characters() {
        assert_eq!(harmless("a\x1b[31mb\r\n"), "a\u{fffd}[31mb\u{fffd}\u{fffd}");
    }
}
