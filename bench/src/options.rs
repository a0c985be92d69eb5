//! The command line.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;

const USAGE: &str = "\
Measures untorn against loops of the bare system calls.

usage: untorn-bench [options]
  --dir DIR       where the measured files go; a real file system, not a tmpfs
                  (default: target/bench/files)
  --out DIR       where table, JSON and plots go (default: target/bench)
  --only NAMES    of the suites append,batch,power,contend,burst,save,read,memory,
                  wait,transaction,header,session,many,start,growth: just these,
                  comma-separated
  --rounds N      rounds of the short measurements (default 31)
  --quick         few rounds and smaller files: shows that it runs, not what it costs
  --peers         compare with other programs instead; the results, a page and its plots go into
                  the checkout. With --only: of the works append,durable,contend,save,update,
                  tail,read,follow,import,size,files,sessions,handles,handle-memory
  --no-costs      with --peers: leave out what untorn costs over the bare system calls, which
                  needs a release build
  --render        with --peers: only make the page again from the committed results
  --check         exit status 1 if a target is missed or could not be measured

C, Python and Node are measured where these are set, as `cargo xtask bench` does:
  UNTORN_BENCH_C             directory with include/untorn.h and lib/libuntorn.so
  UNTORN_BENCH_PYTHON        an interpreter that can import untorn
  UNTORN_BENCH_NODE_PROJECT  a directory whose node_modules has untorn
";

/// What is measured, and where.
pub struct Options {
    pub dir: PathBuf,
    pub out: PathBuf,
    pub only: Vec<String>,
    pub rounds: usize,
    pub quick: bool,
    pub check: bool,
    pub peers: bool,
    pub costs: bool,
    pub render: bool,
    pub c: Option<PathBuf>,
    pub python: Option<PathBuf>,
    pub node: Option<PathBuf>,
}

impl Options {
    /// `None`: help was asked for, and has been given.
    pub fn parse(arguments: Vec<String>) -> Result<Option<Options>> {
        let from_environment = |name| std::env::var_os(name).map(PathBuf::from);
        let target = target_dir()?;
        let mut options = Options {
            dir: target.join("bench").join("files"),
            out: target.join("bench"),
            only: Vec::new(),
            rounds: 31,
            quick: false,
            check: false,
            peers: false,
            costs: true,
            render: false,
            c: from_environment("UNTORN_BENCH_C"),
            python: from_environment("UNTORN_BENCH_PYTHON"),
            node: from_environment("UNTORN_BENCH_NODE_PROJECT"),
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .with_context(|| format!("{argument} needs a value"))
            };
            match argument.as_str() {
                "--help" | "-h" => {
                    eprint!("{USAGE}");
                    return Ok(None);
                }
                "--dir" => options.dir = value()?.into(),
                "--out" => options.out = value()?.into(),
                "--only" => options.only = value()?.split(',').map(String::from).collect(),
                "--rounds" => options.rounds = value()?.parse().context("--rounds")?,
                "--quick" => options.quick = true,
                "--peers" => options.peers = true,
                "--no-costs" => options.costs = false,
                "--render" => options.render = true,
                "--check" => options.check = true,
                other => bail!("no such option: {other}\n\n{USAGE}"),
            }
        }
        if let Some(name) = options.only.iter().find(|name| !options.has(name)) {
            bail!("no such suite: {name}\n\n{USAGE}");
        }
        if options.quick {
            options.rounds = options.rounds.min(5);
        }
        std::fs::create_dir_all(&options.dir)?;
        options.dir = options.dir.canonicalize()?;
        Ok(Some(options))
    }

    fn has(&self, name: &str) -> bool {
        if self.peers {
            return crate::public::is_work(name);
        }
        crate::suite::NAMES.contains(&name)
    }

    pub fn wants(&self, suite: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == suite)
    }

    /// Rounds of the comparison with other programs: its works have numbers of their own.
    pub fn at_most(&self, rounds: usize) -> usize {
        if self.quick {
            1
        } else {
            rounds.min(self.rounds)
        }
    }

    /// Rounds of measurements that take half a second each.
    pub fn long_rounds(&self) -> usize {
        if self.quick { 2 } else { 9 }
    }

    /// How long one round of those lasts.
    pub fn long_seconds(&self) -> f64 {
        if self.quick { 0.1 } else { 0.5 }
    }
}

/// Cargo's target directory: the one this program was built in.
fn target_dir() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let target = own.parent().and_then(|profile| profile.parent());
    Ok(target.context("this program lies in no directory")?.into())
}
