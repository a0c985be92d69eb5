//! A test program without the usual harness, for tests whose other processes
//! are this very program, told their part by an environment variable.

use std::process::{Command, Output};

const PART: &str = "UNTORN_TEST_PART";

/// What became of a test.
pub enum Outcome {
    /// It ran, and nothing failed.
    Passed,
    /// This machine does not allow it, for this reason.
    Skipped(String),
}

pub type Test = (&'static str, fn() -> Outcome);

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

/// Runs the tests whose names contain the first argument, or all.
pub fn run(tests: &[Test]) {
    let filter = std::env::args().nth(1).filter(|arg| !arg.starts_with('-'));
    let filter = filter.unwrap_or_default();
    let (mut passed, mut skipped) = (0, 0);
    for (name, test) in tests.iter().filter(|(name, _)| name.contains(&filter)) {
        match test() {
            Outcome::Passed => {
                passed += 1;
                say(&format!("test {name} ... ok"));
            }
            Outcome::Skipped(why) => {
                skipped += 1;
                say(&format!("test {name} ... ignored, {why}"));
            }
        }
    }
    say(&format!(
        "\ntest result: ok. {passed} passed; 0 failed; {skipped} ignored\n"
    ));
}

/// A line to whoever listens; at once, in one write.
pub fn say(line: &str) {
    use std::io::Write;

    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).expect("say");
    out.flush().expect("say");
}
