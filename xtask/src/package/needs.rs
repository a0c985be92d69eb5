//! What a compiled file asks of the system that it runs on. None may ask for more than its platform has.

use super::layout::{VERSION, files, staging};
use super::macho;
use super::platform::{GLIBC, PLATFORMS, Platform};
use super::toolchain::target_directory;
use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// The libraries that each Windows 10 has, and Python's own of the limited API.
const WINDOWS: [&str; 13] = [
    "advapi32.dll",
    "api-ms-win-core-synch-l1-2-0.dll",
    "bcrypt.dll",
    "bcryptprimitives.dll",
    "kernel32.dll",
    "msvcrt.dll",
    "ntdll.dll",
    "ole32.dll",
    "python3.dll",
    // That of free-threaded Python.
    "python3t.dll",
    "shell32.dll",
    "userenv.dll",
    "ws2_32.dll",
];

/// What each macOS has, with names of libraries that we make ourselves.
const MAC: [&str; 5] = [
    "/usr/lib/libSystem.B.dylib",
    "/usr/lib/libiconv.2.dylib",
    "/usr/lib/libcharset.1.dylib",
    "/usr/lib/libobjc.A.dylib",
    "/System/Library/Frameworks/CoreFoundation.framework/Versions/A/CoreFoundation",
];

pub fn check(site: &Site, log: &Log) -> Result<()> {
    for platform in &PLATFORMS {
        let dir = staging(site, &format!("needs-{}", platform.name))?;
        let mut found = unpack(site, platform, &dir)?;
        found.sort();
        let all = Run::new("find").arg(&dir).args(["-type", "f"]).read()?;
        for file in all.lines() {
            without_our_paths(site, Path::new(file))?;
        }
        for file in found {
            let name = file
                .strip_prefix(&dir)
                .unwrap_or(&file)
                .display()
                .to_string();
            let needs = needs_of(platform, &file).with_context(|| name.clone())?;
            log.line(&format!("{}: {name}: {needs}", platform.name))?;
            without_inner_names(platform, &file).with_context(|| name.clone())?;
        }
    }
    Ok(())
}

/// Unpacks all that was made for a platform, and returns what the system loads of it.
fn unpack(site: &Site, platform: &Platform, dir: &Path) -> Result<Vec<PathBuf>> {
    let package = format!("untorn-{}-{VERSION}.tgz", platform.name);
    let mut archives = files(site, "untorn-c", &format!("-{}.tar.gz", platform.name))?;
    archives.extend(files(site, &package, ".tgz")?);
    for archive in archives {
        let run = Run::new("tar").arg("-xzf").arg(&archive);
        run.arg("-C").arg(dir).read()?;
    }
    for wheel in files(site, "untorn-", ".whl")? {
        let tag = wheel.to_string_lossy().into_owned();
        if platform.is_wheel(&tag) {
            let run = Run::new(crate::tools::python::interpreter()?).args(["-m", "zipfile", "-e"]);
            // Each by itself: the extensions of Windows have one name.
            run.arg(&wheel)
                .arg(dir.join(wheel.file_stem().unwrap_or_default()))
                .read()?;
        }
    }
    let listing = Run::new("find")
        .arg(dir)
        .args(["-type", "f", "(", "-name", "*.so*", "-o", "-name", "*.node"])
        .args(["-o", "-name", "*.dll", "-o", "-name", "*.pyd"])
        .args(["-o", "-name", "*.exe", "-o", "-name", "*.dylib"])
        // Completions for a shell have the command's name, too.
        .args(["-o", "-name", "untorn", "-perm", "-u=x", ")"])
        .read()?;
    Ok(listing.lines().map(PathBuf::from).collect())
}

/// What it needs, in a line; an error if that is too much.
fn needs_of(platform: &Platform, file: &Path) -> Result<String> {
    if platform.is_windows() {
        return windows(file);
    }
    if platform.is_mac() {
        return mac(&std::fs::read(file)?, platform.oldest_mac());
    }
    let is_program = file.ends_with("untorn");
    if platform.is_glibc() {
        return glibc(file, is_program);
    }
    let headers = readelf(file, &["--wide", "--program-headers", "--dynamic"])?;
    let needed: Vec<_> = bracketed(&headers, "(NEEDED)").collect();
    if is_program && headers.contains("INTERP") {
        bail!("it is not a static program");
    }
    if needed.iter().any(|library| *library != "libc.so") {
        bail!("it needs {needed:?}, and systems with musl may lack all but libc.so");
    }
    Ok(format!("{needed:?}"))
}

fn glibc(file: &Path, is_program: bool) -> Result<String> {
    let dynamic = readelf(file, &["--wide", "--dynamic"])?;
    // zig has an unwinder of its own. A process with two ends when a thread is ended.
    if !is_program && !bracketed(&dynamic, "(NEEDED)").any(|name| name == "libgcc_s.so.1") {
        bail!("it has another unwinder than the program that loads it");
    }
    let newest = newest_glibc(&readelf(file, &["--wide", "--version-info"])?);
    match newest {
        Some(newest) if newest <= GLIBC => Ok(format!("glibc {}.{}", newest.0, newest.1)),
        _ => bail!("it needs glibc {newest:?}, which is newer than {GLIBC:?}"),
    }
}

fn windows(file: &Path) -> Result<String> {
    let headers = Run::new("objdump").arg("-p").arg(file).read()?;
    let needed: Vec<_> = headers
        .lines()
        .filter_map(|line| line.trim().strip_prefix("DLL Name: "))
        .map(str::to_lowercase)
        .collect();
    match needed.iter().find(|dll| !of_windows(dll)) {
        Some(dll) => bail!("it needs {dll}, which Windows does not have"),
        None if needed.is_empty() => bail!("objdump finds no import in it"),
        None => Ok(needed.join(" ")),
    }
}

/// The C library is in each Windows since 10, under many names.
fn of_windows(dll: &str) -> bool {
    WINDOWS.contains(&dll) || dll.starts_with("api-ms-win-crt-")
}

fn mac(file: &[u8], wanted: (u32, u32)) -> Result<String> {
    let header = macho::read(file).context("it is no Mach-O file of 64 bits")?;
    let unknown = |name: &&String| !MAC.contains(&name.as_str());
    if let Some(name) = header.needs.iter().find(unknown) {
        bail!("it needs {name}, which macOS does not have");
    }
    // The loader would look for it where it was built.
    if header
        .name
        .as_ref()
        .is_some_and(|name| !name.starts_with("@rpath/"))
    {
        bail!("its install name is {:?}", header.name);
    }
    let oldest = header.oldest.context("it names no oldest macOS")?;
    if oldest > wanted {
        bail!("it needs macOS {oldest:?}, which is newer than {wanted:?}");
    }
    // Macs with Apple's processor start no program without a signature.
    if header.is_arm && !header.is_signed {
        bail!("it has no signature");
    }
    Ok(format!(
        "macOS {}.{}, {:?}, {:?}",
        oldest.0, oldest.1, header.name, header.needs
    ))
}

/// Neither where the project was built, nor where cargo keeps what it downloads. In names of symbols a path has `_` for
/// all but letters and digits.
fn without_our_paths(site: &Site, file: &Path) -> Result<()> {
    let bytes = std::fs::read(file)?;
    let home = std::env::var("HOME").unwrap_or_default();
    let cargo = std::env::var("CARGO_HOME").unwrap_or_else(|_| format!("{home}/.cargo"));
    let built = target_directory(site).to_string_lossy().into_owned();
    let in_names = built.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    for path in [in_names, site.root.to_string_lossy().into_owned(), cargo] {
        if bytes
            .windows(path.len())
            .any(|part| part == path.as_bytes())
        {
            bail!("{} has the path {path} in it", file.display());
        }
    }
    Ok(())
}

/// The names of inner functions are a quarter of a file for Windows, and serve nobody who uses it. In a file for macOS
/// the linker leaves those that others may call, which are not told apart here.
fn without_inner_names(platform: &Platform, file: &Path) -> Result<()> {
    let left = if platform.is_windows() {
        has_symbols(&Run::new("objdump").arg("-t").arg(file).read()?)
    } else {
        !platform.is_mac() && readelf(file, &["--wide", "--sections"])?.contains(".symtab")
    };
    match left {
        true => bail!("it is not stripped"),
        false => Ok(()),
    }
}

/// Each symbol has its number in brackets.
fn has_symbols(listing: &str) -> bool {
    listing.lines().any(|line| line.starts_with('['))
}

fn readelf(file: &Path, flags: &[&str]) -> Result<String> {
    Run::new("readelf").args(flags).arg(file).read()
}

fn bracketed<'a>(headers: &'a str, kind: &'a str) -> impl Iterator<Item = &'a str> {
    headers
        .lines()
        .filter(move |line| line.contains(kind))
        .filter_map(|line| Some(line.split_once('[')?.1.split_once(']')?.0))
}

/// The newest version of glibc that a symbol is asked of.
fn newest_glibc(symbols: &str) -> Option<(u32, u32)> {
    symbols
        .split("GLIBC_")
        .skip(1)
        .filter_map(|rest| {
            let version = rest
                .split(|c: char| c != '.' && !c.is_ascii_digit())
                .next()?;
            let mut numbers = version.split('.').map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_glibc_is_found_by_number() {
        let symbols = "Name: GLIBC_2.2.5  Flags: none\nName: GLIBC_2.17\n Name: GLIBC_2.9\n";
        assert_eq!(newest_glibc(symbols), Some((2, 17)));
        assert_eq!(newest_glibc("Name: GLIBC_PRIVATE"), None);
        assert!(newest_glibc("GLIBC_2.34") > Some(GLIBC));
    }

    #[test]
    fn what_windows_has_is_known_by_name() {
        assert!(of_windows("kernel32.dll"));
        assert!(of_windows("api-ms-win-crt-stdio-l1-1-0.dll"));
        assert!(!of_windows("libgcc_s_seh-1.dll"));
    }

    #[test]
    fn what_needs_a_newer_macos_is_refused() {
        // A Mach-O file for x86-64 with one load command: the oldest macOS is 12.3.
        let header = [0xfeed_facf, 0x0100_0007, 0, 6, 1, 0, 0, 0];
        let command = [0x32, 24, 1, 12 << 16 | 3 << 8, 0, 0];
        let words = header.into_iter().chain(command);
        let file: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
        assert!(mac(&file, (12, 3)).is_ok());
        assert!(mac(&file, (11, 0)).is_err());
    }

    #[test]
    fn a_symbol_of_windows_has_a_number() {
        let none = "x.dll:     file format pei-x86-64\n\nSYMBOL TABLE:\nno symbols\n";
        assert!(!has_symbols(none));
        let one = "SYMBOL TABLE:\n[  0](sec  1)(fl 0x00)(ty 20)(scl 2) (nx 0) 0x0 main\n";
        assert!(has_symbols(one));
    }

    #[test]
    fn what_a_library_needs_is_in_brackets() {
        let headers =
            " 0x1 (NEEDED)  Shared library: [libc.so]\n 0xe (SONAME) Library soname: [x]\n";
        assert_eq!(
            bracketed(headers, "(NEEDED)").collect::<Vec<_>>(),
            ["libc.so"]
        );
    }
}
