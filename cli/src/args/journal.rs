//! The commands on journals.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};

use super::handle::Shape;
use crate::when::{period, span};

#[derive(ClapArgs)]
pub struct Check {
    /// Files, and directories to search for *.jsonl, *.ndjson and *.json
    #[arg(required_unless_present = "tool")]
    pub paths: Vec<PathBuf>,
    /// Check where a tool keeps its files: claude-code, codex, gemini-cli, opencode,
    /// kimi-cli, kimi-code, moltis, codegraph, or all
    #[arg(long, value_name = "NAME")]
    pub tool: Vec<String>,
    /// Check only files changed within this time, such as 1d
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub since: Option<Duration>,
    /// The number of files to check at once
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Stop at the first damage
    #[arg(long)]
    pub fail_fast: bool,
    /// Print the contents of each file, damaged or not, in figures
    #[arg(long)]
    pub stat: bool,
}

#[derive(ClapArgs)]
pub struct Show {
    /// PATH, PATH:LINE, or PATH@OFFSET in bytes
    pub place: String,
    /// The number of lines before and after it
    #[arg(short = 'C', long, value_name = "N", default_value_t = 2)]
    pub context: u64,
    /// Print only the line's bytes
    #[arg(long)]
    pub raw: bool,
}

#[derive(ClapArgs)]
pub struct Repair {
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Carry out the plan; without this, nothing is changed
    #[arg(short, long)]
    pub yes: bool,
    /// Mend damage before the end too: splits glued records, removes NULs, and moves to
    /// PATH.torn what can't be read
    #[arg(long)]
    pub salvage: bool,
    /// Copy each file into this directory before it is changed
    #[arg(long, value_name = "DIR")]
    pub backup: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub struct Torn {
    /// Journals, or directories
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Print the bytes of entry N, counted from 1
    #[arg(long, value_name = "N")]
    pub cat: Option<u64>,
    /// Append entry N to the journal, if each of its lines is a record
    #[arg(long, value_name = "N", conflicts_with = "cat")]
    pub restore: Option<u64>,
    /// Forget the entries
    #[arg(long, conflicts_with_all = ["cat", "restore"])]
    pub prune: bool,
    /// Forget only entries older than this, such as 30d
    #[arg(long, visible_alias = "older-than", value_name = "TIME", value_parser = span, requires = "prune")]
    pub older: Option<Duration>,
}

#[derive(ClapArgs)]
pub struct Tail {
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Print all records of this time, such as 10m, by their member time, timestamp, ts or
    /// created_at
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub since: Option<Duration>,
    /// The member with the time of a record, such as .meta.at
    #[arg(long, value_name = "PATH", requires = "since")]
    pub time: Option<String>,
    /// The number of records; otherwise 20, or with --since all
    #[arg(short = 'n', long = "lines", value_name = "N")]
    pub lines: Option<usize>,
    /// Print the header first, with --header-prefix
    #[arg(long, requires = "header_prefix")]
    pub header: bool,
    /// Continue with records as they are appended; Ctrl-C ends
    #[arg(short, long)]
    pub follow: bool,
    #[command(flatten)]
    pub shape: Shape,
}

#[derive(ClapArgs)]
pub struct Cat {
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Print the position of each record and a TAB before it
    #[arg(long)]
    pub with_position: bool,
    /// Begin at this position, as --with-position prints it
    #[arg(long, value_name = "POSITION")]
    pub from: Option<String>,
    #[command(flatten)]
    pub shape: Shape,
}

#[derive(ClapArgs)]
pub struct Grep {
    /// The text to find in the decoded records
    pub text: String,
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Ignore case; this is the default, and cancels --case-sensitive
    #[arg(short, long, overrides_with = "case_sensitive")]
    pub ignore_case: bool,
    /// Distinguish upper and lower case
    #[arg(long, overrides_with = "ignore_case")]
    pub case_sensitive: bool,
    /// Print this many records before and after each match too
    #[arg(short = 'C', long, value_name = "N", default_value_t = 0)]
    pub context: usize,
    /// Print only the names of files
    #[arg(short = 'l', long)]
    pub files_with_matches: bool,
    /// Print the number of matching records per file
    #[arg(short, long)]
    pub count: bool,
    /// Print at most this many records per file
    #[arg(short, long, value_name = "N")]
    pub max: Option<usize>,
}

#[derive(ClapArgs)]
pub struct Append {
    pub path: PathBuf,
    /// The record; without it, or with -, each line of standard input is a record
    pub record: Option<String>,
    /// Append all lines of standard input, or none
    #[arg(long)]
    pub all: bool,
    /// Create missing parent directories
    #[arg(long)]
    pub parents: bool,
    /// Append only if the journal ends here, as `append --json` prints it
    #[arg(long, value_name = "POSITION")]
    pub at: Option<String>,
    /// Change the header in the same step
    #[arg(long, value_name = "JSON")]
    pub header: Option<String>,
}

#[derive(ClapArgs)]
pub struct Stats {
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Print at most this many files; otherwise 20 on a terminal, and all elsewhere
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// The order: by size, records, damage, time or path
    #[arg(long, default_value = "size")]
    pub sort: Sort,
    /// Print the sums of each directory instead of each file
    #[arg(long)]
    pub by_dir: bool,
}

#[derive(ClapArgs)]
pub struct OneJournal {
    pub path: PathBuf,
}

#[derive(ClapArgs)]
#[command(group(clap::ArgGroup::new("which").args(["keep", "older"]).multiple(true)))]
pub struct Rotate {
    pub path: PathBuf,
    /// Then remove rotated files, all but the newest N
    #[arg(long, value_name = "N")]
    pub keep: Option<u64>,
    /// Then remove rotated files last written to longer ago than this, such as 30d; with
    /// --keep, only these
    #[arg(long, visible_alias = "older-than", value_name = "TIME", value_parser = span)]
    pub older: Option<Duration>,
    /// Keep a compressed copy of each file that is removed, NAME.gz
    #[arg(long, requires = "which")]
    pub gzip: bool,
}

#[derive(ClapArgs)]
pub struct Rewind {
    pub path: PathBuf,
    /// Remove the records after this position
    #[arg(long, value_name = "POSITION", required_unless_present = "records")]
    pub to: Option<String>,
    /// Remove this many records
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "to")]
    pub records: Option<usize>,
}

#[derive(ClapArgs)]
pub struct Compact {
    pub path: PathBuf,
    /// Keep the last record for each value of this key, such as .file
    #[arg(long, value_name = "KEY")]
    pub keep_last_by: Option<String>,
    /// Rewrite the journal even if damaged stretches are lost
    #[arg(long)]
    pub drop_damage: bool,
}

#[derive(ClapArgs)]
pub struct Convert {
    /// A journal (.jsonl, .ndjson) or a JSON array (.json)
    pub input: PathBuf,
    /// The new file: .jsonl, .ndjson, .json or .csv
    pub output: PathBuf,
    /// Begin with the journal's rotated files, oldest first
    #[arg(long)]
    pub rotated: bool,
    /// Columns of a .csv file, such as .role,.usage.tokens; otherwise the keys of the
    /// first record
    #[arg(long, value_name = "PATHS", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Leave out damaged records, and write their bytes to this file
    #[arg(long, value_name = "FILE")]
    pub skip_bad: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub struct Watch {
    pub dir: PathBuf,
    /// The time between two looks, such as 1s
    #[arg(long, value_name = "TIME", value_parser = period, default_value = "1s")]
    pub every: Duration,
    /// Look this many times, then end
    #[arg(long, value_name = "N")]
    pub times: Option<u64>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Sort {
    Size,
    Records,
    Damage,
    Time,
    Path,
}
