//! Cases at random, run by real processes and judged by a model of the
//! guarantees (`docs/guarantees.md`).
//!
//! ```text
//! step.rs      what can happen; generate.rs: cases, family by family
//! runner.rs    lets it happen: player.rs a process, act.rs what it does with the
//!              library, foreign.rs other programs, disk.rs what a power cut leaves
//! oracle.rs    what may be there then: world.rs what the files can hold,
//!              readers.rs what those may see who read
//! ```
//!
//! `UNTORN_MODEL_CASES` runs so many cases of each family, `UNTORN_MODEL_SEED`
//! begins with another seed. A failure names its seed. The argument, if there is one,
//! names families. A case that failed is kept in `model/regressions/`, and is the first
//! next time.

mod act;
mod cut;
mod directed;
mod disk;
mod drive;
mod families;
mod fate;
mod foreign;
mod generate;
mod message;
mod oracle;
mod player;
mod readers;
mod runner;
mod seen;
mod step;
mod texts;
mod views;
mod world;

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::test_runner::{
    Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner,
};

use crate::scene::lane::rounds;
use crate::scene::program::say;
use families::Family;

pub fn main() {
    let filter = std::env::args().nth(1).filter(|arg| !arg.starts_with('-'));
    let mut chosen: Vec<Family> = families::families();
    if let Some(filter) = &filter {
        chosen.retain(|family| family.name.contains(&filter[..]));
    }
    let failed = match &chosen[..] {
        // This process forks, and so must have one thread.
        [only] => usize::from(!run_here(only)),
        many => run_each_in_a_process_of_its_own(many),
    };
    if failed > 0 {
        say(&format!("{failed} failed"));
        std::process::exit(1);
    }
}

fn run_here(family: &Family) -> bool {
    let began = std::time::Instant::now();
    let name = family.name;
    match try_family(family) {
        Ok(cases) => {
            let took = began.elapsed().as_millis();
            say(&format!(
                "test model::{name} ... ok, {cases} cases, {took} ms"
            ));
            true
        }
        Err(why) => {
            say(&format!("test model::{name} ... FAILED\n{why}"));
            false
        }
    }
}

fn run_each_in_a_process_of_its_own(families: &[Family]) -> usize {
    let names: Vec<&str> = families.iter().map(|family| family.name).collect();
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut program = Command::new(std::env::current_exe().expect("this program"));
                    let status = program.arg(name).status().expect("start a process");
                    failed.fetch_add(usize::from(!status.success()), Ordering::Relaxed);
                }
            });
        }
    });
    failed.into_inner()
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number")),
    )
}

fn try_family(family: &Family) -> Result<u32, String> {
    let cases = number("UNTORN_MODEL_CASES").and_then(|n| u32::try_from(n).ok());
    // A daily run must not fail by luck, for a change that is not to blame. The deep lane draws its seed.
    let seed = number("UNTORN_MODEL_SEED").unwrap_or(1);
    let kept = format!(
        "{}/tests/model/regressions/{}.txt",
        env!("CARGO_MANIFEST_DIR"),
        family.name
    );
    let config = Config {
        cases: cases.unwrap_or_else(|| rounds(family.count / 2, family.count)),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(kept.leak()))),
        max_shrink_iters: 3_000,
        ..Config::default()
    };
    let count = config.cases;
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(&family.cases, |case| {
        runner::run(&case).map_err(TestCaseError::fail)
    });
    match result {
        Ok(()) => Ok(count),
        Err(TestError::Fail(why, case)) => Err(format!("seed {seed}\n{case:?}{why}")),
        Err(TestError::Abort(why)) => Err(format!("given up: {why}")),
    }
}
