//! Sessions and real processes: owners that are killed, forked, waited for and
//! replaced, and reconcilers that are killed at any instruction.
//!
//! Without the test harness: the processes are this very program.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::scene::lane;
use crate::scene::player::{Player, argument, orders};
use crate::scene::program::{Outcome, Part, Test, say};
use crate::scene::{Scene, records};
use untorn::{CallOptions, Durability, ErrorKind, Process, Reconciled, Session, Store};

pub const PARTS: &[Part] = &[
    ("owner", owner),
    ("counter", counter),
    ("reconciler", reconciler),
];

pub const TESTS: &[Test] = &[
    ("one_owner_among_eight", one_owner_among_eight),
    (
        "a_killed_owner_is_reconciled_once",
        a_killed_owner_is_reconciled_once,
    ),
    ("killed_reconcilers", killed_reconcilers),
    #[cfg(unix)]
    ("a_forked_child_owns_nothing", a_forked_child_owns_nothing),
    ("a_lease_moves_to_the_worker", a_lease_moves_to_the_worker),
];

fn session(dir: &Path) -> Session {
    let store = Store::options()
        .durability(Durability::Process)
        .open(dir)
        .unwrap();
    store.session("s").unwrap()
}

/// Carries out orders with one session.
fn owner() {
    let session = session(&argument());
    let mut lease = None;
    for order in orders() {
        match order.split_once(' ').unwrap_or((&order, "")) {
            ("claim", _) => match session.claim("owner") {
                Ok(taken) => {
                    lease = Some(taken);
                    say("claimed");
                }
                Err(error) => say(error.kind().code()),
            },
            ("release", _) => {
                lease = None;
                say("released");
            }
            ("give", pid) => {
                let heir = Process::of(pid.parse().unwrap());
                lease.as_ref().unwrap().transfer(&heir).unwrap();
                assert!(!lease.as_ref().unwrap().is_held());
                say("given");
            }
            #[cfg(unix)]
            ("fork", _) => {
                // SAFETY: one thread; the child does nothing but live.
                if unsafe { libc::fork() } == 0 {
                    let lease = lease.take().unwrap();
                    assert!(!lease.is_held());
                    lease.release().unwrap();
                    drop(lease);
                    say(&std::process::id().to_string());
                    loop {
                        std::thread::park();
                    }
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Counts, so often, without any other lock.
fn counter() {
    let session = session(&argument());
    let file = session.path().join("counter");
    for order in orders() {
        let mut previous = 0;
        for _ in 0..order.parse::<u32>().unwrap() {
            let lease = session.claim_with("counter", &CallOptions::new()).unwrap();
            let n: u64 = fs::read_to_string(&file).unwrap().parse().unwrap();
            fs::write(&file, (n + 1).to_string()).unwrap();
            previous += u32::from(lease.previous().is_some());
            lease.release().unwrap();
        }
        say(&previous.to_string());
    }
}

fn one_owner_among_eight() -> Outcome {
    let each = u64::from(lane::rounds(150, 500));
    let scene = Scene::new();
    let session = session(scene.dir());
    let file = session
        .media("x")
        .unwrap()
        .parent()
        .unwrap()
        .with_file_name("counter");
    fs::write(&file, "0").unwrap();
    let mut players: Vec<_> = (0..8)
        .map(|_| Player::start("counter", scene.dir()))
        .collect();
    for player in &mut players {
        player.tell(&each.to_string());
    }
    for player in &mut players {
        assert_eq!(player.hear(), "0", "nobody died, so nobody was found dead");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), (8 * each).to_string());
    assert_eq!(session.holder().unwrap(), None);
    Outcome::Passed
}

fn result_of(round: u32) -> String {
    format!("result-{round}.json")
}

/// Each order is a round: reconciles, and says what came of it.
fn reconciler() {
    let session = session(&argument());
    for order in orders() {
        if order == "are you there" {
            say("yes");
            continue;
        }
        let round: u32 = order.parse().unwrap();
        let outcome = session.reconcile(|tx| {
            tx.create(&result_of(round), b"{}")?;
            tx.save("state.json", order.as_bytes())?;
            tx.append("journal.jsonl", [format!("[{round}]")])?;
            Ok(true)
        });
        say(match outcome {
            Ok(Reconciled::Done) => "done",
            Ok(Reconciled::NoChange) => "no change",
            Ok(Reconciled::Busy) => "busy",
            Ok(Reconciled::Alive(_)) => "alive",
            Err(error) => panic!("{error}"),
        });
    }
}

/// All of what a reconciler does is there for each round, once.
fn check(path: &Path, rounds: u32) {
    let seen: Vec<u64> = records(&path.join("journal.jsonl"))
        .iter()
        .map(|record| record[0].as_u64().unwrap())
        .collect();
    assert!(seen.iter().copied().eq(0..u64::from(rounds)), "{seen:?}");
    for round in 0..rounds {
        assert!(path.join(result_of(round)).exists(), "{round}");
    }
    let state = fs::read_to_string(path.join("state.json")).unwrap();
    assert_eq!(state, (rounds - 1).to_string());
}

fn dead_owner(dir: &Path) {
    let mut owner = Player::start("owner", dir);
    assert_eq!(owner.ask("claim"), "claimed");
    owner.kill();
}

fn a_killed_owner_is_reconciled_once() -> Outcome {
    const ROUNDS: u32 = 60;
    let scene = Scene::new();
    let session = session(scene.dir());
    let mut players: Vec<_> = (0..4)
        .map(|_| Player::start("reconciler", scene.dir()))
        .collect();
    for round in 0..ROUNDS {
        let mut owner = Player::start("owner", scene.dir());
        assert_eq!(owner.ask("claim"), "claimed");
        assert_eq!(players[0].ask(&round.to_string()), "alive");
        owner.kill();
        assert_eq!(session.holder().unwrap(), None);
        for player in &mut players {
            player.tell(&round.to_string());
        }
        let said: Vec<_> = players.iter_mut().map(Player::hear).collect();
        let done = said.iter().filter(|said| *said == "done").count();
        assert_eq!(done, 1, "{said:?}");
        let quiet = |said: &String| ["done", "no change", "busy"].contains(&&said[..]);
        assert!(said.iter().all(quiet), "{said:?}");
    }
    check(session.path(), ROUNDS);
    Outcome::Passed
}

fn killed_reconcilers() -> Outcome {
    const MOST_ROUNDS: u32 = 600;
    let (least, mut round) = (lane::rounds(20, 60), 0);
    let scene = Scene::new();
    let session = session(scene.dir());
    let (mut undone, mut done) = (0, 0);
    // About as long as it takes here: systems and file systems differ by much.
    dead_owner(scene.dir());
    let mut first = Player::start("reconciler", scene.dir());
    assert_eq!(first.ask("are you there"), "yes");
    let begun = std::time::Instant::now();
    assert_eq!(first.ask("0"), "done");
    let mut within = 2 * u64::try_from(begun.elapsed().as_micros()).unwrap() + 1;
    first.end();
    // Kills that all missed would show nothing, so there are more of them.
    while round < least || ((undone == 0 || done == 0) && round < MOST_ROUNDS) {
        round += 1;
        dead_owner(scene.dir());
        for _ in 0..2 {
            let mut player = Player::start("reconciler", scene.dir());
            assert_eq!(player.ask("are you there"), "yes");
            player.tell(&round.to_string());
            // Not to wait for anything: the kill is to hit any instruction.
            std::thread::sleep(Duration::from_micros(fastrand::u64(..within)));
            player.kill();
        }
        let mut last = Player::start("reconciler", scene.dir());
        match &last.ask(&round.to_string())[..] {
            // The kills follow the speed of the machine, as others use it too.
            "done" => {
                undone += 1;
                within = within.saturating_mul(2).min(10_000_000);
            }
            "no change" => {
                done += 1;
                within = (within / 2).max(100);
            }
            other => panic!("{other}"),
        }
        last.end();
        check(session.path(), round + 1);
    }
    assert!(
        undone > 0 && done > 0,
        "{undone} {done}: the kills hit nothing"
    );
    Outcome::Passed
}

#[cfg(unix)]
fn a_forked_child_owns_nothing() -> Outcome {
    let scene = Scene::new();
    let session = session(scene.dir());
    let mut owner = Player::start("owner", scene.dir());
    assert_eq!(owner.ask("claim"), "claimed");
    let child: i32 = owner.ask("fork").parse().unwrap();
    let holder = session.holder().unwrap().expect("the parent owns it still");
    assert_eq!(holder.pid, owner.pid());
    assert_eq!(session.claim("me").unwrap_err().kind(), ErrorKind::Locked);
    owner.kill();
    // SAFETY: signal 0 only asks whether the process lives.
    assert_eq!(unsafe { libc::kill(child, 0) }, 0, "the child lives on");
    let outcome = session.reconcile(|tx| tx.save("state.json", b"1").map(|_| true));
    assert_eq!(outcome.unwrap(), Reconciled::Done);
    drop(session.claim("me").unwrap());
    // SAFETY: a process that this test started.
    unsafe { libc::kill(child, libc::SIGKILL) };
    Outcome::Passed
}

fn a_lease_moves_to_the_worker() -> Outcome {
    let scene = Scene::new();
    let session = session(scene.dir());
    let start = || Player::start("owner", scene.dir());
    let never = |_: &mut untorn::Transaction| -> untorn::Result<bool> { panic!("it lives") };
    let alive = |player: &Player| match session.reconcile(never).unwrap() {
        Reconciled::Alive(holder) => holder.pid == player.pid(),
        other => panic!("{other:?}"),
    };
    for dies_unclaimed in [false, true] {
        let (mut supervisor, mut worker) = (start(), start());
        assert_eq!(supervisor.ask("claim"), "claimed");
        assert_eq!(worker.ask("claim"), "LOCKED");
        assert_eq!(supervisor.ask(&format!("give {}", worker.pid())), "given");
        assert!(alive(&worker));
        assert_eq!(session.holder().unwrap().unwrap().pid, worker.pid());
        assert_eq!(
            session.holder().unwrap().unwrap().label.as_deref(),
            Some("owner")
        );
        assert_eq!(supervisor.ask("claim"), "LOCKED", "it was given away");
        supervisor.kill();
        assert!(alive(&worker));
        assert_eq!(session.claim("me").unwrap_err().kind(), ErrorKind::Locked);
        if !dies_unclaimed {
            assert_eq!(worker.ask("claim"), "claimed");
            assert!(alive(&worker));
        }
        worker.kill();
        assert_eq!(session.holder().unwrap(), None);
        let outcome = session.reconcile(|tx| tx.save("state.json", b"1").map(|_| true));
        assert_eq!(outcome.unwrap(), Reconciled::Done);
    }
    // To one who has ended it can't be given.
    let lease = session.claim("me").unwrap();
    let ended = start();
    let heir = Process::of(ended.pid());
    ended.kill();
    let error = lease.transfer(&heir).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(lease.is_held());
    let path: PathBuf = session.path().join(".untorn.lease");
    assert!(fs::read_to_string(path).unwrap().contains("\"me\""));
    Outcome::Passed
}
