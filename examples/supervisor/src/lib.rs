//! Workers do sessions, supervisors clean up behind those that died. A session
//! is a directory with `context.jsonl`, `state.toml` and, in the end,
//! `result.toml`. State and result change together, and what the worker itself
//! has to say of its end is worth more than what a supervisor makes up.

use std::path::Path;

use untorn::{ErrorKind, Lease, Reconciled, Result, Session, Store, Transaction};

const FINISHED: &[u8] = b"state = \"finished\"\n";

/// The directory of all sessions.
///
/// # Errors
/// As [`untorn::StoreOptions::open`].
pub fn sessions(dir: impl AsRef<Path>) -> Result<Store> {
    Store::options()
        .journal_name("context.jsonl")
        .state_name("state.toml")
        .open(dir)
}

/// A worker takes a session: it is the only one, until it releases it or dies.
///
/// # Errors
/// `LOCKED`, which names the worker that has it.
pub fn work(session: &Session) -> Result<Lease> {
    let lease = session.claim("worker")?;
    session.state()?.save(b"state = \"running\"\n")?;
    Ok(lease)
}

/// What came of the session, by its worker or by what the worker has left
/// running: also after a supervisor gave it up.
///
/// # Errors
/// As [`untorn::Transaction::commit`]: nothing has changed.
pub fn finish(session: &Session, result: &[u8]) -> Result<()> {
    let mut tx = session.transaction()?;
    tx.save("result.toml", result)?;
    tx.save("state.toml", FINISHED)?;
    tx.commit()
}

/// Retires the session if its worker died: with the worker's result if there is
/// one, else with `result`; and `also` changes with it. Any number of supervisors
/// may try; one of them gets [`Reconciled::Done`].
///
/// # Errors
/// As [`Session::reconcile`]: nothing has changed.
pub fn retire(
    session: &Session,
    result: &[u8],
    mut also: impl FnMut(&mut Transaction) -> Result<()>,
) -> Result<Reconciled> {
    loop {
        let outcome = session.reconcile(|tx| {
            let state: &[u8] = match tx.create("result.toml", result) {
                Ok(_) => b"state = \"died\"\n",
                Err(error) if error.kind() == ErrorKind::AlreadyExists => FINISHED,
                Err(error) => return Err(error),
            };
            tx.save("state.toml", state)?;
            also(tx)?;
            Ok(true)
        });
        match outcome {
            // The worker's result came in the last moment, and nothing of ours is
            // there: only its state is missing.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            outcome => return outcome,
        }
    }
}
