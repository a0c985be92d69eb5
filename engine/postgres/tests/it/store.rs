//! A test's own schema on the server that the tests share, and other processes on it.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use postgres::Client;

use crate::server::{Server, connect};

/// A store of a test's own, on the server that the tests share.
pub struct Store {
    pub dir: PathBuf,
    pub schema: String,
}

pub fn store() -> Store {
    static SHARED: OnceLock<Server> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = SHARED.get_or_init(Server::start);
    let schema = format!("s{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut client = server.connect().unwrap();
    assert_eq!(untorn_postgres::migrate(&mut client, &schema).unwrap(), 8);
    Store {
        dir: server.dir.clone(),
        schema,
    }
}

impl Store {
    /// A connection for which the verbs need no schema.
    pub fn connect(&self) -> Client {
        let mut client = connect(&self.dir, "untorn").unwrap();
        client
            .batch_execute(&format!("set search_path = {}", self.schema))
            .unwrap();
        client
    }

    /// A process of its own that runs the worker `name` of worker.rs.
    pub fn worker(&self, name: &str, arg: &str) -> Worker {
        self.worker_by(Command::new(program()), name, arg)
    }

    /// The same, where `command` is how this program is started.
    pub fn worker_by(&self, mut command: Command, name: &str, arg: &str) -> Worker {
        let mut child = command
            .args(["worker::works", "--exact", "--nocapture"])
            .env("UNTORN_WORKER", name)
            .env("UNTORN_WORKER_ARG", arg)
            .env("UNTORN_WORKER_DIR", &self.dir)
            .env("UNTORN_WORKER_SCHEMA", &self.schema)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Worker { child, out }
    }
}

/// This test program.
pub fn program() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// Another process; it dies with this value.
pub struct Worker {
    pub child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Worker {
    /// The next line that it says; `None` after its end.
    pub fn says(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.out.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            // The test harness writes lines of its own.
            if let Some((_, said)) = line.trim_end().split_once("@ ") {
                return Some(said.to_owned());
            }
        }
    }

    pub fn tell(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
