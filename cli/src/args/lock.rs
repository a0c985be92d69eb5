//! The commands on locks.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;

use crate::when::{period, span};

#[derive(ClapArgs)]
pub struct Lock {
    /// The file whose lock to take (the lock itself is on PATH.lock)
    pub path: PathBuf,
    /// Share the lock with others that share it
    #[arg(short, long)]
    pub shared: bool,
    /// Try once, without waiting
    #[arg(short, long)]
    pub nonblock: bool,
    /// Wait at most this long, such as 5s
    #[arg(short, long, value_name = "TIME", value_parser = span, conflicts_with = "nonblock")]
    pub wait: Option<Duration>,
    /// The label that other processes see; otherwise the command
    #[arg(short, long)]
    pub label: Option<String>,
    /// The exit status if the lock was not free in time
    #[arg(short = 'E', long, value_name = "N", default_value_t = crate::exit::LOCKED)]
    pub conflict_exit_code: u8,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    pub command: Vec<std::ffi::OsString>,
}

#[derive(ClapArgs)]
pub struct Who {
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Include all held locks below a directory
    #[arg(short, long)]
    pub recursive: bool,
    /// Wait until the locks are free
    #[arg(long)]
    pub wait: bool,
    /// Print the holders again whenever they change
    #[arg(long, conflicts_with = "wait")]
    pub watch: bool,
    /// The time between two looks of --watch
    #[arg(long, value_name = "TIME", value_parser = period, default_value = "1s", requires = "watch")]
    pub every: Duration,
}

#[derive(ClapArgs)]
pub struct Selftest {
    #[arg(required = true)]
    pub dirs: Vec<PathBuf>,
}
