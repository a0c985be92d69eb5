//! Scripts that stand between cargo, maturin and zig, so that what is below the packages of a platform is compiled
//! once.
//!
//! cargo compiles a crate anew for another linker, and for other features of any crate below it. maturin and
//! cargo-zigbuild each name a linker of their own. Each package by itself asks for other features of `syn`, which
//! is below `serde_derive`, and so below everything.

use super::platform::{Abi, GLIBC, Platform};
use crate::site::Site;
use crate::tools::python::Venv;
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// cargo takes the features that any of them needs. Extension and addon have all that the command has.
pub const TOGETHER: [&str; 6] = [
    "--package",
    "untorn-ffi",
    "--package",
    "untorn-node",
    "--package",
    "untorn-python",
];

/// Links for this platform.
pub fn link(site: &Site, venv: &Venv, platform: &Platform) -> Result<PathBuf> {
    // A program for musl is static: it then runs on every Linux.
    let programs = match platform.is_musl() {
        true => "case \" $* \" in *' -shared '*) ;; *) set -- -static \"$@\" ;; esac\n",
        false => "",
    };
    let text = format!(
        "export CARGO_ZIGBUILD_ZIG_COMMAND='{}' CARGO_ZIGBUILD_ZIG_COMMAND_ARGS='-m ziglang'\n\
         {programs}exec '{}' zig cc -- -g -fno-sanitize=all -target {} \"$@\"\n",
        venv.python().display(),
        // It takes out what rustc says and zig does not know.
        venv.program("cargo-zigbuild").display(),
        target(platform)?,
    );
    script(site, &format!("link-{}", platform.target), &text)
}

/// The cargo that maturin runs. maturin asks it for the extension alone, and gets the other libraries too.
pub fn cargo(site: &Site, platform: &Platform, abi: Abi, cargo: &str) -> Result<PathBuf> {
    let (name, features) = match abi {
        Abi::Abi3 => ("cargo", ""),
        Abi::Abi3t => ("cargo-abi3t", "--features untorn-python/abi3t"),
    };
    let text = format!(
        "[ \"$1\" = rustc ] || exec '{cargo}' \"$@\"\n\
         exec '{cargo}' build --release --locked --target {} --lib {} {features} \
         --message-format json-render-diagnostics\n",
        platform.target,
        TOGETHER.join(" "),
    );
    script(site, &format!("{name}-{}", platform.target), &text)
}

/// A program of ours for the shell, in the target directory.
pub fn script(site: &Site, name: &str, text: &str) -> Result<PathBuf> {
    let dir = site.own("scripts");
    fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    let path = dir.join(name);
    let text = format!("#!/bin/sh\n{text}");
    // cargo asks a compiler again what it is when its file is newer.
    if fs::read_to_string(&path).is_ok_and(|there| there == text) {
        return Ok(path);
    }
    fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// The platform, as zig names it.
pub fn target(platform: &Platform) -> Result<String> {
    let (processor, _) = platform.target.split_once('-').context("a target")?;
    Ok(match platform {
        _ if platform.is_mac() => {
            let (major, minor) = platform.oldest_mac();
            format!("{processor}-macos.{major}.{minor}-none")
        }
        _ if platform.is_glibc() => format!("{processor}-linux-gnu.{}.{}", GLIBC.0, GLIBC.1),
        _ => format!("{processor}-linux-musl"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zig_has_names_of_its_own() {
        let named = |name| target(Platform::named(name).expect("a platform")).expect("a target");
        assert_eq!(named("linux-x64-gnu"), "x86_64-linux-gnu.2.17");
        assert_eq!(named("linux-arm64-musl"), "aarch64-linux-musl");
        assert_eq!(named("darwin-arm64"), "aarch64-macos.11.0-none");
    }
}
