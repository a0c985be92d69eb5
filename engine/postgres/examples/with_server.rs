//! Runs a command with a PostgreSQL of its own, as this crate's tests have one:
//!
//! ```sh
//! cargo run -p untorn-postgres --example with_server -- python -m pytest tests/test_engine.py
//! ```
//!
//! The command finds the server's address in `UNTORN_TEST_POSTGRES`. The server ends
//! when this program does, however that ends.
#![allow(clippy::print_stderr, reason = "a program that says what it lacks")]

#[cfg(unix)]
#[path = "../tests/it/server.rs"]
#[allow(dead_code, reason = "the tests kill and promote servers too")]
mod server;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    use std::os::unix::process::ExitStatusExt;

    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else {
        eprintln!("usage: with_server COMMAND [ARGUMENT…]");
        return 2.into();
    };
    let server = server::Server::start();
    let url = format!(
        "postgresql://untorn@/postgres?host={}",
        server.dir.display()
    );
    let ended = std::process::Command::new(&program)
        .args(words)
        .env("UNTORN_TEST_POSTGRES", url)
        .status();
    match ended {
        // As a shell tells of a signal.
        Ok(status) => {
            let code = status.code().or(status.signal().map(|signal| 128 + signal));
            (code.unwrap_or(1) as u8).into()
        }
        Err(error) => {
            eprintln!("with_server: {}: {error}", program.display());
            127.into()
        }
    }
}

#[cfg(not(unix))]
fn main() -> std::process::ExitCode {
    eprintln!("with_server: the tests' server needs a Unix system");
    2.into()
}
