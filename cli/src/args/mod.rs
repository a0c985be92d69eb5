//! The command line.

mod document;
mod handle;
mod journal;
mod lock;
mod store;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

pub use document::{Edit, Get, Rm, Set};
pub use handle::{Handle, Shape};
pub use journal::{
    Append, Cat, Check, Compact, Convert, Grep, OneJournal, Repair, Rewind, Rotate, Show, Sort,
    Stats, Tail, Torn, Watch,
};
pub use lock::{Lock, Selftest, Who};
pub use store::{StoreCommand, TxnCommand};

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

#[derive(Subcommand)]
pub enum Command {
    /// Find damage in journals and documents; changes nothing
    #[command(visible_alias = "verify")]
    Check(Check),
    /// Show one line of a journal, damaged or good, and its neighbours
    Show(Show),
    /// Repair torn tails, or all damage: prints the plan; --yes carries it out
    Repair(Repair),
    /// List what repairs have cut off a journal, give it back, or forget it
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
    /// Print which process holds the lock of a file, and who waits
    Who(Who),
    /// Count records, bytes and damage
    Stats(Stats),
    /// Move the records of a journal to a rotated file, and begin a new one; remove old ones
    Rotate(Rotate),
    /// Remove the last records of a journal; a rotated file keeps them
    Rewind(Rewind),
    /// Rewrite a journal: keeps the last record for each value of a key
    Compact(Compact),
    /// Add a seal to every record of a journal
    Seal(OneJournal),
    /// Make all appended records survive a power cut
    Sync(OneJournal),
    /// Convert between JSON Lines, a JSON array and CSV
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
    /// Print the version
    Version,
    /// Explain a topic: files, durability, errors, json
    Help {
        /// The topic, or a command
        topic: Option<String>,
    },
}
