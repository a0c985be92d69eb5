//! `untorn store copy`: between a directory and a database. Only with the feature
//! `postgres`.

use postgres::{Config, NoTls};
use untorn::CallOptions;
use untorn_postgres::{Connections, Copied};

use crate::args::Handle;
use crate::exit::{FOUND, Failure, Result};
use crate::output::{Output, harmless, thousands};

/// The place of the sessions in a database.
pub struct Place<'a> {
    pub schema: &'a str,
    pub journal: &'a str,
}

pub fn run(
    source: &str,
    target: &str,
    place: &Place<'_>,
    migrate: bool,
    handle: &Handle,
    out: &mut Output,
) -> Result {
    let (url, up) = match (is_database(source), is_database(target)) {
        (true, false) => (source, false),
        (false, true) => (target, true),
        _ => {
            let why = "one of both must be a directory, and the other a database: postgres://USER@HOST/DATABASE";
            return Err(Failure::usage(why));
        }
    };
    let mut config: Config = url
        .parse()
        .map_err(|error| Failure::usage(format!("the address of the database: {error}")))?;
    if let (None, Ok(password)) = (config.get_password(), std::env::var("PGPASSWORD")) {
        config.password(password);
    }
    // No message names the address: it may hold a password.
    let failed = |error: postgres::Error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        Failure::of("database", format!("{error}{}", cause.unwrap_or_default()))
    };
    if migrate {
        let mut client = config.connect(NoTls).map_err(failed)?;
        untorn_postgres::migrate(&mut client, place.schema)?;
    }
    let idle = std::sync::Mutex::new(Vec::new());
    let database = untorn_postgres::Store::options()
        .journal_name(place.journal)
        .open(pool(config, std::sync::Arc::new(idle)), place.schema)?;
    let files = |dir: &str, create| {
        let options = untorn::Store::options()
            .create(create)
            .timeout(handle.timeout);
        options.journal_name(place.journal).open(dir)
    };
    let call = CallOptions::new();
    let copied = match up {
        true => database.copy_from(&files(source, false)?, &call)?,
        false => database.copy_to(&files(target, true)?, &call)?,
    };
    report(&copied, out)
}

fn is_database(place: &str) -> bool {
    place.starts_with("postgres://") || place.starts_with("postgresql://")
}

type Idle = std::sync::Arc<std::sync::Mutex<Vec<postgres::Client>>>;

/// One connection at a time is enough, and it is kept.
struct Lent(Option<postgres::Client>, Idle);

impl std::ops::Deref for Lent {
    type Target = postgres::Client;

    fn deref(&self) -> &postgres::Client {
        self.0.as_ref().expect("lent until the drop")
    }
}

impl std::ops::DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut postgres::Client {
        self.0.as_mut().expect("lent until the drop")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let client = self.0.take().filter(|client| !client.is_closed());
        if let Ok(mut idle) = self.1.lock() {
            idle.extend(client);
        }
    }
}

fn pool(config: Config, idle: Idle) -> Connections {
    Connections::new(move || {
        let kept = idle.lock().ok().and_then(|mut idle| idle.pop());
        let client = kept.map_or_else(|| config.connect(NoTls), Ok)?;
        Ok::<_, postgres::Error>(Lent(Some(client), idle.clone()))
    })
}

fn report(copied: &Copied, out: &mut Output) -> Result {
    if out.json {
        let skipped = copied.skipped.iter().map(|skipped| {
            serde_json::json!({
                "key": skipped.key,
                "code": skipped.error.kind().code(),
                "why": skipped.error.to_string(),
            })
        });
        out.object(&serde_json::json!({
            "sessions": copied.sessions,
            "files": copied.files,
            "bytes": copied.bytes,
            "copied": copied.copied,
            "skipped": skipped.collect::<Vec<_>>(),
        }))?;
    } else {
        for skipped in &copied.skipped {
            out.line(format!(
                "left out {}: {}",
                harmless(&skipped.key),
                harmless(&skipped.error.to_string())
            ))?;
        }
        if !out.quiet {
            out.line(format!(
                "sessions {}, files {}, bytes {}, of which {} are new",
                thousands(copied.sessions),
                thousands(copied.files),
                thousands(copied.bytes),
                thousands(copied.copied)
            ))?;
        }
    }
    Ok(if copied.skipped.is_empty() { 0 } else { FOUND })
}
