//! A process that plays a part and is talked to, line by line.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::program::player;

pub struct Player {
    child: Child,
    into: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Player {
    /// This very program in another part, with one argument.
    pub fn start(part: &str, argument: &std::path::Path) -> Player {
        let mut command = player(part);
        command.env("UNTORN_TEST_PATH", argument);
        Player::of(command)
    }

    pub fn of(mut command: Command) -> Player {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start a process");
        Player {
            into: child.stdin.take(),
            from: BufReader::new(child.stdout.take().expect("its output")),
            child,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn tell(&mut self, line: &str) {
        let into = self.into.as_mut().expect("it listens");
        into.write_all(format!("{line}\n").as_bytes())
            .expect("tell");
    }

    /// What it says next; empty if it has ended.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("hear");
        line.trim_end().to_owned()
    }

    pub fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.hear()
    }

    pub fn kill(mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    /// Lets it come to its end, which must be a good one.
    pub fn end(mut self) {
        drop(self.into.take());
        assert!(self.child.wait().expect("wait").success());
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In the player: what it was given.
pub fn argument() -> std::path::PathBuf {
    std::env::var_os("UNTORN_TEST_PATH").expect("a path").into()
}

/// In the player: the lines that it gets, until the last.
pub fn orders() -> impl Iterator<Item = String> {
    std::io::stdin().lines().map(|line| line.expect("an order"))
}
