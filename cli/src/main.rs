//! The `untorn` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(untorn_cli::main(std::env::args_os()))
}
