//! `recording FILE`: records `check`, `repair`, `tail -f` and `who` at work, as an SVG
//! whose lines appear one after the other. What the commands print is what it shows.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Error, Result};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// One line on the screen, and when it appears, in seconds.
struct Line(f64, String);

struct Recording {
    dir: PathBuf,
    program: PathBuf,
    lines: Vec<Line>,
    now: f64,
}

fn main() -> Result<()> {
    let to = std::env::args_os().nth(1).map(PathBuf::from);
    let to = to.ok_or_else(|| Error::other("name the SVG to write"))?;
    let own = std::env::current_exe()?;
    let program = own.ancestors().nth(2).unwrap_or(&own).join("untorn");
    let dir = tempfile::tempdir()?;
    let mut recording = Recording {
        dir: dir.path().to_owned(),
        program,
        lines: Vec::new(),
        now: 0.5,
    };
    untorn_transcripts::make(&dir.path().join("tr"), 40, 3000, 1)?;
    recording.run(&["check", "tr"])?;
    recording.run(&["repair", "--salvage", "--yes", "tr"])?;
    recording.follow()?;
    recording.who()?;
    std::fs::write(to, svg(&recording.lines))
}

impl Recording {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(&self.dir);
        command
            .env("UNTORN_DURABILITY", "process")
            .stdin(Stdio::null());
        command
    }

    fn typed(&mut self, words: &[&str]) {
        self.now += 1.0;
        let text = format!("\x1b[32m$\x1b[0m untorn {}", words.join(" "));
        self.lines.push(Line(self.now, text));
        self.now += 0.7;
    }

    fn shown(&mut self, text: &str, pause: f64) {
        for line in text.lines() {
            self.lines.push(Line(self.now, line.to_owned()));
            self.now += pause;
        }
    }

    fn run(&mut self, words: &[&str]) -> Result<()> {
        self.typed(words);
        let output = self.command(words).arg("--color=always").output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        self.shown(&text, 0.12);
        Ok(())
    }

    /// Another process appends while `tail -f` looks on.
    fn follow(&mut self) -> Result<()> {
        let append = |text: &str| self.command(&["append", "live.jsonl", text]).output();
        append("{\"role\":\"user\",\"text\":\"hello\"}")?;
        let words = ["tail", "-n", "1", "-f", "live.jsonl"];
        let mut tail = self.command(&words).stdout(Stdio::piped()).spawn()?;
        let mut out = BufReader::new(tail.stdout.take().ok_or_else(|| Error::other("no pipe"))?);
        let mut found = Vec::new();
        for text in [
            "{\"role\":\"assistant\",\"text\":\"hi\"}",
            "{\"role\":\"user\",\"text\":\"thanks\"}",
            "",
        ] {
            let mut line = String::new();
            out.read_line(&mut line)?;
            found.push(line);
            if !text.is_empty() {
                self.command(&["append", "live.jsonl", text]).output()?;
            }
        }
        tail.kill()?;
        tail.wait()?;
        self.typed(&words);
        for line in found {
            self.shown(&line, 0.9);
        }
        self.shown("^C", 0.0);
        Ok(())
    }

    /// A process has a lock, and another one waits for it.
    fn who(&mut self) -> Result<()> {
        let mut holder = self
            .command(&["lock", "-l", "nightly import", "live.jsonl", "--", "cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let path = self.dir.join("live.jsonl");
        while untorn::holder(&path).map_err(Error::other)?.is_none() {
            std::thread::yield_now();
        }
        let waiting = ["append", "-q", "live.jsonl", "{\"role\":\"tool\"}"];
        let mut waiter = self.command(&waiting).spawn()?;
        while untorn::waiters(&path).map_err(Error::other)?.is_empty() {
            std::thread::yield_now();
        }
        self.typed(&["who", "-r", "."]);
        let output = self
            .command(&["who", "-r", ".", "--color=always"])
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let program = self.program.display().to_string();
        self.shown(&text.replace(&program, "untorn"), 0.3);
        drop(holder.stdin.take());
        holder.wait()?;
        waiter.wait()?;
        Ok(())
    }
}

const HEIGHT: usize = 19;
const WIDTH: usize = 140;

fn svg(lines: &[Line]) -> String {
    let (wide, high) = (WIDTH * 8 + 32, lines.len() * HEIGHT + 56);
    let mut made = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide} {high}\" width=\"{wide}\" \
         role=\"img\" aria-label=\"The commands check, repair, tail -f and who in a terminal\">\n\
         <style>text{{font:13.2px ui-monospace,Menlo,Consolas,monospace;fill:#e6e6e6;white-space:pre}}\
         .r{{fill:#ff7b72}}.g{{fill:#7ee787}}.c{{fill:#79c0ff}}.f{{fill:#8b949e}}\
         @media (prefers-reduced-motion:no-preference){{text{{opacity:0;animation:s 0s forwards}}}}\
         @keyframes s{{to{{opacity:1}}}}</style>\n\
         <rect width=\"{wide}\" height=\"{high}\" rx=\"8\" fill=\"#0d1117\"/>\n\
         <circle cx=\"18\" cy=\"16\" r=\"5\" fill=\"#ff5f57\"/><circle cx=\"36\" cy=\"16\" r=\"5\" \
         fill=\"#febc2e\"/><circle cx=\"54\" cy=\"16\" r=\"5\" fill=\"#28c840\"/>\n"
    );
    for (number, Line(at, text)) in lines.iter().enumerate() {
        let y = 46 + number * HEIGHT;
        let _ = writeln!(
            made,
            "<text x=\"16\" y=\"{y}\" style=\"animation-delay:{at:.2}s\">{}</text>",
            spans(text)
        );
    }
    made + "</svg>\n"
}

/// Makes spans of colors, and cuts what is too wide.
fn spans(line: &str) -> String {
    let mut made = String::new();
    let mut left = WIDTH;
    for (number, part) in line.split("\x1b[").enumerate() {
        let (code, text) = match part.split_once('m') {
            Some((code, text)) if number > 0 => (code, text),
            _ => ("0", part),
        };
        let class = match code {
            "31" => "r",
            "32" => "g",
            "36" => "c",
            "2" => "f",
            _ => "",
        };
        let shown: String = text.chars().take(left).collect();
        left -= shown.chars().count();
        let shown = shown.replace('&', "&amp;").replace('<', "&lt;");
        let _ = match class {
            "" => write!(made, "{shown}"),
            class => write!(made, "<tspan class=\"{class}\">{shown}</tspan>"),
        };
    }
    made
}
