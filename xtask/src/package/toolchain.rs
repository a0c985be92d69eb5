//! Compiler, standard library and linker for another system, or for an older one of the same kind.
//!
//! The compiler is rustup's, where it has the standard library of the target (`rustup target add`).
//! Elsewhere it is Debian's, with a standard library that `ci/cross/build-sysroot.sh` builds. zig links
//! for Linux and macOS: it has stubs of each version of glibc, of musl and of macOS. MinGW links for
//! Windows.

use super::layout::files;
use super::platform::{Abi, GLIBC, Platform};
use super::{linker, wheel};
use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use crate::tools::cross;
use crate::tools::python::Venv;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// Their versions are in the bytes of what they build.
const TOOLS: [&str; 4] = [
    "maturin==1.16.0",
    "cargo-zigbuild==0.24.1",
    "ziglang==0.17.0",
    "zopflipy==1.14",
];

pub struct Toolchain {
    pub venv: Venv,
    platform: &'static Platform,
    /// Debian's compiler, and its standard libraries.
    debian: Option<PathBuf>,
    environment: Vec<(String, String)>,
}

impl Toolchain {
    pub fn set_up(site: &Site, platform: &'static Platform, log: &Log) -> Result<Toolchain> {
        let venv = Venv::ensure(site, "package-build", log)?;
        venv.install(TOOLS, log)?;
        let debian = if rustup_has(platform)? {
            None
        } else {
            Some(cross::sysroot(site, platform.target, log)?)
        };
        let mut toolchain = Toolchain {
            venv,
            platform,
            debian,
            environment: Vec::new(),
        };
        toolchain.environment = toolchain.environment(site)?;
        Ok(toolchain)
    }

    /// Builds C library, addon and extension, and makes the wheels. Returns where the libraries are.
    pub fn libraries(&self, site: &Site, out: &Path, log: &Log) -> Result<PathBuf> {
        for abi in [Abi::Abi3, Abi::Abi3t] {
            self.wheel(site, abi, out, log)?;
        }
        for made in files(site, "untorn-", ".whl")? {
            if self.platform.is_wheel(&made.to_string_lossy()) {
                wheel::written_again(site, &self.venv, &made, "zopfli", log)?;
            }
        }
        Ok(directory(site, self.platform))
    }

    /// maturin names the wheel, refuses one that needs a newer system than its tag says, and lists in
    /// it each crate that is linked in.
    fn wheel(&self, site: &Site, abi: Abi, out: &Path, log: &Log) -> Result<()> {
        let cargo = linker::cargo(site, self.platform, abi, &self.cargo())?;
        let mut run = self
            .run(site, "maturin")?
            .args(["build", "--release", "--locked", "--target"])
            .arg(self.platform.target)
            .arg("--out")
            .arg(out)
            .env("CARGO", cargo);
        if self.zig() {
            run = run.arg("--zig");
        }
        if let Abi::Abi3t = abi {
            // No such Python is needed for it.
            let python = ["--features", "abi3t", "--interpreter", "python3.15t"];
            run = run.args(python).env("PYO3_CROSS_PYTHON_VERSION", "3.15t");
        }
        if let Some(tag) = self.platform.wheel {
            run = run.args(["--compatibility", tag]);
        }
        if self.platform.is_glibc() {
            // zig would link an unwinder of its own. A thread that the interpreter ends is unwound by
            // the system's, which then meets frames that it does not know: the process dies.
            run = run.env("UNTORN_LINK_WITH", self.libgcc()?);
        }
        run.dir(site.root.join("bindings/python")).long().log(log)
    }

    /// The command has zig's unwinder, since no interpreter ends its threads. The system's own
    /// needs a newer glibc than the command may need.
    pub fn command(&self, site: &Site, log: &Log) -> Result<()> {
        let program = if self.zig() {
            "cargo-zigbuild"
        } else {
            "cargo"
        };
        self.run(site, program)?
            .args(["build", "--release", "--locked", "--target"])
            .arg(self.target())
            .args(linker::TOGETHER)
            .args(["--package", "untorn-cli", "--bin", "untorn"])
            .dir(&site.root)
            .long()
            .log(log)
    }

    /// What links a shared library for Linux from an archive.
    pub fn linker(&self, site: &Site) -> Result<Run> {
        let run = self
            .run(site, "python")?
            .args(["-m", "ziglang", "cc", "-s", "-target"])
            .arg(linker::target(self.platform)?);
        match self.platform.is_glibc() {
            true => Ok(run.arg(self.libgcc()?)),
            // zig's own: systems with musl may lack one.
            false => Ok(run.arg("-lunwind")),
        }
    }

    /// A program with all that set up.
    pub fn run(&self, site: &Site, program: &str) -> Result<Run> {
        let mut run = Run::new(program);
        let debian = self.debian.as_ref().map(|_| PathBuf::from("/usr/bin"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let venv = self.venv.program("");
        // Before rustup's: only Debian's compiler matches its standard libraries. Behind the tools' own
        // Python: Debian's has no zig.
        let all = [venv].into_iter().chain(debian);
        let all = std::env::join_paths(all.chain(std::env::split_paths(&path)))?;
        run = run.env("PATH", all);
        for (name, value) in &self.environment {
            run = run.env(name, value);
        }
        if self.debian.is_some() {
            run = run
                .env("RUSTC", "/usr/bin/rustc")
                .env("CARGO", self.cargo());
        }
        Ok(run.env("CARGO_TARGET_DIR", target_directory(site)))
    }

    fn zig(&self) -> bool {
        let at_home = self.platform.is_mac() && cfg!(target_os = "macos");
        !(self.platform.is_windows() || at_home)
    }

    fn cargo(&self) -> String {
        match self.debian {
            Some(_) => "/usr/bin/cargo".to_owned(),
            None => crate::site::cargo(),
        }
    }

    /// zig takes the version of glibc behind the target's name.
    fn target(&self) -> String {
        let target = self.platform.target;
        if self.zig() && self.platform.is_glibc() {
            format!("{target}.{}.{}", GLIBC.0, GLIBC.1)
        } else {
            target.to_owned()
        }
    }

    fn environment(&self, site: &Site) -> Result<Vec<(String, String)>> {
        let upper = self.platform.target.to_uppercase().replace('-', "_");
        let mut all = vec![
            (
                format!("CARGO_TARGET_{upper}_RUSTFLAGS"),
                self.flags(site)?.join(" "),
            ),
            ("CARGO_INCREMENTAL".into(), "0".into()),
            ("PYO3_CROSS".into(), "1".into()),
            ("SOURCE_DATE_EPOCH".into(), time_of_commit(site)?),
        ];
        let mut add = |name: &str, value: &str| all.push((name.to_owned(), value.to_owned()));
        let linker = format!("CARGO_TARGET_{upper}_LINKER");
        if self.zig() {
            let script = linker::link(site, &self.venv, self.platform)?;
            add(&linker, &script.to_string_lossy());
        }
        if self.platform.is_windows() {
            add(&linker, "x86_64-w64-mingw32-gcc");
            let libnode = cross::libnode(site)?;
            add("LIBNODE_PATH", &libnode.to_string_lossy());
        }
        if self.platform.is_mac() {
            let (major, minor) = self.platform.oldest_mac();
            add("MACOSX_DEPLOYMENT_TARGET", &format!("{major}.{minor}"));
        }
        Ok(all)
    }

    fn flags(&self, site: &Site) -> Result<Vec<String>> {
        let mut flags = Vec::new();
        if let Some(sysroot) = &self.debian {
            flags.push(format!("--sysroot={}", sysroot.display()));
        }
        if self.platform.is_musl() {
            // Python and Node are linked with musl dynamically. In two words, as maturin looks for it: it would
            // add it once more, which are other flags.
            flags.extend(["-C".into(), "target-feature=-crt-static".into()]);
        }
        if self.platform.is_mac() {
            flags.push("-Clink-arg=-Wl,-S,-x".into());
        }
        flags.push(format!("-Cstrip={}", strip(self.platform)));
        // No path of this machine gets into what is built.
        for (from, to) in remapped(site)? {
            flags.push(format!("--remap-path-prefix={}={to}", from.display()));
        }
        Ok(flags)
    }

    fn libgcc(&self) -> Result<PathBuf> {
        let compiler = match self.platform.npm.1 {
            "arm64" => "/usr/aarch64-linux-gnu/lib/libgcc_s.so.1",
            _ => "/lib/x86_64-linux-gnu/libgcc_s.so.1",
        };
        let path = PathBuf::from(compiler);
        if !path.exists() {
            bail!(
                "{} is missing; on Debian and Ubuntu: apt-get install libgcc-s1{}",
                path.display(),
                if self.platform.npm.1 == "arm64" {
                    "-arm64-cross"
                } else {
                    ""
                }
            );
        }
        Ok(path)
    }
}

/// A flag, since `strip` of the profile counts for no package with an `opt-level` of its own.
fn strip(platform: &Platform) -> &'static str {
    // rustc would ask for a program that Debian's compiler does not bring. The linker does it.
    if platform.is_mac() { "none" } else { "symbols" }
}

pub fn target_directory(site: &Site) -> PathBuf {
    site.own("release")
}

fn directory(site: &Site, platform: &Platform) -> PathBuf {
    target_directory(site).join(platform.target).join("release")
}

/// Whether rustup's compiler has the target's standard library. It is not asked to fetch one: what a build
/// downloads is for the one who starts it to say (`rustup target add`).
fn rustup_has(platform: &Platform) -> Result<bool> {
    let directory = Run::new("rustc")
        .args(["--print", "target-libdir", "--target", platform.target])
        .read()?;
    let Ok(files) = std::fs::read_dir(directory.trim()) else {
        return Ok(false);
    };
    Ok(files
        .flatten()
        .any(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
}

/// The time of the commit, for the files in what is packed: the same for each build of it.
pub fn time_of_commit(site: &Site) -> Result<String> {
    let time = Run::new("git")
        .args(["log", "-1", "--format=%ct"])
        .dir(&site.root)
        .read()
        .context("packages are made from a git checkout")?;
    Ok(time.trim().to_owned())
}

fn remapped(site: &Site) -> Result<Vec<(PathBuf, &'static str)>> {
    let cargo = match std::env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => Path::new(&std::env::var_os("HOME").context("HOME is not set")?).join(".cargo"),
    };
    let mut all = vec![
        (site.root.clone(), "/untorn"),
        // Files that build scripts write; it need not lie in the checkout.
        (site.target.clone(), "/target"),
    ];
    // Each registry has a directory, named after where it is reached.
    if let Ok(registries) = std::fs::read_dir(cargo.join("registry/src")) {
        for registry in registries {
            all.push((registry?.path(), "/crates"));
        }
    }
    all.sort();
    Ok(all)
}
