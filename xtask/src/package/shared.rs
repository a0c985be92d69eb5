//! The shared library of Linux, whose functions carry a version.
//!
//! rustc gives the linker a list of symbols without a version, and no linker takes a second list next to it.
//! So the library is linked once more, from the archive, which has the same code. gcc and zig do it alike.

use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use anyhow::{Context, Result, bail};
use std::path::Path;

/// As `ffi/build.rs` links it, and with the versions of `ffi/packaging/libuntorn.map`. `compiler` has all the
/// flags that only its platform needs.
pub fn link(
    site: &Site,
    compiler: Run,
    archive: &Path,
    soname: &str,
    to: &Path,
    log: &Log,
) -> Result<()> {
    let map = site.root.join("ffi/packaging/libuntorn.map");
    compiler
        .args(["-shared", "-Wl,--whole-archive"])
        .arg(archive)
        .args(["-Wl,--no-whole-archive", "-Wl,--gc-sections"])
        .args(["-Wl,--eh-frame-hdr", "-Wl,-z,relro", "-Wl,-z,now"])
        .args(["-Wl,-z,noexecstack", "-Wl,-z,nodelete"])
        .arg(format!("-Wl,-soname,{soname}"))
        .arg(format!("-Wl,--version-script={}", map.display()))
        // What Rust's standard library needs; glibc had it in several libraries once. Whatever is then
        // missing is an error here, and not in the program of a user.
        .args(["-Wl,--as-needed", "-lrt", "-lpthread", "-lm", "-ldl"])
        .arg("-Wl,-z,defs")
        .arg("-o")
        .arg(to)
        .log(log)?;
    versioned(to)
}

/// Fails unless each exported symbol carries a version.
pub fn versioned(library: &Path) -> Result<()> {
    let listed = Run::new("nm")
        .args(["-D", "--defined-only"])
        .arg(library)
        .read()?;
    match unversioned(&listed) {
        Ok(()) => Ok(()),
        Err(found) => bail!("{}: {found}", library.display()),
    }
}

fn unversioned(listed: &str) -> Result<(), String> {
    let mut functions = 0;
    for line in listed.lines() {
        let mut words = line.split_whitespace().rev();
        let (Some(symbol), Some(kind)) = (words.next(), words.next()) else {
            continue;
        };
        match symbol.split_once("@@") {
            Some((name, "UNTORN_0")) if name.starts_with("untorn_") => functions += 1,
            // The version itself.
            _ if kind == "A" => {}
            _ => return Err(format!("it exports {symbol}, which is not one of UNTORN_0")),
        }
    }
    if functions == 0 {
        return Err("it exports no function".to_owned());
    }
    Ok(())
}

/// The name that programs linked with this library will look for. Read from what cargo built, so that
/// `ffi/build.rs` alone says it.
pub fn soname(library: &Path) -> Result<String> {
    let dynamic = Run::new("readelf").arg("-d").arg(library).read()?;
    dynamic
        .lines()
        .filter(|line| line.contains("(SONAME)"))
        .find_map(|line| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned()))
        .with_context(|| format!("{} has no SONAME: see ffi/build.rs", library.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_exported_symbol_carries_the_version() {
        let node = "0000000000000000 A UNTORN_0\n";
        let good = "000000000012fcf0 T untorn_append@@UNTORN_0\n";
        assert_eq!(unversioned(&format!("{node}{good}")), Ok(()));
        for bad in [
            "000000000012fcf0 T untorn_append\n",
            "000000000012fcf0 T untorn_append@@UNTORN_1\n",
            "000000000012fcf0 T rust_eh_personality@@UNTORN_0\n",
        ] {
            assert!(unversioned(&format!("{node}{good}{bad}")).is_err(), "{bad}");
        }
        assert!(unversioned(node).is_err());
    }
}
