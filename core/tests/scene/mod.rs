//! The stage of a test: a directory, and what an independent reader sees in it
//! (plain `std` and `serde_json`, nothing of this library).

#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod alone;
pub mod lane;
pub mod player;
pub mod program;

pub mod death;
pub mod faults;
// Inode numbers distinguish files there.
#[cfg(unix)]
pub mod power;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A directory of a test's own.
pub struct Scene {
    dir: tempfile::TempDir,
}

impl Scene {
    pub fn new() -> Scene {
        Scene {
            dir: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    /// In memory, where the system has a place for that: for tests that sync, or make and
    /// remove files, thousands of times, and are not about the medium.
    pub fn quick() -> Scene {
        match tempfile::tempdir_in("/dev/shm") {
            Ok(dir) => Scene { dir },
            Err(_) => Scene::new(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A file with these bytes.
    pub fn with(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("write a file");
        path
    }

    /// Every file of the directory and its bytes.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        fs::read_dir(self.dir())
            .expect("list the directory")
            .map(|entry| {
                let entry = entry.expect("an entry");
                let name = entry.file_name().into_string().expect("a name in UTF-8");
                (name, read(&entry.path()).expect("read a file"))
            })
            .collect()
    }
}

/// Bytes of a file changed where they are, by another program.
pub fn patch(path: &Path, at: usize, bytes: &[u8]) {
    use std::io::{Seek as _, Write as _};

    let mut file = fs::OpenOptions::new()
        .write(true)
        .open(path)
        .expect("a file that is there");
    file.seek(std::io::SeekFrom::Start(at as u64))
        .expect("seek");
    file.write_all(bytes).expect("write");
}

/// The journal at `path`, for what is not about the medium.
pub fn journal(path: &Path) -> untorn::Journal {
    untorn::Journal::options()
        .durability(untorn::Durability::Process)
        .open(path)
        .expect("open a journal")
}

/// On Windows no other handle can read the first byte of a lock file whose lock is
/// held. It is always the same.
#[cfg(windows)]
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::{Read, Seek, SeekFrom};

    const LOCK_VIOLATION: i32 = 33;
    match fs::read(path) {
        Err(error) if error.raw_os_error() == Some(LOCK_VIOLATION) => {
            let mut file = fs::File::open(path)?;
            file.seek(SeekFrom::Start(1))?;
            let mut bytes = vec![b'u'; usize::from(file.metadata()?.len() > 0)];
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        }
        result => result,
    }
}

#[cfg(unix)]
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    fs::read(path)
}

/// The path of a file that is there, with every symbolic link resolved, in the
/// form that people use.
pub fn real(path: &Path) -> PathBuf {
    let real = path.canonicalize().expect("a file that is there");
    match real.to_str().and_then(|path| path.strip_prefix(r"\\?\")) {
        Some(usual) if cfg!(windows) => PathBuf::from(usual),
        _ => real,
    }
}

/// The file's bytes; none if it is missing.
pub fn bytes(path: &Path) -> Vec<u8> {
    match read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => panic!("read {}: {error}", path.display()),
    }
}

/// The records of a journal that must be whole: every line is one value, and
/// the last ends in a newline.
pub fn records(path: &Path) -> Vec<serde_json::Value> {
    let bytes = bytes(path);
    assert!(
        bytes.is_empty() || bytes.ends_with(b"\n"),
        "the journal ends in a torn record: {:?}",
        String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(80)..])
    );
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
        .map(|line| {
            serde_json::from_slice(line).unwrap_or_else(|error| {
                panic!(
                    "{error}: {:?}",
                    String::from_utf8_lossy(&line[..line.len().min(200)])
                )
            })
        })
        .collect()
}

/// The kept cuts of `P.torn`: where each was, and its bytes, NULs and all.
pub fn torn(journal: &Path) -> Vec<(u64, Vec<u8>)> {
    let mut name = journal.as_os_str().to_owned();
    name.push(".torn");
    let all = bytes(Path::new(&name));
    let mut rest = &all[..];
    let mut cuts = Vec::new();
    while !rest.is_empty() {
        let stop = rest.iter().position(|byte| *byte == b'\n').expect("a head");
        let head: serde_json::Value = serde_json::from_slice(&rest[..stop]).expect("JSON");
        let number = |key: &str| usize::try_from(head[key].as_u64().expect(key)).expect(key);
        let body = &rest[stop + 1..][..number("length")];
        let mut cut = body.to_vec();
        cut.resize(cut.len() + number("nuls"), 0);
        cuts.push((head["offset"].as_u64().expect("offset"), cut));
        rest = &rest[stop + 1 + body.len()..];
        assert_eq!(rest[0], b'\n', "an entry ends in a newline");
        rest = &rest[1..];
    }
    cuts
}

/// Makes the lock file, which speaks of the journal `from`, speak of `to`: a
/// copy of a directory has other inodes than the directory itself. (Both blocks
/// as `docs/protocol.md` has them.)
#[cfg(target_os = "linux")]
pub fn readdress(lock: &Path, from: &Path, to: &Path) {
    let Ok(mut content) = fs::read(lock) else {
        return;
    };
    let (from, to) = (identity(from), identity(to));
    for block in content.chunks_exact_mut(64).take(2) {
        let whole = block[60..] == crc32c::crc32c(&block[..60]).to_le_bytes();
        if whole && block[16..40] == from {
            block[16..40].copy_from_slice(&to);
            let checksum = crc32c::crc32c(&block[..60]);
            block[60..].copy_from_slice(&checksum.to_le_bytes());
        }
    }
    fs::write(lock, content).expect("write the lock file");
}

/// Inode and birth, as a lock file holds them: where the birth is known, the
/// device is 0.
#[cfg(target_os = "linux")]
pub fn identity(path: &Path) -> [u8; 24] {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;

    let seen = fs::metadata(path).expect("a file");
    let file = fs::File::open(path).expect("open a file");
    // Asked of the system: std does not tell it on musl.
    let stat = rustix::fs::statx(
        &file,
        "",
        rustix::fs::AtFlags::EMPTY_PATH,
        rustix::fs::StatxFlags::BTIME,
    );
    let born = stat.expect("statx").stx_btime;
    let born =
        u64::try_from(born.tv_sec).expect("a birth") * 1_000_000 + u64::from(born.tv_nsec) / 1_000;
    let mut version: u32 = 0;
    // SAFETY: writes four bytes to `version`, or nothing.
    let known =
        unsafe { libc::ioctl(file.as_raw_fd(), libc::FS_IOC_GETVERSION, &raw mut version) } == 0;
    let low = if known { version.into() } else { seen.ino() };
    let numbers = [0, seen.ino(), born & !0xfff | low & 0xfff];
    let mut bytes = [0; 24];
    for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    bytes
}
