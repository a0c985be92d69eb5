//! The reports: sessions whose state said "running" next to a result, since the
//! two were written one after the other. Dead workers that seemed alive when
//! another process got their number. Locks that were never released. Files with
//! mode 0600 that their readers could not read any more.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use untorn::{Reconciled, Session};
use untorn_supervisor::{finish, retire, sessions, work};

/// A worker or a supervisor.
struct Peer {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start(arguments: &[&str], dir: &Path) -> Peer {
        let mut child = Command::new(env!("CARGO_BIN_EXE_untorn-supervisor"))
            .arg(arguments[0])
            .arg(dir)
            .args(&arguments[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Peer {
            orders: child.stdin.take(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    fn worker(dir: &Path, key: &str) -> Peer {
        let mut worker = Peer::start(&["work", key], dir);
        assert_eq!(worker.hear(), "working");
        worker
    }

    fn tell(&mut self, order: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn end(mut self) {
        drop(self.orders.take());
        assert!(self.child.wait().unwrap().success());
    }
}

fn session(dir: &Path, key: &str) -> Session {
    sessions(dir).unwrap().session(key).unwrap()
}

fn text(session: &Session, name: &str) -> String {
    fs::read_to_string(session.path().join(name)).unwrap()
}

fn killed_worker(dir: &Path, key: &str) -> (Session, u32) {
    let worker = Peer::worker(dir, key);
    let pid = worker.child.id();
    worker.kill();
    (session(dir, key), pid)
}

#[test]
fn a_dead_session_is_retired_once_by_many_supervisors() {
    const ROUNDS: usize = 100;
    let dir = tempfile::tempdir().unwrap();
    let mut supervisors: Vec<_> = (0..8)
        .map(|_| Peer::start(&["retire"], dir.path()))
        .collect();
    for round in 0..ROUNDS {
        let key = format!("run:{round}");
        let mut worker = Peer::worker(dir.path(), &key);
        worker.tell(r#"{"event":"step"}"#);
        assert_eq!(worker.hear(), "noted");
        supervisors[0].tell(&key);
        assert_eq!(supervisors[0].hear(), "alive");

        // All begin while it is dying.
        worker.child.kill().unwrap();
        let mut done = Vec::new();
        while done.is_empty() {
            supervisors
                .iter_mut()
                .for_each(|supervisor| supervisor.tell(&key));
            for supervisor in &mut supervisors {
                let answer = supervisor.hear();
                assert!(
                    ["done", "busy", "alive", "no change"].contains(&&*answer),
                    "{answer}"
                );
                if answer == "done" {
                    done.push(supervisor.child.id());
                }
            }
        }
        worker.kill();
        assert_eq!(done.len(), 1, "round {round}");

        let session = session(dir.path(), &key);
        assert_eq!(text(&session, "state.toml"), "state = \"died\"\n");
        let by = format!("by = {}\n", done[0]);
        assert!(
            text(&session, "result.toml").ends_with(&by),
            "the one who said so wrote it"
        );
        let context = text(&session, "context.jsonl");
        assert_eq!(
            context,
            "{\"event\":\"step\"}\n{\"event\":\"the worker died\"}\n"
        );
        // Nothing is left locked: the next worker takes it.
        Peer::worker(dir.path(), &key).end();
        assert_eq!(text(&session, "state.toml"), "state = \"finished\"\n");
        assert_eq!(text(&session, "result.toml"), "result = \"done\"\n");
    }
    supervisors.into_iter().for_each(Peer::end);
}

#[test]
fn the_workers_own_result_wins() {
    let dir = tempfile::tempdir().unwrap();

    // It came between the death and the supervisor.
    let (before, _) = killed_worker(dir.path(), "before");
    fs::write(before.path().join("result.toml"), "result = \"its own\"\n").unwrap();
    assert_eq!(
        retire(&before, b"ours", |_| Ok(())).unwrap(),
        Reconciled::Done
    );

    // In the last moment before the commit, by a program that takes no lock.
    let (during, _) = killed_worker(dir.path(), "during");
    let mut tries = 0;
    let outcome = retire(&during, b"ours", |_| {
        tries += 1;
        assert_eq!(
            text(&during, "state.toml"),
            "state = \"running\"\n",
            "nothing has changed yet"
        );
        fs::write(during.path().join("result.toml"), "result = \"its own\"\n").unwrap();
        Ok(())
    });
    assert_eq!((outcome.unwrap(), tries), (Reconciled::Done, 2));

    // Afterwards, by what the worker had left running.
    let (after, _) = killed_worker(dir.path(), "after");
    assert_eq!(
        retire(&after, b"ours", |_| Ok(())).unwrap(),
        Reconciled::Done
    );
    assert_eq!(text(&after, "result.toml"), "ours");
    finish(&after, b"result = \"its own\"\n").unwrap();

    for session in [before, during, after] {
        assert_eq!(text(&session, "result.toml"), "result = \"its own\"\n");
        assert_eq!(text(&session, "state.toml"), "state = \"finished\"\n");
        assert_eq!(
            retire(&session, b"ours", |_| Ok(())).unwrap(),
            Reconciled::NoChange
        );
    }
}

#[test]
fn a_supervisor_that_fails_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (session, _) = killed_worker(dir.path(), "k");
    let error = retire(&session, b"ours", |tx| {
        tx.append("context.jsonl", ["not JSON"])
    })
    .unwrap_err();
    assert_eq!(error.kind(), untorn::ErrorKind::InvalidRecord);
    assert_eq!(text(&session, "state.toml"), "state = \"running\"\n");
    assert!(!session.path().join("result.toml").exists());
    assert_eq!(
        retire(&session, b"ours", |_| Ok(())).unwrap(),
        Reconciled::Done
    );
}

#[cfg(unix)]
#[test]
fn a_number_in_use_again_is_no_sign_of_life() {
    let dir = tempfile::tempdir().unwrap();
    let (session, pid) = killed_worker(dir.path(), "k");
    // As if a process that lives had got the dead worker's number: ours would not
    // do, which may have begun in the same hundredth of a second.
    let other = std::os::unix::process::parent_id();
    let note = session.path().join(".untorn.lease");
    let line = fs::read_to_string(&note).unwrap();
    let own = line.replacen(&pid.to_string(), &other.to_string(), 1);
    assert_ne!(own, line);
    fs::write(&note, own).unwrap();
    assert_eq!(session.holder().unwrap(), None);
    assert_eq!(
        retire(&session, b"ours", |_| Ok(())).unwrap(),
        Reconciled::Done
    );
}

#[cfg(unix)]
#[test]
fn files_keep_their_modes() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (session, _) = killed_worker(dir.path(), "k");
    let mode = |name: &str| {
        let metadata = fs::metadata(session.path().join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    let plain = session.path().join("plain");
    fs::write(&plain, "").unwrap();
    let state = session.path().join("state.toml");
    fs::set_permissions(state, fs::Permissions::from_mode(0o664)).unwrap();
    assert_eq!(
        retire(&session, b"ours", |_| Ok(())).unwrap(),
        Reconciled::Done
    );
    assert_eq!(mode("state.toml"), 0o664);
    assert_eq!(mode("result.toml"), mode("plain"), "what the umask leaves");
}

#[test]
fn a_worker_has_its_session_alone() {
    let dir = tempfile::tempdir().unwrap();
    let worker = Peer::worker(dir.path(), "k");
    let session = session(dir.path(), "k");
    let error = work(&session).unwrap_err();
    assert_eq!(error.kind(), untorn::ErrorKind::Locked);
    assert_eq!(
        error.holder().map(|holder| holder.pid),
        Some(worker.child.id())
    );
    worker.end();
    drop(work(&session).unwrap());
}
