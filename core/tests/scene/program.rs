//! A test program without the usual harness, for tests whose other processes are this
//! very program, which gets their part by an environment variable.

use std::collections::BTreeSet;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

const PART: &str = "UNTORN_TEST_PART";

/// What became of a test.
pub enum Outcome {
    /// It ran, and nothing failed.
    Passed,
    /// This machine does not allow it, for this reason.
    Skipped(String),
}

pub type Test = (&'static str, fn() -> Outcome);

/// What another process of a test does, and its name.
pub type Part = (&'static str, fn());

/// Before the name of the one test that this process is for.
const ONE: &str = "--one";
/// The exit code of a panic.
const FAILED: i32 = 101;
/// That of a test which this machine does not allow.
const SKIPPED: i32 = 77;

/// The part that this process has to play; `None` in the test program itself.
pub fn part() -> Option<String> {
    std::env::var(PART).ok()
}

/// This very program, to play a part.
pub fn player(part: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.env(PART, part);
    command
}

/// What a process said, which must have ended well.
pub fn said(mut command: Command) -> String {
    let output = command.output().expect("start a process");
    answer(&output)
}

pub fn answer(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A command that runs what is added to it in namespaces of its own; as root,
/// or as a user who is root in there only. `Err`: why it is not allowed.
pub fn unshare(what: &[&str]) -> Result<Command, String> {
    let user: &[&str] = &["--user", "--map-root-user"];
    let mut refusal = String::new();
    for more in [&[], user] {
        let command = || {
            let mut command = Command::new("unshare");
            command.args(more).args(what);
            command
        };
        match command().arg("true").output() {
            Ok(output) if output.status.success() => return Ok(command()),
            Ok(output) => refusal = String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => refusal = format!("unshare: {error}"),
        }
    }
    Err(refusal)
}

/// Whether this user may do everything.
#[cfg(unix)]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Plays one part of this program.
pub fn play(part: &str, parts: &[Part]) {
    let (_, play) = parts
        .iter()
        .find(|(name, _)| *name == part)
        .unwrap_or_else(|| panic!("no such part: {part}"));
    play();
}

/// Runs the tests whose names contain the first argument, or all. Each runs in a
/// process of its own, so it does not meet what another changes of its process.
pub fn run(tests: &[Test]) {
    let names: BTreeSet<&str> = tests.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), tests.len(), "two tests have one name");
    let mut arguments = std::env::args().skip(1);
    let mut first = arguments.next();
    if first.as_deref() == Some(ONE) {
        return run_here(tests, &arguments.next().expect("a name"));
    }
    let filter = first.take_if(|word| !word.starts_with('-'));
    let filter = filter.unwrap_or_default();
    let chosen: Vec<&str> = tests
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| name.contains(&filter))
        .collect();
    let results = run_each(&chosen);
    let count = |result| results.iter().filter(|found| **found == result).count();
    let failed = count(Some(FAILED));
    say(&format!(
        "\ntest result: {}. {} passed; {failed} failed; {} ignored\n",
        if failed == 0 { "ok" } else { "FAILED" },
        count(Some(0)),
        count(Some(SKIPPED)),
    ));
    assert_eq!(count(Some(0)) + count(Some(SKIPPED)), chosen.len());
}

fn run_here(tests: &[Test], chosen: &str) {
    let (name, test) = tests
        .iter()
        .find(|(name, _)| *name == chosen)
        .unwrap_or_else(|| panic!("no such test: {chosen}"));
    match test() {
        Outcome::Passed => say(&format!("test {name} ... ok")),
        Outcome::Skipped(why) => {
            say(&format!("test {name} ... ignored, {why}"));
            std::process::exit(SKIPPED);
        }
    }
}

/// The exit code of each.
fn run_each(chosen: &[&str]) -> Vec<Option<i32>> {
    /// Tests of limits and of the age of files wait for seconds, and use no processor.
    const WAIT: usize = 2;
    let next = AtomicUsize::new(0);
    let at_once = std::thread::available_parallelism().map_or(1, usize::from) + WAIT;
    let run_some = || {
        let mut codes = Vec::new();
        while let Some(name) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            let status = command.args([ONE, name]).status().expect("start a process");
            if !status.success() && status.code() != Some(SKIPPED) {
                say(&format!("test {name} ... FAILED, {status}"));
            }
            codes.push(status.code());
        }
        codes
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..at_once).map(|_| scope.spawn(run_some)).collect();
        let ended = running
            .into_iter()
            .map(|thread| thread.join().expect("no panic"));
        ended.flatten().collect()
    })
}

/// Writes a line to the reader, at once, in one write.
pub fn say(line: &str) {
    use std::io::Write;

    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).expect("say");
    out.flush().expect("say");
}
