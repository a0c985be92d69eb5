//! `untorn-supervisor work SESSIONS KEY`: a worker; notes each line of the standard
//! input, a record of JSON, and finishes with the last.
//! `untorn-supervisor retire SESSIONS`: a supervisor; retires the session that
//! each line names, if its worker is dead.

use std::io::{self, BufRead, Write};

use untorn::Reconciled;
use untorn_supervisor::{finish, retire, sessions, work};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let mut lines = io::stdin().lock().lines();
    let say = |text: &str| writeln!(io::stdout(), "{text}");
    match arguments[1..] {
        ["work", dir, key] => {
            let session = sessions(dir)?.session(key)?;
            let lease = work(&session)?;
            let context = session.journal()?;
            say("working")?;
            for record in &mut lines {
                context.append(record?.as_bytes())?;
                say("noted")?;
            }
            finish(&session, b"result = \"done\"\n")?;
            lease.release()?;
        }
        ["retire", dir] => {
            let store = sessions(dir)?;
            let result = format!("error = \"the worker died\"\nby = {}\n", std::process::id());
            for key in &mut lines {
                let session = store.session(&key?)?;
                let note = [r#"{"event":"the worker died"}"#];
                let outcome = retire(&session, result.as_bytes(), |tx| {
                    tx.append("context.jsonl", note)
                })?;
                say(match outcome {
                    Reconciled::NoChange => "no change",
                    Reconciled::Busy => "busy",
                    Reconciled::Alive(_) => "alive",
                    Reconciled::Done => "done",
                })?;
            }
        }
        _ => return Err("usage: untorn-supervisor (work SESSIONS KEY | retire SESSIONS)".into()),
    }
    Ok(())
}
