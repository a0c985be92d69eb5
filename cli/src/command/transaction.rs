//! `untorn txn`: transactions whose process died before they were done.

use std::path::{Path, PathBuf};

use crate::args::TxnCommand;
use crate::exit::{FOUND, Result};
use crate::input::{Kind, Take, files};
use crate::output::Output;

pub fn run(command: &TxnCommand, out: &mut Output) -> Result {
    match command {
        TxnCommand::Ls { dirs } => {
            let pending = pending(dirs, out)?;
            for (dir, committed) in &pending {
                let state = if *committed { "committed" } else { "preparing" };
                if out.json {
                    out.object(&serde_json::json!({ "path": dir, "state": state }))?;
                } else {
                    out.line(format!("{}: {state}", dir.display()))?;
                }
            }
            Ok(if pending.is_empty() { 0 } else { FOUND })
        }
        TxnCommand::Settle { dirs } => {
            for (dir, committed) in pending(dirs, out)? {
                // A snapshot takes the directory's lock, and every process that
                // takes it settles a pending transaction.
                untorn::snapshot(&dir)?;
                let what = if committed { "finished" } else { "undone" };
                if out.json {
                    out.object(&serde_json::json!({ "path": dir, "state": what }))?;
                } else if !out.quiet {
                    out.line(format!("{}: {what}", dir.display()))?;
                }
            }
            Ok(0)
        }
    }
}

/// Returns directories, and whether their transaction was committed.
fn pending(dirs: &[PathBuf], out: &mut Output) -> Result<Vec<(PathBuf, bool)>> {
    let inputs = files(dirs, Take::All, None, out)?;
    let found = inputs
        .iter()
        .filter(|input| input.kind == Kind::Transaction);
    Ok(found
        .map(|input| {
            let dir = input.path.parent().unwrap_or(Path::new("."));
            (
                dir.to_owned(),
                input.path.extension().is_some_and(|end| end == "txn"),
            )
        })
        .collect())
}
