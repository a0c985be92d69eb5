//! The C library: header, shared and static library, pkg-config and CMake files.

use super::layout::{VERSION, licences, staging};
use super::platform::Platform;
use super::toolchain::Toolchain;
use super::{Kind, archive, copy, import_names, program, quick, shared};
use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

pub fn make(site: &Site, log: &Log) -> Result<()> {
    let built = quick::compile(site, Kind::C, log)?;
    let out = site.dist_c();
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| format!("remove {}", out.display()))?;
    }
    interface(site, &out)?;
    libraries(site, &built, &out.join("lib"), log)?;
    program::man_pages(site, &out.join("share/man/man1"), log)
}

/// The published archive of one platform.
pub fn of_platform(
    site: &Site,
    platform: &Platform,
    toolchain: &Toolchain,
    built: &Path,
    log: &Log,
) -> Result<()> {
    let top = staging(site, &format!("untorn-c-{VERSION}-{}", platform.name))?;
    interface(site, &top)?;
    licences(site, &top)?;
    let lib = top.join("lib");
    static_library(built, &lib, strip_of(platform), log)?;
    if platform.is_windows() {
        import_names::without_place(&lib.join("libuntorn.a"), log)?;
        fs::create_dir(top.join("bin"))?;
        copy(&built.join("untorn.dll"), &top.join("bin/untorn.dll"))?;
        copy(&built.join("libuntorn.dll.a"), &lib.join("libuntorn.dll.a"))?;
    } else if platform.is_mac() {
        mac(built, &lib)?;
    } else {
        linux(
            site,
            toolchain.linker(site)?,
            strip_of(platform),
            built,
            &lib,
            log,
        )?;
    }
    archive(site, &top, log)
}

/// The program that takes debugging information out of an archive of this platform.
fn strip_of(platform: &Platform) -> Option<&'static str> {
    match (platform.npm.0, platform.npm.1) {
        ("win32", _) => Some("x86_64-w64-mingw32-strip"),
        ("linux", "x64") => Some("strip"),
        ("linux", _) => Some("aarch64-linux-gnu-strip"),
        _ if cfg!(target_os = "macos") => Some("strip"),
        // No program of Linux takes it out of what is made for macOS.
        _ => None,
    }
}

/// Header, pkg-config and CMake.
fn interface(site: &Site, out: &Path) -> Result<()> {
    let lib = out.join("lib");
    for dir in ["include", "lib/pkgconfig", "lib/cmake/untorn"] {
        fs::create_dir_all(out.join(dir))?;
    }
    copy(
        &site.root.join("include/untorn.h"),
        &out.join("include/untorn.h"),
    )?;
    let templates = site.root.join("ffi/packaging");
    for (template, to) in [
        ("untorn.pc.in", "pkgconfig/untorn.pc"),
        ("untorn-static.pc.in", "pkgconfig/untorn-static.pc"),
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

fn libraries(site: &Site, built: &Path, lib: &Path, log: &Log) -> Result<()> {
    static_library(built, lib, Some("strip"), log)?;
    if cfg!(target_os = "macos") {
        return mac(built, lib);
    }
    linux(site, Run::new("cc"), Some("strip"), built, lib, log)
}

fn static_library(built: &Path, lib: &Path, strip: Option<&str>, log: &Log) -> Result<()> {
    let archive = lib.join("libuntorn.a");
    copy(&built.join("libuntorn.a"), &archive)?;
    match strip {
        // Rust's own standard library comes with debugging information: half of the file. With
        // neither times nor owners of the members: the same bytes each time.
        Some(strip) => Run::new(strip).args(["-S", "-D"]).arg(&archive).log(log),
        None => Ok(()),
    }
}

/// The shared library under its three names: the one the linker looks for, the SONAME the loader
/// looks for, and the real file.
fn linux(
    site: &Site,
    compiler: Run,
    strip: Option<&str>,
    built: &Path,
    lib: &Path,
    log: &Log,
) -> Result<()> {
    let real = format!("libuntorn.so.{VERSION}");
    let soname = shared::soname(&built.join("libuntorn.so"))?;
    let archive = lib.join("libuntorn.a");
    shared::link(site, compiler, &archive, &soname, &lib.join(&real), log)?;
    if let Some(strip) = strip {
        // The names of inner functions are a seventh of the file. The archive keeps them.
        Run::new(strip)
            .arg("--strip-unneeded")
            .arg(lib.join(&real))
            .log(log)?;
    }
    link(&real, &lib.join(&soname))?;
    link(&soname, &lib.join("libuntorn.so"))
}

/// As `ffi/build.rs` names it for the loader.
fn mac(built: &Path, lib: &Path) -> Result<()> {
    copy(
        &built.join("libuntorn.dylib"),
        &lib.join("libuntorn.0.dylib"),
    )?;
    link("libuntorn.0.dylib", &lib.join("libuntorn.dylib"))
}

fn link(to: &str, at: &Path) -> Result<()> {
    std::os::unix::fs::symlink(to, at).with_context(|| format!("link {}", at.display()))
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
