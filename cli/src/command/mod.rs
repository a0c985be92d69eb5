//! One file per command.

mod append;
mod check;
mod convert;
mod document;
mod help;
mod lock;
mod printer;
mod read;
mod repair;
mod rewrite;
mod rotate;
mod search;
mod selftest;
mod show;
mod since;
mod stats;
mod store;
mod torn;
mod transaction;
mod watch;
mod who;

use crate::args::{Args, Command};
use crate::exit::Result;
use crate::output::Output;

pub fn run(args: &Args, out: &mut Output) -> Result {
    let handle = &args.common.handle;
    match &args.command {
        Command::Check(check) => check::run(check, handle, out),
        Command::Show(show) => show::run(show, handle, out),
        Command::Repair(repair) => repair::run(repair, handle, out),
        Command::Torn(torn) => torn::run(torn, handle, out),
        Command::Tail(tail) => read::tail(tail, handle, out),
        Command::Cat(cat) => read::cat(cat, handle, out),
        Command::Grep(grep) => search::run(grep, handle, out),
        Command::Append(append) => append::run(append, handle, out),
        Command::Get(get) => document::get(get, handle, out),
        Command::Set(set) => document::set(set, handle, out),
        Command::Edit(edit) => document::edit(edit, handle, out),
        Command::Rm(rm) => document::rm(rm, handle, out),
        Command::Lock(lock) => lock::run(lock, handle),
        Command::Who(who) => who::run(who, handle, out),
        Command::Stats(stats) => stats::run(stats, handle, out),
        Command::Rotate(rotate) => rotate::run(rotate, handle, out),
        Command::Rewind(rewind) => rewrite::rewind(rewind, handle, out),
        Command::Compact(compact) => rewrite::compact(compact, handle, out),
        Command::Seal(one) => rewrite::seal(one, handle, out),
        Command::Sync(one) => rewrite::sync(one, handle, out),
        Command::Convert(convert) => convert::run(convert, handle, out),
        Command::Store(store) => store::run(store, handle, out),
        Command::Txn(txn) => transaction::run(txn, out),
        Command::Selftest(selftest) => selftest::run(selftest, handle, out),
        Command::Watch(watch) => watch::run(watch, handle, out),
        Command::Completions { shell } => help::completions(*shell),
        Command::Version => help::version(out),
        Command::Help { topic } => help::run(topic.as_deref(), out),
    }
}
