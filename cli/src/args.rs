//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use untorn::{Call, Document, Durability, Format, Journal, Scheme};

use crate::exit::Result;
use crate::when::span;

/// Checks, repairs, reads, appends to, locks and watches files that several
/// processes share: journals (JSON Lines) and documents (JSON).
#[derive(Parser)]
#[command(
    name = "untorn",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
#[command(
    after_help = "Exit status: 0 fine; 1 damage found, or no match; 2 wrong usage; 3 \
failed; 75 a lock was not free in time; 130 Ctrl-C.\nMore: untorn help files | durability | errors | json"
)]
#[command(disable_help_subcommand = true)]
pub struct Args {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Clone, Copy, Default, ValueEnum)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// The options of every command.
#[derive(ClapArgs)]
pub struct Common {
    /// Print one JSON object per line
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
    /// Print only results and errors
    #[arg(short, long, global = true, help_heading = "Output")]
    pub quiet: bool,
    /// Colors: auto, always or never (NO_COLOR is respected)
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub color: Color,
    /// Show no progress bar
    #[arg(long, global = true, help_heading = "Output")]
    pub no_progress: bool,
    #[command(flatten)]
    pub handle: Handle,
}

/// How files are opened.
#[derive(ClapArgs)]
pub struct Handle {
    /// Which failure a finished change survives: process or power
    #[arg(long, global = true, value_name = "WHAT", env = "UNTORN_DURABILITY", value_parser = durability, help_heading = "Files", hide_env = true)]
    pub durability: Option<Durability>,
    /// Which lock all programs use for the file: sidecar, in-place or pid-file
    #[arg(long, global = true, value_name = "SCHEME", env = "UNTORN_SCHEME", value_parser = scheme, help_heading = "Files", hide_env = true)]
    pub scheme: Option<Scheme>,
    /// Read the first line as a header if it begins with this text
    #[arg(
        long,
        global = true,
        value_name = "TEXT",
        env = "UNTORN_HEADER_PREFIX",
        help_heading = "Files",
        hide_env = true
    )]
    pub header_prefix: Option<String>,
    /// The format of a record: json or lines
    #[arg(long, global = true, value_name = "FORMAT", env = "UNTORN_FORMAT", value_parser = format, help_heading = "Files", hide_env = true)]
    pub format: Option<Format>,
    /// Records have seals (a checksum each)
    #[arg(long, global = true, help_heading = "Files")]
    pub sealed: bool,
    /// Wait at most this long for a lock, such as 5s or 2m; 0 tries once
    #[arg(long, global = true, value_name = "TIME", env = "UNTORN_TIMEOUT", value_parser = span, help_heading = "Files", hide_env = true)]
    pub timeout: Option<Duration>,
}

fn durability(text: &str) -> std::result::Result<Durability, String> {
    text.parse()
}

fn scheme(text: &str) -> std::result::Result<Scheme, String> {
    text.parse()
}

fn format(text: &str) -> std::result::Result<Format, String> {
    match text {
        "json" => Ok(Format::Json),
        "lines" => Ok(Format::Lines),
        _ => Err("json or lines".to_owned()),
    }
}

impl Handle {
    pub fn journal(
        &self,
        path: impl AsRef<std::path::Path>,
        create: bool,
        parents: bool,
    ) -> Result<Journal> {
        let mut options = Journal::options()
            .create(create)
            .parents(parents)
            .sealed(self.sealed)
            .timeout(self.timeout);
        if let Some(durability) = self.durability {
            options = options.durability(durability);
        }
        if let Some(scheme) = self.scheme {
            options = options.scheme(scheme);
        }
        if let Some(format) = self.format {
            options = options.format(format);
        }
        if let Some(prefix) = &self.header_prefix {
            options = options.header_prefix(prefix.clone());
        }
        Ok(options.open(path)?)
    }

    pub fn document(&self, path: impl AsRef<std::path::Path>) -> Result<Document> {
        let mut options = Document::options().timeout(self.timeout);
        if let Some(durability) = self.durability {
            options = options.durability(durability);
        }
        if let Some(scheme) = self.scheme {
            options = options.scheme(scheme);
        }
        Ok(options.open(path)?)
    }

    pub fn is_json(&self) -> bool {
        !matches!(self.format, Some(Format::Lines))
    }

    pub fn call(&self) -> Call<'static> {
        match self.timeout {
            Some(limit) => Call::new().timeout(Some(limit)),
            None => Call::new(),
        }
    }
}

#[derive(Subcommand)]
pub enum Command {
    /// Find damage in journals and documents; changes nothing
    #[command(visible_alias = "verify")]
    Check(Check),
    /// Show one line of a journal, damaged or good, and its neighbours
    Show(Show),
    /// Repair torn tails: prints the plan; --yes carries it out
    Repair(Repair),
    /// List what repairs have cut off a journal
    Torn(Torn),
    /// Print the last records
    Tail(Tail),
    /// Print all records; skips damage and reports it on standard error
    Cat(Cat),
    /// Search decoded records, ignoring escapes and case
    Grep(Grep),
    /// Append a record, or the lines of standard input
    Append(Append),
    /// Print a document, or one of its values
    Get(Get),
    /// Change one value of a document, under its lock
    Set(Set),
    /// Open a document in an editor; saves only if no other program saved it
    Edit(Edit),
    /// Remove a document, or one of its values
    Rm(Rm),
    /// Run a command while holding a file's lock
    Lock(Lock),
    /// Print which process holds the lock of a file
    Who(Who),
    /// Count records, bytes and damage
    Stats(Stats),
    /// Move the records of a journal to a rotated file, and begin a new one
    Rotate(OneJournal),
    /// Remove the last records of a journal; a rotated file keeps them
    Rewind(Rewind),
    /// Rewrite a journal: keeps the last record for each value of a key
    Compact(Compact),
    /// Add a seal to every record of a journal
    Seal(OneJournal),
    /// Make all appended records survive a power cut
    Sync(OneJournal),
    /// Convert between JSON Lines and a JSON array
    Convert(Convert),
    /// Work with the sessions of a store
    #[command(subcommand)]
    Store(StoreCommand),
    /// List and settle unfinished transactions of a directory
    #[command(subcommand)]
    Txn(TxnCommand),
    /// Test whether locks, renames and syncs work in a directory
    Selftest(Selftest),
    /// Watch the journals of a directory
    Watch(Watch),
    /// Print a completion script for a shell
    Completions {
        /// bash, elvish, fish, powershell or zsh
        shell: clap_complete::Shell,
    },
    /// Explain a topic: files, durability, errors, json
    Help {
        /// The topic, or a command
        topic: Option<String>,
    },
}

#[derive(ClapArgs)]
pub struct Check {
    /// Files, and directories to search for *.jsonl, *.ndjson and *.json
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
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
    pub cat: Option<usize>,
}

#[derive(ClapArgs)]
pub struct Tail {
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// The number of records
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 20)]
    pub lines: usize,
    /// Continue with records as they are appended; Ctrl-C ends
    #[arg(short, long)]
    pub follow: bool,
    #[command(flatten)]
    pub shape: Shape,
}

/// How records are printed.
#[derive(ClapArgs)]
pub struct Shape {
    /// One line per record, as in the file (the default in a pipe)
    #[arg(short, long, conflicts_with = "pretty")]
    pub compact: bool,
    /// With line breaks (the default on a terminal)
    #[arg(short, long)]
    pub pretty: bool,
    /// Print only this value of each record, such as .message.role
    #[arg(long, value_name = "PATH")]
    pub select: Option<String>,
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
    /// Append only if the journal ends here, as `append` or `cat --with-position`
    /// print it
    #[arg(long, value_name = "POSITION")]
    pub at: Option<String>,
    /// Change the header in the same step
    #[arg(long, value_name = "JSON")]
    pub header: Option<String>,
}

#[derive(ClapArgs)]
pub struct Get {
    pub path: PathBuf,
    /// The path to a value, such as .message.role
    pub key: Option<String>,
    #[command(flatten)]
    pub shape: Shape,
}

#[derive(ClapArgs)]
pub struct Set {
    pub path: PathBuf,
    /// The path to a value, such as .message.role; . is the whole value
    pub key: String,
    /// The new value as JSON; any other text is a string
    pub value: String,
    /// Create the document if it is missing
    #[arg(long)]
    pub create: bool,
    /// Change the document only if it has this version, as `get --json` prints it
    #[arg(long, value_name = "VERSION")]
    pub expect: Option<String>,
}

#[derive(ClapArgs)]
pub struct Edit {
    pub path: PathBuf,
}

#[derive(ClapArgs)]
pub struct Rm {
    pub path: PathBuf,
    /// Remove only this value
    pub key: Option<String>,
    /// Change the document only if it has this version
    #[arg(long, value_name = "VERSION")]
    pub expect: Option<String>,
}

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
    /// Include all files below a directory
    #[arg(short, long)]
    pub recursive: bool,
}

#[derive(ClapArgs)]
pub struct Stats {
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Print at most this many files
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// The order: by size, records, damage, time or path
    #[arg(long, default_value = "size")]
    pub sort: Sort,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Sort {
    Size,
    Records,
    Damage,
    Time,
    Path,
}

#[derive(ClapArgs)]
pub struct OneJournal {
    pub path: PathBuf,
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
    pub input: PathBuf,
    pub output: PathBuf,
    /// Leave out damaged records, and write their bytes to this file
    #[arg(long, value_name = "FILE")]
    pub skip_bad: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum StoreCommand {
    /// List sessions, their owners and sizes
    Ls {
        dir: PathBuf,
        /// List only sessions whose owner died without releasing them
        #[arg(long)]
        dead: bool,
    },
    /// Show one session
    Show { dir: PathBuf, key: String },
    /// Print which process owns a session
    Owner { dir: PathBuf, key: String },
    /// Mark a dead owner as reconciled; changes nothing else
    Reconcile { dir: PathBuf, key: String },
    /// Remove a session with all its files
    Rm {
        dir: PathBuf,
        key: String,
        /// Remove it; without this, nothing is removed
        #[arg(short, long)]
        yes: bool,
    },
    /// Search the journals of all sessions
    Search {
        dir: PathBuf,
        text: String,
        #[arg(short, long, value_name = "N", default_value_t = 100)]
        max: usize,
    },
}

#[derive(Subcommand)]
pub enum TxnCommand {
    /// List directories with an unfinished transaction
    Ls {
        #[arg(required = true)]
        dirs: Vec<PathBuf>,
    },
    /// Settle them: finish committed transactions, undo the others
    Settle {
        #[arg(required = true)]
        dirs: Vec<PathBuf>,
    },
}

#[derive(ClapArgs)]
pub struct Selftest {
    #[arg(required = true)]
    pub dirs: Vec<PathBuf>,
}

#[derive(ClapArgs)]
pub struct Watch {
    pub dir: PathBuf,
    /// The time between two looks, such as 1s
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "1s")]
    pub every: Duration,
    /// Look this many times, then end
    #[arg(long, value_name = "N")]
    pub times: Option<u64>,
}
