//! The commands on stores and transactions.

use std::path::PathBuf;

use clap::Subcommand;

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
    /// Copy all sessions without an owner from a directory to a database, or back
    #[cfg(feature = "postgres")]
    Copy {
        /// A directory, or postgres://USER@HOST/DATABASE
        source: String,
        /// The same; one of both is a database
        target: String,
        /// The schema in the database
        #[arg(long, default_value = "untorn")]
        schema: String,
        /// Make the schema, or bring it up to date
        #[arg(long)]
        migrate: bool,
        /// The name of the journals of the sessions
        #[arg(long, value_name = "NAME", default_value = "journal.jsonl")]
        journal: String,
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
