//! Running another program, and saying clearly what went wrong with it.

use crate::interrupt;
use crate::log::Log;
use anyhow::{Context, Result, bail};
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A cold build of everything takes a third of this. A longer job hangs, and a
/// job that hangs says less than one that failed.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// The same for what searches for long, on a machine with other work.
const LONG: Duration = Duration::from_secs(3 * 60 * 60);

/// One call of a program: built up, then run once.
pub struct Run {
    command: Command,
    program: OsString,
    arguments: Vec<OsString>,
    dir: Option<PathBuf>,
    limit: Duration,
}

impl Run {
    pub fn new(program: impl AsRef<OsStr>) -> Run {
        let program = program.as_ref().to_owned();
        let mut command = Command::new(&program);
        // A child that waits for an answer would hang forever, hidden by the progress bar.
        command.stdin(Stdio::null());
        Run {
            command,
            program,
            arguments: Vec::new(),
            dir: None,
            limit: LIMIT,
        }
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Run {
        self.command.arg(&argument);
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub fn args<I: IntoIterator<Item: AsRef<OsStr>>>(self, arguments: I) -> Run {
        arguments.into_iter().fold(self, Run::arg)
    }

    pub fn dir(mut self, dir: impl AsRef<Path>) -> Run {
        self.command.current_dir(&dir);
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Run {
        self.command.env(name, value);
        self
    }

    /// It may take hours.
    pub fn long(mut self) -> Run {
        self.limit = LONG;
        self
    }

    /// The command as one would type it.
    fn shown(&self) -> String {
        let mut words = vec![quoted(&self.program)];
        words.extend(self.arguments.iter().map(|a| quoted(a)));
        words.join(" ")
    }

    /// Runs it with its output, both streams in the order written, in the log.
    pub fn log(mut self, log: &Log) -> Result<()> {
        let shown = self.shown();
        log.line(&format!("$ {shown}"))?;
        let child = self
            .command
            // No colours in a file; each of these is what some tool asks.
            .env("NO_COLOR", "1")
            .env("TERM", "dumb")
            .stdout(log.file()?)
            .stderr(log.file()?)
            .process_group(0)
            .spawn()
            .with_context(|| self.not_started())?;
        let Some(status) = interrupt::wait(child, self.limit)? else {
            bail!(
                "`{shown}` hung: killed after {} minutes",
                self.limit.as_secs() / 60
            );
        };
        if !status.success() {
            bail!("`{shown}` ended with {status}");
        }
        Ok(())
    }

    /// Runs it with the terminal's own streams: for what the user wants to watch.
    pub fn show(mut self) -> Result<()> {
        let shown = self.shown();
        let status = self.command.status().with_context(|| self.not_started())?;
        if !status.success() {
            bail!("`{shown}` ended with {status}");
        }
        Ok(())
    }

    /// Runs it and gives back what it wrote to standard output.
    pub fn read(mut self) -> Result<String> {
        let shown = self.shown();
        let output = self.command.output().with_context(|| self.not_started())?;
        if !output.status.success() {
            bail!(
                "`{shown}` ended with {}\n{}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim_end()
            );
        }
        String::from_utf8(output.stdout).with_context(|| format!("output of `{shown}`"))
    }

    fn not_started(&self) -> String {
        let dir = self.dir.as_deref().map(|d| format!(" in {}", d.display()));
        format!(
            "`{}` could not be started{}",
            self.shown(),
            dir.unwrap_or_default()
        )
    }
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Whether a program of this name can be found on the PATH.
pub fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}
