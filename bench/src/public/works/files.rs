//! A save in directories with more and more files.

use super::super::field::Finding;
use super::Work;
use super::growth::Growth;
use crate::options::Options;
use anyhow::Result;

pub const WORK: Work = Work {
    name: "files",
    title: "As the directory fills",
    method: "A save of 2 KB, not synced, next to so many other files.",
    over: Some("other files in the directory"),
    run,
};

const FIELD: [(&str, bool); 6] = [
    ("python/by_untorn", false),
    ("python/by_filelock", false),
    ("python/by_json", false),
    ("node/untorn", false),
    ("node/write-file-atomic", false),
    ("node/lowdb", false),
];

fn run(options: &Options) -> Result<Vec<Finding>> {
    let growth = Growth {
        work: "files",
        field: &FIELD,
        sizes: &[10, 1_000, 20_000],
        few: &[10, 100],
        rounds: 9,
    };
    growth.run(
        options,
        |player, files| {
            player.open_new("state.json")?;
            for n in 0..files {
                std::fs::write(player.path(&format!("other {n}"))?, "")?;
            }
            Ok(())
        },
        |player, _| player.each(&["save", "2000"], 20),
    )
}
