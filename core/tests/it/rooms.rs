//! The rooms of the source stand on floors: a file imports only from below, and
//! no files import one another in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The rooms from the ground up. A room may use those in front of it.
const FLOORS: &[&str] = &[
    "sync",
    "sys",
    "background",
    "clock",
    "durability",
    "position",
    "seal",
    "process",
    "holder",
    "events",
    "temporary",
    "beside",
    "error_kind",
    "error",
    "process_json",
    "target",
    "lockfile",
    "oslock",
    "rotated",
    "torn",
    "recovery",
    "lock",
    "tasks",
    "document",
    "journal",
    "typed",
    "one_shot",
    "selftest",
    "transaction",
    "session",
    "engine",
];

#[test]
fn a_room_uses_only_rooms_below_it() {
    let floor = |room: &str| FLOORS.iter().position(|other| *other == room);
    for (file, text) in sources("src") {
        let room = room_of(&file);
        if room == "lib" {
            continue;
        }
        let own = floor(room).unwrap_or_else(|| panic!("{room}: a new room needs a floor here"));
        for other in rooms_named_in(&text) {
            let below = floor(&other).is_some_and(|other| other <= own);
            assert!(below, "{file} uses crate::{other}, which is not below it");
        }
    }
}

#[test]
fn no_files_import_one_another_in_a_circle() {
    for crate_source in [
        "src",
        "../ffi/src",
        "../cli/src",
        "../bindings/node/src",
        "../bindings/python/src",
        "../engine/postgres/src",
        "../xtask/src",
    ] {
        let circles = Crate::read(crate_source).circles();
        assert!(circles.is_empty(), "{crate_source}: {circles:?}");
    }
}

#[test]
fn a_circle_is_found() {
    let made = [
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a/mod.rs", "mod c;\npub use c::C;\n"),
        ("a/c.rs", "use crate::b::{self, B};\npub struct C;\n"),
        ("b.rs", "use crate::a::C;\npub struct B;\n"),
    ];
    let made = made.map(|(file, text)| (file.to_owned(), text.to_owned()));
    let circles = Crate::of(made.into_iter().collect()).circles();
    assert_eq!(circles, [vec!["a/c.rs".to_owned(), "b.rs".to_owned()]]);
}

/// The files of a folder next to this crate's manifest, without comments and
/// unit tests.
fn sources(folder: &str) -> BTreeMap<String, String> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|last| last == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    walk(&root, &mut found);
    let relative = |path: &Path| {
        let path = path.strip_prefix(&root).unwrap().to_str().unwrap();
        path.replace('\\', "/")
    };
    found
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            (relative(path), without_comments(&text))
        })
        .collect()
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    let text = lines.collect::<Vec<_>>().join("\n");
    let end = text.find("\nmod tests {").unwrap_or(text.len());
    text[..end].to_owned()
}

fn room_of(file: &str) -> &str {
    let first = file.split('/').next().unwrap();
    first.strip_suffix(".rs").unwrap_or(first)
}

/// What follows `crate::`, but for what the root itself gives.
fn rooms_named_in(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for item in imports(text).into_iter().map(|(_, item)| item) {
        rooms.extend(item.strip_prefix("crate::").and_then(first_name));
    }
    for (at, _) in text.match_indices("crate::") {
        rooms.extend(first_name(&text[at + "crate::".len()..]));
    }
    rooms
}

/// A module's name: types and macros begin otherwise.
fn first_name(path: &str) -> Option<String> {
    let end = path.find(|char: char| !char.is_alphanumeric() && char != '_');
    let name = &path[..end.unwrap_or(path.len())];
    let is_module = name.starts_with(|char: char| char.is_ascii_lowercase());
    is_module.then(|| name.to_owned())
}

/// Every import, and whether it is handed on: `use a::{b, c::d};` is `a::b` and
/// `a::c::d`.
fn imports(text: &str) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("use ") {
        let before = rest[..at].rsplit('\n').next().unwrap().trim();
        rest = &rest[at + "use ".len()..];
        let handed_on = before.starts_with("pub");
        if !before.is_empty() && !handed_on {
            continue;
        }
        let end = rest.find(';').unwrap_or(rest.len());
        let tree = rest[..end].split_whitespace().collect::<Vec<_>>().join(" ");
        found.extend(expand(&tree).into_iter().map(|item| (handed_on, item)));
        rest = &rest[end..];
    }
    found
}

fn expand(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((prefix, body)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap().trim();
        return vec![name.to_owned()];
    };
    let body = body.strip_suffix('}').unwrap_or(body);
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for char in body.chars() {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if char == ',' && depth == 0 {
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push(char);
        }
    }
    let whole = parts.iter().filter(|part| !part.trim().is_empty());
    whole
        .flat_map(|part| expand(&format!("{prefix}{}", part.trim())))
        .collect()
}

/// A crate as its files import one another. An import of a name that a module
/// only hands on is one of the file that defines it.
struct Crate {
    imports: BTreeMap<String, Vec<(bool, String)>>,
    modules: BTreeMap<Vec<String>, String>,
    defines: BTreeMap<String, BTreeSet<String>>,
}

impl Crate {
    fn read(folder: &str) -> Crate {
        Crate::of(sources(folder))
    }

    fn of(files: BTreeMap<String, String>) -> Crate {
        let by = |text: &String| imports(text);
        Crate {
            imports: files.iter().map(|(f, t)| (f.clone(), by(t))).collect(),
            modules: files.keys().map(|f| (module(f), f.clone())).collect(),
            defines: files
                .iter()
                .map(|(f, t)| (f.clone(), definitions(t)))
                .collect(),
        }
    }

    /// The file that an import means; `None` for other crates.
    fn resolve(&self, base: &[String], path: &str, tries: usize) -> Option<String> {
        let mut parts: Vec<&str> = path.split("::").collect();
        let mut here = base.to_vec();
        match parts[0] {
            "crate" => here.clear(),
            "self" => {}
            "super" => {
                while parts.get(1) == Some(&"super") {
                    here.pop();
                    parts.remove(0);
                }
                here.pop();
            }
            first => {
                here.push(first.to_owned());
                if !self.modules.contains_key(&here) {
                    return None;
                }
            }
        }
        parts.remove(0);
        while let Some(part) = parts.first() {
            here.push((*part).to_owned());
            if !self.modules.contains_key(&here) {
                here.pop();
                break;
            }
            parts.remove(0);
        }
        let home = self.modules.get(&here)?;
        let Some(name) = parts.first() else {
            return Some(home.clone());
        };
        if self.defines[home].contains(*name) || tries == 0 {
            return Some(home.clone());
        }
        let handed_on = self.imports[home].iter().filter(|(public, _)| *public);
        handed_on
            .filter(|(_, item)| item.rsplit("::").next() == Some(*name))
            .find_map(|(_, item)| self.resolve(&here, item, tries - 1))
            .or_else(|| Some(home.clone()))
    }

    fn imported_by(&self, file: &str) -> BTreeSet<String> {
        let own = self.imports[file].iter().filter(|(public, _)| !public);
        own.filter_map(|(_, item)| self.resolve(&module(file), item, 8))
            .filter(|other| other != file)
            .collect()
    }

    /// Groups of files that all reach one another.
    fn circles(&self) -> Vec<Vec<String>> {
        let arrows: BTreeMap<&String, BTreeSet<String>> = self
            .imports
            .keys()
            .map(|file| (file, self.imported_by(file)))
            .collect();
        let reached = |from: &String| {
            let mut seen = BTreeSet::new();
            let mut next: Vec<_> = arrows[from].iter().collect();
            while let Some(file) = next.pop() {
                if seen.insert(file.clone()) {
                    next.extend(&arrows[file]);
                }
            }
            seen
        };
        let reach: BTreeMap<&String, BTreeSet<String>> =
            arrows.keys().map(|file| (*file, reached(file))).collect();
        let mut circles = BTreeSet::new();
        for (file, others) in &reach {
            let circle: Vec<_> = others
                .iter()
                .filter(|other| reach[*other].contains(*file))
                .cloned()
                .collect();
            if circle.len() > 1 {
                circles.insert(circle);
            }
        }
        circles.into_iter().collect()
    }
}

/// `a/b.rs` and `a/b/mod.rs` are `[a, b]`, the root is `[]`.
fn module(file: &str) -> Vec<String> {
    let path = file.strip_suffix(".rs").unwrap_or(file);
    let mut parts: Vec<_> = path.split('/').map(str::to_owned).collect();
    if ["mod", "lib"].contains(&parts.last().unwrap().as_str()) {
        parts.pop();
    }
    parts
}

/// The names that a file defines for others.
fn definitions(text: &str) -> BTreeSet<String> {
    const KINDS: &[&str] = &[
        "struct", "enum", "trait", "fn", "type", "const", "static", "union",
    ];
    let mut names = BTreeSet::new();
    for line in text.lines().map(str::trim_start) {
        if !line.starts_with("pub") {
            continue;
        }
        let words: Vec<_> = line.split_whitespace().collect();
        let kind = words.iter().rposition(|word| KINDS.contains(word));
        if let Some(name) = kind.and_then(|at| words.get(at + 1)) {
            let end = name.find(|char: char| !char.is_alphanumeric() && char != '_');
            names.insert(name[..end.unwrap_or(name.len())].to_owned());
        }
    }
    names
}
