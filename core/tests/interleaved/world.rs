//! How a test is run, and what its threads have in common.

use std::path::{Path, PathBuf};
use std::time::Duration;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};
use untorn::CallOptions;

/// How many schedules of each kind a test tries.
fn schedules() -> usize {
    let wanted = std::env::var("UNTORN_INTERLEAVINGS").ok();
    wanted.map_or(300, |wanted| wanted.parse().expect("a number"))
}

pub struct World(tempfile::TempDir);

impl World {
    fn new() -> World {
        untorn::interleaved::another_world();
        World(tempfile::tempdir().expect("a directory"))
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().join("j")
    }
}

/// Runs this in many schedules: some chosen at random at every step, some with few
/// changes of thread at places chosen at random.
pub fn in_many(test: impl Fn(&World) + Send + Sync + 'static) {
    // What the library keeps for its process belongs to one world at a time.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let test = std::sync::Arc::new(test);
    let mut config = Config::new();
    config.stack_size = 1 << 20;
    config.silence_warnings = true;
    let again = std::sync::Arc::clone(&test);
    let random = RandomScheduler::new(schedules());
    Runner::new(random, config.clone()).run(move || again(&World::new()));
    let few_changes = PctScheduler::new(3, schedules());
    Runner::new(few_changes, config).run(move || test(&World::new()));
}

/// Starts a thread; joined when it is asked for its result.
pub fn start<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> shuttle::thread::JoinHandle<T> {
    shuttle::thread::spawn(work)
}

/// A call whose time is over before it waits, or nearly so.
pub fn short<'a>() -> CallOptions<'a> {
    CallOptions::new().timeout(Some(Duration::from_nanos(1)))
}

/// One that waits for long, and looks again now and then.
pub fn long<'a>() -> CallOptions<'a> {
    CallOptions::new().timeout(Some(Duration::from_secs(1000)))
}

/// The numbers in a journal.
pub fn numbers(path: &Path) -> Vec<u64> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| line.parse().expect("a whole record"))
        .collect()
}
