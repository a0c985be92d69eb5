//! A save in directories with more and more files.

use super::super::field::{Case, Finding, compare};
use super::Work;
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
    let counts: &[u32] = if options.quick {
        &[10, 100]
    } else {
        &[10, 1_000, 20_000]
    };
    let mut findings = Vec::new();
    for &files in counts {
        let case = Case {
            work: "files",
            name: super::super::page::grouped(files),
            unit: "µs",
            options,
            rounds: options.at_most(9),
        };
        findings.extend(compare(
            &case,
            &FIELD,
            |player| {
                player.open_new("state.json")?;
                for n in 0..files {
                    std::fs::write(player.path(&format!("other {n}"))?, "")?;
                }
                Ok(())
            },
            |player| player.each(&["save", "2000"], 20),
        )?);
    }
    Ok(findings)
}
