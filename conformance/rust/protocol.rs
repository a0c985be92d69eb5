//! docs/protocol.md against the code. The lock file is written and read here by
//! the page alone, with a checksum of this file's own: an implementation beside
//! the library's.

use std::fs;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, StatxFlags, statx};
use serde_json::Value;
use untorn::{Durability, FileLock, Journal, Position};

use super::data;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol.md");
    fs::read_to_string(path).unwrap()
}

/// The page's block of this kind.
fn block(kind: &str) -> String {
    let page = page();
    let start = page.find(&format!("```{kind}\n")).expect("the block") + kind.len() + 4;
    let stop = start + page[start..].find("```").expect("its end");
    page[start..stop].to_owned()
}

fn unhex(dump: &str) -> Vec<u8> {
    dump.lines()
        .flat_map(|line| line[10..58].split_whitespace())
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 }
        })
    })
}

/// Device (0 where the birth is known), inode, birth.
type Identity = [u64; 3];

fn identity(path: &Path) -> Identity {
    let seen = fs::metadata(path).unwrap();
    let file = fs::File::open(path).unwrap();
    // Asked of the system: std does not tell it on musl.
    let born = statx(&file, "", AtFlags::EMPTY_PATH, StatxFlags::BTIME)
        .unwrap()
        .stx_btime;
    let born = u64::try_from(born.tv_sec).unwrap() * 1_000_000 + u64::from(born.tv_nsec) / 1_000;
    let mut version: u32 = 0;
    // SAFETY: writes four bytes to `version`, or nothing.
    let known =
        unsafe { libc::ioctl(file.as_raw_fd(), libc::FS_IOC_GETVERSION, &raw mut version) } == 0;
    let version = if known { version.into() } else { seen.ino() };
    let born = born & !0xfff | version & 0xfff;
    [0, seen.ino(), born]
}

fn sealed(mut block: Vec<u8>) -> Vec<u8> {
    block.resize(60, 0);
    block.extend(crc32c(&block).to_le_bytes());
    block
}

fn idle(generation: u64, of: Identity) -> Vec<u8> {
    let mut block = b"untorn1\n".to_vec();
    block.extend([generation].iter().chain(&of).flat_map(|n| n.to_le_bytes()));
    sealed(block)
}

/// Lines that all lie in one page.
fn pending(to: Identity, start: u64, appended: &[u8]) -> Vec<u8> {
    let mut pieces = Vec::new();
    let mut count = 0_u32;
    for piece in appended.split_inclusive(|byte| *byte == b'\n') {
        pieces.extend(u32::try_from(piece.len()).unwrap().to_le_bytes());
        pieces.extend(crc32c(piece).to_le_bytes());
        count += 1;
    }
    let mut block = b"pending\n".to_vec();
    block.extend(1_u32.to_le_bytes());
    block.extend(crc32c(&pieces).to_le_bytes());
    let length = appended.len() as u64;
    let rest = to.into_iter().chain([start, length]);
    block.extend(rest.flat_map(u64::to_le_bytes));
    block.extend(count.to_le_bytes());
    [sealed(block), pieces].concat()
}

#[test]
fn the_worked_example() {
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    let of = [0, 10_373_231, 1_795_238_672_727_911];
    let made = [idle(of[2], of), pending(of, 4, b"[1]\n[22]\n")].concat();
    assert_eq!(made, unhex(&block("hexdump")));
}

#[test]
fn no_two_files_of_a_name_have_one_generation() {
    // Made and deleted within one tick of the clock, inode and all.
    let (_dir, path) = scene();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let end = open(&path).append(b"[1]").unwrap();
        seen.insert(end.generation);
        fs::remove_file(&path).unwrap();
    }
    // Twelve bits of a random number may meet; a constant would leave a few.
    assert!(seen.len() >= 17, "{seen:?}");
}

fn scene() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("j");
    (dir, path)
}

fn open(path: &Path) -> Journal {
    let options = Journal::options().durability(Durability::Process);
    options.open(path).unwrap()
}

#[test]
fn what_an_append_of_many_leaves() {
    let (_dir, path) = scene();
    let journal = open(&path);
    let end = journal.append_all(["[1]", "[2]"]).unwrap();
    let of = identity(&path);
    assert_eq!(
        fs::read(path.with_extension("lock")).unwrap(),
        idle(of[2], of)
    );
    let expected = Position {
        generation: of[2],
        offset: 8,
    };
    assert_eq!(end, expected);
}

#[test]
fn generations() {
    let (_dir, path) = scene();
    fs::write(&path, "[1]\n").unwrap();
    let lock = path.with_extension("lock");
    let of = identity(&path);
    let generation = || open(&path).end().unwrap().generation;
    assert_eq!(generation(), of[2], "no lock file: its birth");
    fs::write(&lock, idle(7, of)).unwrap();
    assert_eq!(generation(), 7, "recorded for this file");
    let other = [of[0], of[1] + 1, of[2]];
    fs::write(&lock, idle(7, other)).unwrap();
    assert_eq!(generation(), of[2], "of another file, long ago");
    fs::write(&lock, idle(of[2] + 5, other)).unwrap();
    assert_eq!(generation(), of[2] + 6, "of another file, and higher");
    let mut broken = idle(7, of);
    broken[8] ^= 1;
    fs::write(&lock, broken).unwrap();
    assert_eq!(generation(), of[2], "not to be believed");
}

/// A journal of `[0]\n` with `found` behind it, and the record of an append of
/// `[1]\n[22]\n`; then one more append by the library. What is in the journal
/// then, and in `P.torn`.
fn settle(found: &str, forge: impl FnOnce(&mut Vec<u8>)) -> (String, Option<Vec<u8>>) {
    let (_dir, path) = scene();
    fs::write(&path, "[0]\n").unwrap();
    let of = identity(&path);
    let mut both = [idle(of[2], of), pending(of, 4, b"[1]\n[22]\n")].concat();
    forge(&mut both);
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(found.as_bytes()).unwrap();
    let lock = path.with_extension("lock");
    fs::write(&lock, both).unwrap();
    open(&path).append(b"[9]").unwrap();
    assert_eq!(fs::metadata(lock).unwrap().len(), 64);
    let torn = fs::read(path.with_extension("torn")).ok();
    (fs::read_to_string(path).unwrap(), torn)
}

#[test]
fn settling() {
    let untouched = |found: &str| (format!("[0]\n{found}[9]\n"), None);
    let as_it_is = |_: &mut Vec<u8>| {};
    assert_eq!(settle("", as_it_is), untouched(""));
    assert_eq!(settle("[1]\n[22]\n", as_it_is), untouched("[1]\n[22]\n"));
    let foreign = "[1]\n[22]\n[foreign]\n";
    assert_eq!(settle(foreign, as_it_is), untouched(foreign));
    // Of another file, or not to be believed.
    let other_file = |both: &mut Vec<u8>| {
        let other = [1, 2, 3];
        both.truncate(64);
        both.extend(pending(other, 4, b"[1]\n[22]\n"));
    };
    assert_eq!(settle("[1]\n", other_file), untouched("[1]\n"));
    assert_eq!(settle("[1]\n", |both| both[70] ^= 1), untouched("[1]\n"));
    assert_eq!(
        settle("[1]\n", |both| both.truncate(100)),
        untouched("[1]\n")
    );
    assert_eq!(
        settle("[1]\n", |both| both.truncate(140)),
        untouched("[1]\n")
    );
    // A part of it, at a record's end and not.
    for part in ["[1]\n", "[1]\n[2"] {
        let (journal, torn) = settle(part, as_it_is);
        assert_eq!(journal, "[0]\n[9]\n", "{part:?}");
        let entry = serde_json::json!([{ "offset": 4, "bytes": part, "nuls": 0 }]);
        data::check_torn(&torn.unwrap(), entry.as_array().unwrap()).unwrap();
    }
    // What others have appended behind a part of it, of any length.
    for foreign in ["[x]\n", "[23]\n", "[a, b, c, d]\n"] {
        let (journal, torn) = settle(&format!("[1]\n{foreign}"), as_it_is);
        assert_eq!(journal, format!("[0]\n   \n{foreign}[9]\n"));
        let entry = serde_json::json!([{ "offset": 4, "bytes": "[1]\n", "nuls": 0 }]);
        data::check_torn(&torn.unwrap(), entry.as_array().unwrap()).unwrap();
    }
}

fn keys(line: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(line).unwrap();
    value.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_entry_of_the_page() {
    let page = block("torn");
    let (_dir, path) = scene();
    fs::write(&path, "[1]\n{\"a\":1\0\0\0").unwrap();
    open(&path).append(b"[2]").unwrap();
    let made = fs::read_to_string(path.with_extension("torn")).unwrap();
    let without_time = |entry: &str| {
        let (head, bytes) = entry.split_once('\n').unwrap();
        let (_, rest) = head.split_once(",\"offset\"").unwrap();
        (keys(head), rest.to_owned(), bytes.to_owned())
    };
    assert_eq!(without_time(&made), without_time(&page));
}

#[test]
fn the_holder_of_the_page() {
    let (_dir, path) = scene();
    let guard = FileLock::options().label("x").acquire(&path).unwrap();
    let made = fs::read_to_string(path.with_extension("holder")).unwrap();
    assert_eq!(keys(&made), keys(&block("holder")));
    drop(guard);
}
