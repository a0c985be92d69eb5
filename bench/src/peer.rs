//! A process that measures on request: one line in, one line out.
//!
//! The request is a verb and its arguments, separated by tabs; the answer is
//! `ok`, a tab and a number, or `error`, a tab and what went wrong. Between
//! requests the process waits in read, and disturbs no other.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub struct Peer {
    name: &'static str,
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    pub fn start(name: &'static str, mut command: Command) -> Result<Peer> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {command:?}"))?;
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("its output is a pipe")?);
        let mut peer = Peer {
            name,
            child,
            requests,
            answers,
        };
        // Answers once everything is loaded.
        peer.call(&["ready"])?;
        Ok(peer)
    }

    pub fn call(&mut self, request: &[&str]) -> Result<f64> {
        self.send(request)?;
        self.answer(request)
    }

    /// Asks without waiting for the answer, so that several peers work at once.
    pub fn send(&mut self, request: &[&str]) -> Result<()> {
        let mut line = request.join("\t");
        line.push('\n');
        let requests = self.requests.as_mut().context("the peer is open")?;
        requests
            .write_all(line.as_bytes())
            .and_then(|()| requests.flush())
            .with_context(|| format!("{} has gone away", self.name))
    }

    pub fn answer(&mut self, request: &[&str]) -> Result<f64> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        match line.trim_end().split_once('\t') {
            Some(("ok", number)) => Ok(number.parse()?),
            Some(("error", text)) => bail!("{}: {}: {text}", self.name, request.join(" ")),
            _ => bail!("{} died during {} ({line:?})", self.name, request.join(" ")),
        }
    }

    /// Takes the present memory as the new peak, and returns it (bytes).
    pub fn reset_peak(&self) -> Result<f64> {
        let pid = self.child.id();
        std::fs::write(format!("/proc/{pid}/clear_refs"), "5").context("reset the memory peak")?;
        self.peak()
    }

    /// The peak of resident memory since then (bytes).
    pub fn peak(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .context("the kernel reports a peak of resident memory")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024.0)
    }

    /// How many files it has open.
    pub fn descriptors(&self) -> Result<f64> {
        let list = std::fs::read_dir(format!("/proc/{}/fd", self.child.id()))?;
        Ok(list.count() as f64)
    }

    pub fn threads(&self) -> Result<f64> {
        let list = std::fs::read_dir(format!("/proc/{}/task", self.child.id()))?;
        Ok(list.count() as f64)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It ends at the end of its input.
        self.requests = None;
        if self.child.wait().is_err() {
            eprintln!("untorn-bench: {} could not be waited for", self.name);
        }
    }
}

/// One of this program's own workers.
pub fn own(kind: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("worker").arg(kind);
    Ok(command)
}

/// The path as a request's argument.
pub fn text(path: &Path) -> Result<&str> {
    path.to_str()
        .with_context(|| format!("{} is not UTF-8", path.display()))
}
