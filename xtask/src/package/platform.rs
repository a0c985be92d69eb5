//! The systems and Pythons that packages are made for.

use crate::command::Run;
use anyhow::{Context, Result, bail};

pub struct Platform {
    /// As Node and npm name it. The addon's file and its package have the same name.
    pub name: &'static str,
    /// Rust's name.
    pub target: &'static str,
    /// The tag of the wheel, without the processor: what `maturin --compatibility` takes.
    pub wheel: Option<&'static str>,
    /// What npm compares: `os`, `cpu`, `libc` in `package.json`.
    pub npm: (&'static str, &'static str, Option<&'static str>),
}

/// What a wheel needs of Python.
#[derive(Clone, Copy)]
pub enum Abi {
    /// The stable ABI, from 3.11 on. No free-threaded Python has it.
    Abi3,
    /// That of free-threaded Python, from 3.15 on.
    Abi3t,
}

const fn platform(
    name: &'static str,
    target: &'static str,
    wheel: Option<&'static str>,
    npm: (&'static str, &'static str, Option<&'static str>),
) -> Platform {
    Platform {
        name,
        target,
        wheel,
        npm,
    }
}

/// The first version of glibc that the packages of Linux need: CentOS 7's.
pub const GLIBC: (u32, u32) = (2, 17);

pub const PLATFORMS: [Platform; 7] = [
    platform(
        "linux-x64-gnu",
        "x86_64-unknown-linux-gnu",
        Some("manylinux_2_17"),
        ("linux", "x64", Some("glibc")),
    ),
    platform(
        "linux-x64-musl",
        "x86_64-unknown-linux-musl",
        Some("musllinux_1_2"),
        ("linux", "x64", Some("musl")),
    ),
    platform(
        "linux-arm64-gnu",
        "aarch64-unknown-linux-gnu",
        Some("manylinux_2_17"),
        ("linux", "arm64", Some("glibc")),
    ),
    platform(
        "linux-arm64-musl",
        "aarch64-unknown-linux-musl",
        Some("musllinux_1_2"),
        ("linux", "arm64", Some("musl")),
    ),
    // Built by MinGW. Its name is the one that Node has for every addon of Windows: the C
    // library of Windows is behind both.
    platform(
        "win32-x64-msvc",
        "x86_64-pc-windows-gnu",
        None,
        ("win32", "x64", None),
    ),
    platform(
        "darwin-arm64",
        "aarch64-apple-darwin",
        None,
        ("darwin", "arm64", None),
    ),
    platform(
        "darwin-x64",
        "x86_64-apple-darwin",
        None,
        ("darwin", "x64", None),
    ),
];

impl Platform {
    pub fn named(name: &str) -> Result<&'static Platform> {
        match PLATFORMS.iter().find(|p| p.name == name) {
            Some(platform) => Ok(platform),
            None => bail!(
                "there is no platform `{name}`; there are {} and any",
                PLATFORMS.map(|p| p.name).join(", ")
            ),
        }
    }

    /// The one that this machine is.
    pub fn here() -> Result<&'static Platform> {
        let version = Run::new("rustc").arg("-vV").read()?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let here = PLATFORMS.iter().find(|p| Some(p.target) == host);
        here.with_context(|| format!("there is no package for {host:?}"))
    }

    pub fn is_windows(&self) -> bool {
        self.npm.0 == "win32"
    }

    pub fn is_mac(&self) -> bool {
        self.npm.0 == "darwin"
    }

    /// The oldest macOS that the packages need: the first for Apple's processor, and Rust's oldest for the other.
    pub fn oldest_mac(&self) -> (u32, u32) {
        match self.npm.1 {
            "arm64" => (11, 0),
            _ => (10, 12),
        }
    }

    pub fn is_glibc(&self) -> bool {
        self.npm.2 == Some("glibc")
    }

    pub fn is_musl(&self) -> bool {
        self.npm.2 == Some("musl")
    }

    /// Whether a wheel of this name is for this platform.
    pub fn is_wheel(&self, name: &str) -> bool {
        let (processor, _) = self.target.split_once('-').unwrap_or_default();
        let (system, processor) = match (self.npm.0, self.npm.2) {
            ("win32", _) => ("win_", "amd64"),
            ("darwin", _) if processor == "aarch64" => ("macosx_", "arm64"),
            ("darwin", _) => ("macosx_", processor),
            (_, Some("musl")) => ("musllinux_", processor),
            _ => ("manylinux_", processor),
        };
        let tags = name.rsplit('-').next().unwrap_or_default();
        tags.contains(system) && tags.ends_with(&format!("_{processor}.whl"))
    }

    /// The file that cargo writes for a library of dynamic linking.
    pub fn shared_library(&self, name: &str) -> String {
        match self.npm.0 {
            "win32" => format!("{name}.dll"),
            "darwin" => format!("lib{name}.dylib"),
            _ => format!("lib{name}.so"),
        }
    }

    pub fn program(&self, name: &str) -> String {
        if self.is_windows() {
            format!("{name}.exe")
        } else {
            name.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_named_as_node_names_it() {
        for platform in &PLATFORMS {
            let (os, cpu, libc) = platform.npm;
            let abi = match (os, libc) {
                ("win32", _) => "-msvc",
                (_, Some("glibc")) => "-gnu",
                (_, Some(_)) => "-musl",
                _ => "",
            };
            assert_eq!(platform.name, format!("{os}-{cpu}{abi}"));
        }
        assert!(Platform::named("linux-x64").is_err());
    }

    #[test]
    fn a_wheel_is_for_one_platform() {
        for (tags, name) in [
            (
                "manylinux2014_x86_64.manylinux_2_17_x86_64",
                "linux-x64-gnu",
            ),
            ("musllinux_1_2_aarch64", "linux-arm64-musl"),
            ("win_amd64", "win32-x64-msvc"),
            ("macosx_11_0_arm64", "darwin-arm64"),
            ("macosx_10_12_x86_64", "darwin-x64"),
        ] {
            let wheel = format!("dist/untorn-0.1.0-cp311-abi3-{tags}.whl");
            let names = PLATFORMS.iter().filter(|p| p.is_wheel(&wheel));
            assert_eq!(names.map(|p| p.name).collect::<Vec<_>>(), [name]);
        }
    }
}
