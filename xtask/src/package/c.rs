//! The C library: header, shared and static library, pkg-config and CMake files.

use crate::command::Run;
use crate::progress::Log;
use crate::site::{Site, cargo};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub fn make(site: &Site, log: &Log) -> Result<()> {
    Run::new(cargo())
        .args(["build", "--release", "--package", "untorn-ffi"])
        .dir(&site.root)
        .log(log)?;
    let out = site.dist_c();
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| format!("remove {}", out.display()))?;
    }
    let lib = out.join("lib");
    for dir in ["include", "lib/pkgconfig", "lib/cmake/untorn"] {
        fs::create_dir_all(out.join(dir))?;
    }
    copy(
        &site.root.join("include/untorn.h"),
        &out.join("include/untorn.h"),
    )?;
    libraries(&site.target.join("release"), &lib, log)?;
    let templates = site.root.join("ffi/packaging");
    for (template, to) in [
        ("untorn.pc.in", "pkgconfig/untorn.pc"),
        ("untorn-config.cmake.in", "cmake/untorn/untorn-config.cmake"),
        (
            "untorn-config-version.cmake.in",
            "cmake/untorn/untorn-config-version.cmake",
        ),
    ] {
        fill(&templates.join(template), &lib.join(to))?;
    }
    Ok(())
}

/// The static library, and the shared one under its three names: the one the
/// linker looks for, the SONAME the loader looks for, and the real file.
fn libraries(release: &Path, lib: &Path, log: &Log) -> Result<()> {
    let archive = lib.join("libuntorn.a");
    copy(&release.join("libuntorn.a"), &archive)?;
    // Rust's own standard library comes with debugging information: half of the file.
    Run::new("strip").arg("-S").arg(&archive).log(log)?;

    if cfg!(target_os = "macos") {
        return copy(
            &release.join("libuntorn.dylib"),
            &lib.join("libuntorn.dylib"),
        );
    }
    let real = format!("libuntorn.so.{VERSION}");
    let soname = soname(&release.join("libuntorn.so"))?;
    copy(&release.join("libuntorn.so"), &lib.join(&real))?;
    link(&real, &lib.join(&soname))?;
    link(&soname, &lib.join("libuntorn.so"))
}

/// The name that programs linked with this library will look for. Read from the
/// library itself, so that the links can't disagree with it.
fn soname(library: &Path) -> Result<String> {
    let dynamic = Run::new("readelf").arg("-d").arg(library).read()?;
    dynamic
        .lines()
        .filter(|line| line.contains("(SONAME)"))
        .find_map(|line| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned()))
        .with_context(|| format!("{} has no SONAME: see ffi/build.rs", library.display()))
}

fn link(to: &str, at: &Path) -> Result<()> {
    std::os::unix::fs::symlink(to, at).with_context(|| format!("link {}", at.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .with_context(|| format!("copy {} to {}", from.display(), to.display()))
        .map(drop)
}

/// Writes a template with `@VERSION@` filled in.
fn fill(template: &Path, to: &Path) -> Result<()> {
    let text =
        fs::read_to_string(template).with_context(|| format!("read {}", template.display()))?;
    let text = text.replace("@VERSION@", VERSION);
    if let Some(left) = text
        .split('@')
        .nth(1)
        .filter(|w| !w.is_empty() && w.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    {
        bail!(
            "{}: nothing is known to fill in for @{left}@",
            template.display()
        );
    }
    fs::write(to, text).with_context(|| format!("write {}", to.display()))
}
