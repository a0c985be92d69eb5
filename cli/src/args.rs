//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use untorn::{Call, Document, Durability, Format, Journal, Scheme};

use crate::exit::Result;
use crate::when::span;

/// Check, repair, read, append to, lock and watch the files that several
/// processes share: journals (JSON Lines) and documents (JSON).
#[derive(Parser)]
#[command(
    name = "untorn",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
#[command(
    after_help = "Exit status: 0 fine; 1 damage found, or no match; 2 wrong usage; 3 could not be \
done; 75 a lock was not free in time; 130 Ctrl-C.\nMore: untorn help files | durability | errors | json"
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

/// What every command takes.
#[derive(ClapArgs)]
pub struct Common {
    /// Print one JSON object a line
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
    /// Print nothing but results and errors
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
    /// What a finished change survives: process or power
    #[arg(long, global = true, value_name = "WHAT", env = "UNTORN_DURABILITY", value_parser = durability, help_heading = "Files", hide_env = true)]
    pub durability: Option<Durability>,
    /// How programs agree on the lock: sidecar, in-place or pid-file
    #[arg(long, global = true, value_name = "SCHEME", env = "UNTORN_SCHEME", value_parser = scheme, help_heading = "Files", hide_env = true)]
    pub scheme: Option<Scheme>,
    /// The first line is a header if it begins so
    #[arg(
        long,
        global = true,
        value_name = "TEXT",
        env = "UNTORN_HEADER_PREFIX",
        help_heading = "Files",
        hide_env = true
    )]
    pub header_prefix: Option<String>,
    /// What a record is: json or lines
    #[arg(long, global = true, value_name = "FORMAT", env = "UNTORN_FORMAT", value_parser = format, help_heading = "Files", hide_env = true)]
    pub format: Option<Format>,
    /// Records have seals
    #[arg(long, global = true, help_heading = "Files")]
    pub sealed: bool,
    /// Wait so long for a lock: 0 tries once (such as 5s, 2m)
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
    /// Find what is damaged in journals and documents; changes nothing
    #[command(visible_alias = "verify")]
    Check(Check),
    /// Show a damaged or good stretch of a journal and its neighbours
    Show(Show),
    /// Repair torn tails: prints the plan, --yes does it
    Repair(Repair),
    /// List what repairs have cut off a journal
    Torn(Torn),
    /// Print the last records
    Tail(Tail),
    /// Print all records; damage is skipped and told on standard error
    Cat(Cat),
    /// Search records, decoded: escapes and case do not matter
    Grep(Grep),
    /// Append a record, or the lines of standard input
    Append(Append),
    /// Print a document, or one of its values
    Get(Get),
    /// Change one value of a document, under its lock
    Set(Set),
    /// Open a document in an editor; saved only if nobody else saved it
    Edit(Edit),
    /// Remove a document, or one of its values
    Rm(Rm),
    /// Run a command with a file's lock held
    Lock(Lock),
    /// Tell who holds the lock of a file
    Who(Who),
    /// Count records, bytes and damage
    Stats(Stats),
    /// Begin a journal anew; the records are kept in a rotated file
    Rotate(OneJournal),
    /// Take the last records out of a journal; they are kept in a rotated file
    Rewind(Rewind),
    /// Rewrite a journal: the last record of each value of a key stays
    Compact(Compact),
    /// Give every record of a journal a seal
    Seal(OneJournal),
    /// Make what was appended survive a power cut
    Sync(OneJournal),
    /// Convert between JSON Lines and a JSON array
    Convert(Convert),
    /// Sessions of a store
    #[command(subcommand)]
    Store(StoreCommand),
    /// Transactions of a directory that are not settled
    #[command(subcommand)]
    Txn(TxnCommand),
    /// Try whether locks, renames and syncs work in a directory
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
    /// Only files changed within this time, such as 1d
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub since: Option<Duration>,
    /// How many files are checked at once
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Stop at the first damage
    #[arg(long)]
    pub fail_fast: bool,
    /// Print what each file holds, damaged or not
    #[arg(long)]
    pub stat: bool,
}

#[derive(ClapArgs)]
pub struct Show {
    /// PATH, PATH:LINE, or PATH@OFFSET in bytes
    pub place: String,
    /// How many lines around it
    #[arg(short = 'C', long, value_name = "N", default_value_t = 2)]
    pub context: u64,
    /// Print the line's bytes and nothing else
    #[arg(long)]
    pub raw: bool,
}

#[derive(ClapArgs)]
pub struct Repair {
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Do it: without this, nothing is changed
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
    /// How many records
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 20)]
    pub lines: usize,
    /// Go on with records as they are appended; Ctrl-C ends
    #[arg(short, long)]
    pub follow: bool,
    #[command(flatten)]
    pub shape: Shape,
}

/// How records are printed.
#[derive(ClapArgs)]
pub struct Shape {
    /// One line a record, as in the file (the default in a pipe)
    #[arg(short, long, conflicts_with = "pretty")]
    pub compact: bool,
    /// With line breaks (the default on a terminal)
    #[arg(short, long)]
    pub pretty: bool,
    /// Only this value of each record, such as .message.role
    #[arg(long, value_name = "PATH")]
    pub select: Option<String>,
}

#[derive(ClapArgs)]
pub struct Cat {
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Print where each record begins: its position and a TAB
    #[arg(long)]
    pub with_position: bool,
    /// From this position on, as --with-position prints it
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
    /// Print names of files only
    #[arg(short = 'l', long)]
    pub files_with_matches: bool,
    /// Print how many records match, a file
    #[arg(short, long)]
    pub count: bool,
    /// At most so many records a file
    #[arg(short, long, value_name = "N")]
    pub max: Option<usize>,
}

#[derive(ClapArgs)]
pub struct Append {
    pub path: PathBuf,
    /// The record; without it, or with -, each line of standard input is one
    pub record: Option<String>,
    /// All lines of standard input, or none
    #[arg(long)]
    pub all: bool,
    /// Make missing parent directories
    #[arg(long)]
    pub parents: bool,
    /// Only if the journal ends here, as `append` or `cat --with-position` print it
    #[arg(long, value_name = "POSITION")]
    pub at: Option<String>,
    /// Change the header in the same step
    #[arg(long, value_name = "JSON")]
    pub header: Option<String>,
}

#[derive(ClapArgs)]
pub struct Get {
    pub path: PathBuf,
    /// Such as .message.role
    pub key: Option<String>,
    #[command(flatten)]
    pub shape: Shape,
}

#[derive(ClapArgs)]
pub struct Set {
    pub path: PathBuf,
    /// Such as .message.role; . is the whole value
    pub key: String,
    /// JSON; what is no JSON is a string
    pub value: String,
    /// Make the document if it is missing
    #[arg(long)]
    pub create: bool,
    /// Only if the document has this version, as `get --json` prints it
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
    /// Remove this value only
    pub key: Option<String>,
    /// Only if the document has this version
    #[arg(long, value_name = "VERSION")]
    pub expect: Option<String>,
}

#[derive(ClapArgs)]
pub struct Lock {
    /// The file whose lock is taken (the lock itself is on PATH.lock)
    pub path: PathBuf,
    /// Share the lock with others that share it
    #[arg(short, long)]
    pub shared: bool,
    /// Try once
    #[arg(short, long)]
    pub nonblock: bool,
    /// Wait so long, such as 5s
    #[arg(short, long, value_name = "TIME", value_parser = span, conflicts_with = "nonblock")]
    pub wait: Option<Duration>,
    /// What others are told of who holds it; otherwise the command
    #[arg(short, long)]
    pub label: Option<String>,
    /// The exit status where the lock was not free in time
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
    /// All files below a directory
    #[arg(short, long)]
    pub recursive: bool,
}

#[derive(ClapArgs)]
pub struct Stats {
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Print so many files
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// What comes first: size, records, damage, time or path
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
    /// Back to this position
    #[arg(long, value_name = "POSITION", required_unless_present = "records")]
    pub to: Option<String>,
    /// Take so many records out
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "to")]
    pub records: Option<usize>,
}

#[derive(ClapArgs)]
pub struct Compact {
    pub path: PathBuf,
    /// Keep the last record for each value of this key, such as .file
    #[arg(long, value_name = "KEY")]
    pub keep_last_by: Option<String>,
    /// Do it although damaged stretches are lost by it
    #[arg(long)]
    pub drop_damage: bool,
}

#[derive(ClapArgs)]
pub struct Convert {
    pub input: PathBuf,
    pub output: PathBuf,
    /// Leave damaged records out, and put their bytes into this file
    #[arg(long, value_name = "FILE")]
    pub skip_bad: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum StoreCommand {
    /// List sessions, their owners and sizes
    Ls {
        dir: PathBuf,
        /// Only those whose owner died without letting go
        #[arg(long)]
        dead: bool,
    },
    /// Show one session
    Show { dir: PathBuf, key: String },
    /// Tell who owns a session
    Owner { dir: PathBuf, key: String },
    /// Note that a dead owner is dealt with; changes nothing else
    Reconcile { dir: PathBuf, key: String },
    /// Remove a session with all its files
    Rm {
        dir: PathBuf,
        key: String,
        /// Do it: without this, nothing is removed
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
    /// List directories with a transaction that is not settled
    Ls {
        #[arg(required = true)]
        dirs: Vec<PathBuf>,
    },
    /// Settle them: finish what was committed, undo what was not
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
    /// How often it looks, such as 1s
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "1s")]
    pub every: Duration,
    /// Look so many times, then end
    #[arg(long, value_name = "N")]
    pub times: Option<u64>,
}
