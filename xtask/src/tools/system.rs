//! Programs that come with the system: found, or installed where we may, or named.

use crate::command::{Run, on_path};
use crate::log::Log;
use anyhow::{Context, Result, bail};

/// A program, and the Debian package it comes in.
struct Need {
    program: &'static str,
    package: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        program: "cc",
        package: "gcc",
    },
    Need {
        program: "gcc",
        package: "gcc",
    },
    Need {
        program: "g++",
        package: "g++",
    },
    // With its run-time library, for the sanitizers.
    Need {
        program: "clang",
        package: "clang libclang-rt-dev",
    },
    Need {
        program: "valgrind",
        package: "valgrind",
    },
    Need {
        program: "cmake",
        package: "cmake",
    },
    // It needs ninja.
    Need {
        program: "meson",
        package: "meson ninja-build",
    },
    Need {
        program: "make",
        package: "make",
    },
    Need {
        program: "pkg-config",
        package: "pkg-config",
    },
    Need {
        program: "readelf",
        package: "binutils",
    },
    Need {
        program: "nm",
        package: "binutils",
    },
    // The tests of what a document keeps when it is replaced.
    Need {
        program: "setfattr",
        package: "attr",
    },
    Need {
        program: "setfacl",
        package: "acl",
    },
    Need {
        program: "node",
        package: "nodejs",
    },
    Need {
        program: "npm",
        package: "npm",
    },
    Need {
        program: "python3",
        package: "python3 python3-venv",
    },
    Need {
        program: "git",
        package: "git",
    },
];

/// Sees to it that every program the tests run is there.
pub fn ensure(log: &Log) -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().flat_map(|n| n.package.split(' ')).collect();
    if !may_install() {
        let names: Vec<&str> = missing.iter().map(|n| n.program).collect();
        bail!(
            "these programs are missing: {}; on Debian and Ubuntu: apt-get install {}",
            names.join(" "),
            packages.join(" ")
        );
    }
    Run::new("apt-get").arg("update").log(log)?;
    for need in &missing {
        install(need.package, log)?;
        if !on_path(need.program) {
            bail!(
                "`{}` is still missing after installing {}",
                need.program,
                need.package
            );
        }
    }
    Ok(())
}

/// Returns whether this process can install packages of the system.
pub fn may_install() -> bool {
    is_root() && on_path("apt-get")
}

/// Installs packages, whose names have spaces between them.
pub fn install(packages: &str, log: &Log) -> Result<()> {
    Run::new("apt-get")
        .args(["install", "--yes", "--no-install-recommends"])
        .args(packages.split(' '))
        .env("DEBIAN_FRONTEND", "noninteractive")
        .log(log)
}

/// The one of these programs that is there, installed if we may.
pub fn either(programs: &[&'static str], package: &str, log: &Log) -> Result<&'static str> {
    let found = || programs.iter().find(|program| on_path(program)).copied();
    if let Some(program) = found() {
        return Ok(program);
    }
    let names = programs.join(", ");
    if !may_install() {
        bail!("none of these programs is there: {names}; on Debian: apt-get install {package}");
    }
    Run::new("apt-get").arg("update").log(log)?;
    install(package, log)?;
    found().with_context(|| format!("none of {names} is there after installing {package}"))
}

fn missing() -> Vec<&'static Need> {
    NEEDS.iter().filter(|n| !on_path(n.program)).collect()
}

fn is_root() -> bool {
    Run::new("id")
        .arg("-u")
        .read()
        .is_ok_and(|id| id.trim() == "0")
}
