//! The writers while they run: started, listened to, killed, replaced.

use super::Language;
use super::verify;
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Instant;

/// What the main loop waits for.
pub enum Event {
    /// This writer's standard output has ended: it is gone.
    Ended(usize),
    /// Ctrl-C.
    Interrupted,
}

/// What a writer has reported so far. The pipe keeps what a writer wrote before it
/// was killed, so a report counts even when its writer did not live to see it read.
#[derive(Default)]
struct Reports {
    appended: AtomicU64,
    updated: AtomicU64,
    began: OnceLock<Instant>,
    /// Microseconds from the first report to the last.
    lasted: AtomicU64,
    nonsense: OnceLock<String>,
    /// The line in which its output ended.
    unfinished: OnceLock<String>,
}

pub struct Member {
    pub name: String,
    pub language: usize,
    pub killed: bool,
    start: usize,
    errors: PathBuf,
    reports: Arc<Reports>,
    running: Option<(Child, JoinHandle<()>)>,
}

/// What every writer is given besides its name and where it starts.
pub struct Task {
    /// The demo's directory: journal, document, transcript, the writers' error output.
    pub dir: PathBuf,
    pub durability: String,
}

impl Task {
    pub fn journal(&self) -> PathBuf {
        self.dir.join("journal.jsonl")
    }
    pub fn counter(&self) -> PathBuf {
        self.dir.join("count.json")
    }
    /// The file at which the writers end. No clock: on a busy machine an interpreter may
    /// take any time to start.
    pub fn stop(&self) -> PathBuf {
        self.dir.join("stop")
    }
    pub fn transcript(&self) -> PathBuf {
        self.dir.join("transcript.jsonl")
    }
}

impl Member {
    pub fn start(
        number: usize,
        (language, how): (usize, &Language),
        name: String,
        start: usize,
        task: &Task,
        events: &Sender<Event>,
    ) -> Result<Member> {
        let errors = task.dir.join(format!("{name}.stderr"));
        let mut child = Command::new(&how.program)
            .args(&how.script)
            .args([task.journal(), task.counter(), task.transcript()])
            .args([&name, &start.to_string()])
            .arg(task.stop())
            .arg(&task.durability)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&errors)?)
            // Ctrl-C goes to a whole group: the writers are ours to end, in order.
            .process_group(0)
            .spawn()
            .with_context(|| format!("start {}", how.program.display()))?;
        let reports = Arc::<Reports>::default();
        let output = child.stdout.take().context("the writer's output")?;
        let listener = std::thread::spawn({
            let (reports, events) = (Arc::clone(&reports), events.clone());
            move || {
                reports.listen(output);
                // The receiver is gone only when the demo itself is over.
                let _ = events.send(Event::Ended(number));
            }
        });
        Ok(Member {
            name,
            language,
            killed: false,
            start,
            errors,
            reports,
            running: Some((child, listener)),
        })
    }

    pub fn appended(&self) -> u64 {
        self.reports.appended.load(Ordering::Relaxed)
    }

    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// SIGKILL. A writer that had ended by itself just before was not killed.
    pub fn kill(&mut self) -> Result<Option<String>> {
        if let Some((child, _)) = &mut self.running {
            self.killed = child.try_wait()?.is_none();
            child.kill()?;
        }
        self.wait()
    }

    /// Takes leave of a writer that has ended; what was wrong with its end, if anything.
    pub fn wait(&mut self) -> Result<Option<String>> {
        let Some((mut child, listener)) = self.running.take() else {
            return Ok(None);
        };
        let status = child.wait()?;
        // After this every report that the writer made has been counted.
        if listener.join().is_err() {
            return Ok(Some(format!("the listener to {} panicked", self.name)));
        }
        Ok(self.fault(status))
    }

    fn fault(&self, status: ExitStatus) -> Option<String> {
        let name = &self.name;
        if let Some(line) = self.reports.nonsense.get() {
            return Some(format!("{name} reported {line:?} out of turn"));
        }
        if self.killed {
            return None;
        }
        if let Some(line) = self.reports.unfinished.get() {
            return Some(format!("{name}, which was not killed, ended in {line:?}"));
        }
        if status.success() {
            return None;
        }
        let errors = std::fs::read_to_string(&self.errors).unwrap_or_default();
        Some(format!(
            "{name} ended with {status}:\n{}",
            errors.trim_end()
        ))
    }

    /// Appends a second, from its first report to its last.
    pub fn rate(&self) -> f64 {
        let lasted = self.reports.lasted.load(Ordering::Relaxed);
        match self.appended() {
            0 | 1 => 0.0,
            appended => (appended - 1) as f64 / (lasted.max(1) as f64 / 1e6),
        }
    }

    pub fn told(&self) -> verify::Writer {
        verify::Writer {
            name: self.name.clone(),
            start: self.start,
            appended: self.appended(),
            updated: self.reports.updated.load(Ordering::Relaxed),
            killed: self.killed,
        }
    }
}

impl Drop for Member {
    /// However the demo ends, no writer outlives it.
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Reports {
    fn listen(&self, output: impl Read) {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while matches!(output.read_until(b'\n', &mut line), Ok(1..)) {
            if line.pop_if(|last| *last == b'\n').is_none() {
                // Python with PYTHONUNBUFFERED, for one, writes a line and its newline by
                // themselves. A writer that is killed in between has reported nothing.
                let _ = self.unfinished.set(shown(&line));
                return;
            }
            self.take(&line);
            line.clear();
        }
    }

    fn take(&self, line: &[u8]) {
        let appended = self.appended.load(Ordering::Relaxed);
        if line == format!("append {appended}").as_bytes() {
            self.appended.store(appended + 1, Ordering::Relaxed);
        } else if line == b"update" {
            self.updated.fetch_add(1, Ordering::Relaxed);
        } else {
            // A number left out or reported twice: the writer, and so the check, is wrong.
            let _ = self.nonsense.set(shown(line));
        }
        let began = self.began.get_or_init(Instant::now);
        self.lasted
            .store(began.elapsed().as_micros() as u64, Ordering::Relaxed);
    }
}

fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(output: &str) -> Reports {
        let reports = Reports::default();
        reports.listen(output.as_bytes());
        reports
    }

    #[test]
    fn half_a_report_of_a_killed_writer_is_none() {
        let whole = "append 0\nupdate\nappend 1\n";
        for cut in 0..whole.len() {
            let reports = heard(&whole[..cut]);
            let lines = whole[..cut].matches("append").count() as u64;
            let appended = reports.appended.load(Ordering::Relaxed);
            assert!(appended <= lines, "{cut}");
            assert_eq!(reports.nonsense.get(), None, "{cut}");
            let ends = cut == 0 || whole[..cut].ends_with('\n');
            assert_eq!(reports.unfinished.get().is_none(), ends, "{cut}");
        }
        assert_eq!(heard(whole).appended.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_report_out_of_turn_is_noticed() {
        for output in ["append 1\n", "append 0\nappend 0\n", "\n", "append 0\nx\n"] {
            assert!(heard(output).nonsense.get().is_some(), "{output:?}");
        }
    }
}
