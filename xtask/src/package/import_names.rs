//! Names in a static library of Windows, which tell where it was built.
//!
//! For each library of the system that a crate imports from, rustc has an import library made, in a directory
//! with a name drawn at random. MinGW's program for it makes two symbols from the whole path.

use crate::command::Run;
use crate::log::Log;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What rustc's directories begin with, and how many characters are drawn.
const DIRECTORY: &str = "rustc";
const DRAWN: usize = 6;

/// Names the directories by number instead, so that two builds of a commit are the same.
pub fn without_place(archive: &Path, log: &Log) -> Result<()> {
    let listed = Run::new("x86_64-w64-mingw32-nm").arg(archive).read()?;
    let new: String = renamed(&listed)
        .iter()
        .map(|(old, new)| format!("{old} {new}\n"))
        .collect();
    let list = archive.with_extension("names");
    fs::write(&list, new).with_context(|| format!("write {}", list.display()))?;
    Run::new("x86_64-w64-mingw32-objcopy")
        .arg("-D")
        .arg(format!("--redefine-syms={}", list.display()))
        .arg(archive)
        .log(log)?;
    fs::remove_file(&list).with_context(|| format!("remove {}", list.display()))
}

/// `_head_PATH_rustcABCDEF_kernel32_dll_imports_lib` becomes `_head_import_1_kernel32_dll_imports_lib`.
fn renamed(listed: &str) -> BTreeMap<&str, String> {
    let mut directories: Vec<&str> = Vec::new();
    let mut names = BTreeMap::new();
    for symbol in listed
        .lines()
        .filter_map(|line| line.split(' ').next_back())
    {
        let Some((head, directory, library)) = parts(symbol) else {
            continue;
        };
        let known = directories.iter().position(|known| *known == directory);
        let number = known.unwrap_or_else(|| {
            directories.push(directory);
            directories.len() - 1
        });
        names.insert(symbol, format!("{head}import_{}{library}", number + 1));
    }
    names
}

/// What comes before the path, its last directory, and what follows, if this is such a symbol.
fn parts(symbol: &str) -> Option<(&'static str, &str, &str)> {
    let heads = ["_head_", "__"];
    let head = heads.into_iter().find(|head| symbol.starts_with(head))?;
    let (_, last) = symbol.rsplit_once(&format!("_{DIRECTORY}"))?;
    let (directory, library) = last.split_at_checked(DRAWN)?;
    library
        .contains("_dll_imports_lib")
        .then_some((head, directory, library))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_becomes_a_number() {
        let listed = "\
0000000000000000 I _head__home_me_deps_rustcgoJx8X_kernel32_dll_imports_lib
                 U ___home_me_deps_rustcgoJx8X_kernel32_dll_imports_lib_iname
0000000000000000 I _head__home_me_deps_rustcaUObvt_ntdll_dll_imports_lib
0000000000000000 T untorn_append
";
        let expected = [
            (
                "_head__home_me_deps_rustcgoJx8X_kernel32_dll_imports_lib",
                "_head_import_1_kernel32_dll_imports_lib",
            ),
            (
                "___home_me_deps_rustcgoJx8X_kernel32_dll_imports_lib_iname",
                "__import_1_kernel32_dll_imports_lib_iname",
            ),
            (
                "_head__home_me_deps_rustcaUObvt_ntdll_dll_imports_lib",
                "_head_import_2_ntdll_dll_imports_lib",
            ),
        ];
        let expected = expected.map(|(old, new)| (old, new.to_owned()));
        assert_eq!(renamed(listed), BTreeMap::from(expected));
    }
}
