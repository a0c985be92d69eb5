//! What the packages of this machine are compiled by.
//!
//! One call of cargo for all that a run makes: cargo takes the features that any of them needs, and so compiles once
//! what is below them. Each by itself asks for other features of `syn`, which is below `serde_derive`, and so below
//! everything.

use super::Kind;
use super::linker::script;
use crate::command::Run;
use crate::log::Log;
use crate::site::{Site, cargo};
use anyhow::Result;
use std::path::PathBuf;

/// Compiles what this kind of package has in it, and returns where it is.
pub fn compile(site: &Site, kind: Kind, log: &Log) -> Result<PathBuf> {
    let cargo = cargo_of(site, kind)?;
    Run::new(cargo).arg(ASKED).dir(&site.root).log(log)?;
    Ok(site.target.join("release"))
}

/// The word that has the script compile without a program that reads cargo's messages.
const ASKED: &str = "packages";

/// The cargo that maturin runs. It compiles whatever else this run makes, too.
pub fn cargo_of(site: &Site, kind: Kind) -> Result<PathBuf> {
    let cargo = cargo();
    let text = format!(
        "case \"$1\" in\n\
         rustc) set -- --message-format json-render-diagnostics ;;\n\
         {ASKED}) shift ;;\n\
         *) exec '{cargo}' \"$@\" ;;\n\
         esac\n\
         # The extension is for every Python, and so compiled without one.\n\
         unset PYO3_PYTHON PYO3_ENVIRONMENT_SIGNATURE PYO3_CONFIG_FILE\n\
         export PYO3_NO_PYTHON=1 PYO3_BUILD_EXTENSION_MODULE=1 RUSTC_WORKSPACE_WRAPPER='{}'\n\
         exec '{cargo}' build --release {} \"$@\"\n",
        compiler(site)?.display(),
        selection(&site.makes, kind).join(" "),
    );
    script(site, "cargo", &text)
}

/// The compiler, for which the command is static. cargo has no flags for one crate alone, and libraries can't be
/// compiled with this one.
fn compiler(site: &Site) -> Result<PathBuf> {
    let text = match cfg!(target_os = "linux") {
        true => {
            "case \" $* \" in *' --crate-name untorn '*' --crate-type bin '*)\n\
             set -- \"$@\" -Ctarget-feature=+crt-static ;;\nesac\n"
        }
        false => "",
    };
    script(site, "rustc", &format!("{text}exec \"$@\"\n"))
}

/// cargo's words for all that is made.
fn selection(makes: &[Kind], kind: Kind) -> Vec<&'static str> {
    let mut words = Vec::new();
    for (one, package, target) in [
        (Kind::C, "untorn-ffi", "--lib"),
        (Kind::Wheel, "untorn-python", "--lib"),
        (Kind::Npm, "untorn-node", "--lib"),
        (Kind::Command, "untorn-cli", "--bin=untorn"),
    ] {
        if one != kind && !makes.contains(&one) {
            continue;
        }
        words.extend(["--package", package]);
        if !words.contains(&target) {
            words.push(target);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_makes_is_compiled_together() {
        let all = [Kind::C, Kind::Wheel, Kind::Npm, Kind::Command];
        let first = selection(&all, Kind::C);
        assert!(all.iter().all(|kind| selection(&all, *kind) == first));
        assert_eq!(
            selection(&[], Kind::Npm),
            ["--package", "untorn-node", "--lib"]
        );
        assert_eq!(
            selection(&[Kind::Command], Kind::Command),
            ["--package", "untorn-cli", "--bin=untorn"]
        );
    }
}
