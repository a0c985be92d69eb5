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
//! begins with another seed. The argument, if there is one, names families. A case
//! that failed is kept in `model/regressions/`, and is the first next time.

mod act;
mod disk;
mod foreign;
mod generate;
mod off;
mod oracle;
mod player;
mod readers;
mod runner;
mod step;
mod texts;
mod world;

use proptest::test_runner::{
    Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner,
};

use crate::scene::program::say;
use generate::Family;

pub fn main() {
    let filter = std::env::args()
        .nth(1)
        .filter(|arg| !arg.starts_with('-'))
        .unwrap_or_default();
    let mut failed = 0;
    for family in generate::families() {
        if !family.name.contains(&filter) {
            continue;
        }
        let began = std::time::Instant::now();
        match try_family(&family) {
            Ok(cases) => say(&format!(
                "test model::{} ... ok, {cases} cases, {} ms",
                family.name,
                began.elapsed().as_millis()
            )),
            Err(why) => {
                failed += 1;
                say(&format!("test model::{} ... FAILED\n{why}", family.name));
            }
        }
    }
    assert!(failed == 0, "{failed} families failed");
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
    let seed = number("UNTORN_MODEL_SEED").unwrap_or(1);
    let kept = format!(
        "{}/tests/model/regressions/{}.txt",
        env!("CARGO_MANIFEST_DIR"),
        family.name
    );
    let config = Config {
        cases: cases.unwrap_or(family.count),
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
