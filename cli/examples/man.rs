//! `man DIR`: writes a man page for the command, and one for each of its commands.

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let dir = std::env::args_os().nth(1).map(PathBuf::from);
    let dir = dir.ok_or_else(|| std::io::Error::other("name a directory for the man pages"))?;
    std::fs::create_dir_all(&dir)?;
    clap_mangen::generate_to(untorn_cli::command(), dir)
}
