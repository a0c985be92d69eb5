//! The power fails before each system call in turn. What the disk has then is not what
//! the kernel showed. Contents are certain only as of the last sync of the file, names
//! as of the last sync of the directory. Anything later may be there, be missing, or be
//! NULs, in each file by itself.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::{Scene, bytes};
use untorn::fault::{Call, Op, Plan};

type Names = BTreeMap<String, u64>;

/// What a file may hold.
type Possible = Vec<(Late, Vec<u8>)>;

/// What the disk is sure of, kept up to date before each system call.
#[derive(Default)]
struct Disk {
    contents: BTreeMap<u64, Vec<u8>>,
    /// What each file was before its last change, where that is not sure.
    before: BTreeMap<u64, Vec<u8>>,
    /// What each file was at the last call.
    last: BTreeMap<u64, Vec<u8>>,
    names: Names,
    /// As of the last call.
    seen: Names,
    /// What each call has changed since the last sync of the directory.
    changes: Vec<Vec<(String, Option<u64>)>>,
    syncing: Option<Syncing>,
}

enum Syncing {
    File(PathBuf),
    Directory,
}

/// A state that a power cut can leave, and what was acknowledged by then.
pub struct Image {
    /// Which file had the name.
    pub inodes: BTreeMap<String, u64>,
    pub files: BTreeMap<String, Vec<u8>>,
    pub acknowledged: usize,
    pub what: String,
}

impl Disk {
    /// Everything so far is durable.
    fn of(dir: &Path) -> Disk {
        let mut disk = Disk::default();
        for (name, (inode, bytes)) in live(dir) {
            disk.names.insert(name, inode);
            disk.last.insert(inode, bytes.clone());
            disk.contents.insert(inode, bytes);
        }
        disk.seen = disk.names.clone();
        disk
    }

    /// The call before this one is done.
    fn settle(&mut self, dir: &Path) {
        let now = names(dir);
        let change: Vec<_> = now
            .keys()
            .chain(self.seen.keys())
            .filter(|name| now.get(*name) != self.seen.get(*name))
            .map(|name| (name.clone(), now.get(name).copied()))
            .collect();
        if !change.is_empty() {
            self.changes.push(change);
        }
        self.seen = now;
        for (inode, bytes) in live(dir).into_values() {
            let last = self.last.insert(inode, bytes.clone());
            if let Some(last) = last.filter(|last| *last != bytes) {
                self.before.insert(inode, last);
            }
        }
        match self.syncing.take() {
            None => {}
            Some(Syncing::File(path)) => {
                let inode = std::fs::metadata(&path)
                    .expect("a file that was synced")
                    .ino();
                self.contents.insert(inode, bytes(&path));
                self.before.remove(&inode);
            }
            Some(Syncing::Directory) => {
                self.names = self.seen.clone();
                self.changes.clear();
            }
        }
    }

    /// The names that the directory may have: the old ones, or the new ones. If the
    /// system keeps no order, also the old ones with one change, and the new ones
    /// without one.
    fn directories(&self) -> Vec<(String, Names, &'static [Late])> {
        let all = &Late::ALL;
        let some = &[Late::Missing, Late::There];
        let with = |which: &dyn Fn(usize) -> bool| {
            let mut names = self.names.clone();
            for (n, change) in self.changes.iter().enumerate() {
                for (name, inode) in change.iter().filter(|_| which(n)) {
                    match inode {
                        Some(inode) => names.insert(name.clone(), *inode),
                        None => names.remove(name),
                    };
                }
            }
            names
        };
        let mut found: Vec<(String, Names, &'static [Late])> = vec![
            ("old names".to_owned(), self.names.clone(), all),
            ("new names".to_owned(), self.seen.clone(), all),
        ];
        for one in 0..self.changes.len() {
            found.push((format!("only change {one}"), with(&|n| n == one), some));
            found.push((format!("all but change {one}"), with(&|n| n != one), some));
        }
        found
    }

    /// What may be in this file of which the page cache has `shown`.
    fn possible(&self, inode: u64, shown: &[u8], lates: &[Late]) -> Possible {
        let sure = self.contents.get(&inode).map_or(&[][..], |bytes| bytes);
        let before = self.before.get(&inode).map_or(sure, |bytes| bytes);
        let mut found = Possible::new();
        for late in lates {
            let bytes = late.of(sure, before, shown);
            if found.iter().all(|(_, other)| *other != bytes) {
                found.push((*late, bytes));
            }
        }
        found
    }

    fn images(&self, dir: &Path, acknowledged: usize, what: &str) -> Vec<Image> {
        let live = live(dir);
        let all: BTreeMap<u64, &Vec<u8>> = live
            .values()
            .map(|(inode, bytes)| (*inode, bytes))
            .collect();
        let mut images = Vec::new();
        for (which, names, lates) in self.directories() {
            let inodes: BTreeSet<u64> = names.values().copied().collect();
            let possible: Vec<(u64, Possible)> = inodes
                .iter()
                .map(|inode| {
                    let sure = self.contents.get(inode).map_or(&[][..], |bytes| bytes);
                    let shown = all.get(inode).map_or(sure, |bytes| bytes);
                    (*inode, self.possible(*inode, shown, lates))
                })
                .collect();
            for choice in choices(&possible) {
                let chosen: BTreeMap<u64, &(Late, Vec<u8>)> = possible
                    .iter()
                    .zip(&choice)
                    .map(|((inode, found), choice)| (*inode, &found[*choice]))
                    .collect();
                let late: Vec<String> = names
                    .iter()
                    .filter(|(_, inode)| possible.iter().any(|(i, f)| i == *inode && f.len() > 1))
                    .map(|(name, inode)| format!("{name} {:?}", chosen[inode].0))
                    .collect();
                images.push(Image {
                    files: names
                        .iter()
                        .map(|(name, inode)| (name.clone(), chosen[inode].1.clone()))
                        .collect(),
                    inodes: names.clone(),
                    acknowledged,
                    what: format!("{what}: {which}, late contents: {}", late.join(", ")),
                });
            }
        }
        images
    }
}

/// Most of these many are gone through in full.
const FULL: usize = 30;

/// Which of its possibilities each file has: every combination. If those are too many:
/// all files alike, or one as it was and the others as they are, or the other way
/// round.
fn choices(possible: &[(u64, Possible)]) -> Vec<Vec<usize>> {
    let counts: Vec<usize> = possible.iter().map(|(_, found)| found.len()).collect();
    if counts.iter().product::<usize>() <= FULL {
        let mut found = vec![Vec::new()];
        for count in counts {
            found = found
                .into_iter()
                .flat_map(|choice| {
                    (0..count).map(move |next| [choice.as_slice(), &[next]].concat())
                })
                .collect();
        }
        return found;
    }
    let most = counts.iter().copied().max().unwrap_or(1);
    let alike = |n: usize| -> Vec<usize> { counts.iter().map(|c| n.min(c - 1)).collect() };
    let mut found: Vec<_> = (0..most).map(alike).collect();
    let missing = alike(0);
    let there: Vec<usize> = possible
        .iter()
        .map(|(_, found)| {
            let there = found
                .iter()
                .position(|(late, _)| matches!(late, Late::There));
            there.unwrap_or(0)
        })
        .collect();
    for file in 0..counts.len() {
        for (odd, others) in [(&missing, &there), (&there, &missing)] {
            let mut choice = others.clone();
            choice[file] = odd[file];
            found.push(choice);
        }
    }
    found.sort();
    found.dedup();
    found
}

/// What became of what was written to a file since its last sync.
#[derive(Clone, Copy, Debug)]
enum Late {
    Missing,
    Nuls,
    HalfNuls,
    There,
    /// All but the last write.
    OneWriteAgo,
    /// There, but for every other sector.
    OddSectors,
    EvenSectors,
}

impl Late {
    const ALL: [Late; 7] = [
        Late::Missing,
        Late::There,
        Late::Nuls,
        Late::HalfNuls,
        Late::OneWriteAgo,
        Late::OddSectors,
        Late::EvenSectors,
    ];

    /// A file of which `sure` is on the disk and `shown` was in the page cache,
    /// `before` the last write `before`. Bytes that were written in place are old or
    /// new, or partly so. Only bytes after the old end can be NULs.
    fn of(self, sure: &[u8], before: &[u8], shown: &[u8]) -> Vec<u8> {
        let same = sure.iter().zip(shown).take_while(|(a, b)| a == b).count();
        let mut bytes = shown.to_vec();
        let from = match self {
            Late::Missing => return sure.to_vec(),
            Late::There => return bytes,
            Late::OneWriteAgo => return before.to_vec(),
            Late::OddSectors => return sectors(sure, bytes, 1),
            Late::EvenSectors => return sectors(sure, bytes, 0),
            Late::Nuls => same,
            Late::HalfNuls => same + (shown.len() - same) / 2,
        };
        bytes[from..].fill(0);
        let old = sure.len().min(shown.len());
        if from < old {
            bytes[from..old].copy_from_slice(&sure[from..old]);
        }
        bytes
    }
}

/// Every other sector, from the one of this number on, as the disk has it.
fn sectors(sure: &[u8], mut bytes: Vec<u8>, from: usize) -> Vec<u8> {
    for (n, sector) in bytes.chunks_mut(512).enumerate().skip(from).step_by(2) {
        for (at, byte) in (n * 512..).zip(sector) {
            *byte = sure.get(at).copied().unwrap_or(0);
        }
    }
    bytes
}

fn names(dir: &Path) -> Names {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, entry.metadata().unwrap().ino())
        })
        .collect()
}

fn live(dir: &Path) -> BTreeMap<String, (u64, Vec<u8>)> {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (
                name,
                (entry.metadata().unwrap().ino(), bytes(&entry.path())),
            )
        })
        .collect()
}

/// Keeps every file that ever was in a directory, by a second name: so that it
/// can be put back as the very file that it was.
pub struct Stash(Scene);

impl Drop for Stash {
    fn drop(&mut self) {
        untorn::fault::names_elsewhere(0);
    }
}

impl Stash {
    pub fn new() -> Stash {
        // Each file has a name in here too.
        untorn::fault::names_elsewhere(1);
        Stash(Scene::quick())
    }

    fn place(&self, inode: u64) -> PathBuf {
        self.0.path(&inode.to_string())
    }

    fn keep(&self, dir: &Path) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let place = self.place(entry.metadata().unwrap().ino());
            if !place.exists() {
                std::fs::hard_link(entry.path(), place).unwrap();
            }
        }
    }

    /// Makes the directory what the image says.
    pub fn restore(&self, dir: &Path, image: &Image) {
        for entry in std::fs::read_dir(dir).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        for (name, bytes) in &image.files {
            let path = dir.join(name);
            std::fs::hard_link(self.place(image.inodes[name]), &path).unwrap();
            std::fs::write(&path, bytes).unwrap();
        }
    }
}

/// Runs `work` and gives every image that a power cut before any of its calls
/// can leave, and those after the last.
pub fn images(scene: &Scene, work: impl FnOnce(&RefCell<usize>)) -> Vec<Image> {
    images_and_files(scene, None, work)
}

/// The same, where calls fail as the plan says. A sync that fails counts as done.
pub fn images_under(scene: &Scene, plan: Plan, work: impl FnOnce(&RefCell<usize>)) -> Vec<Image> {
    images_of(scene, plan, None, work)
}

/// The same; the files themselves can be kept in a stash.
pub fn images_and_files(
    scene: &Scene,
    stash: Option<&Rc<Stash>>,
    work: impl FnOnce(&RefCell<usize>),
) -> Vec<Image> {
    images_of(scene, Plan::new(), stash, work)
}

fn images_of(
    scene: &Scene,
    plan: Plan,
    stash: Option<&Rc<Stash>>,
    work: impl FnOnce(&RefCell<usize>),
) -> Vec<Image> {
    let acknowledged = Rc::new(RefCell::new(0));
    let found = Rc::new(RefCell::new(Vec::new()));
    let disk = Rc::new(RefCell::new(Disk::of(scene.dir())));
    let hook = {
        let (dir, acknowledged) = (scene.dir().to_owned(), Rc::clone(&acknowledged));
        let (found, disk) = (Rc::clone(&found), Rc::clone(&disk));
        let stash = stash.map(Rc::clone);
        move |call: &Call<'_>| {
            if let Some(stash) = &stash {
                stash.keep(&dir);
            }
            let mut disk = disk.borrow_mut();
            disk.settle(&dir);
            let what = format!("before call {}, {:?}", call.number, call.op);
            found
                .borrow_mut()
                .extend(disk.images(&dir, *acknowledged.borrow(), &what));
            disk.syncing = match call.op {
                Op::SyncData | Op::SyncAll => call.path.map(|path| Syncing::File(path.to_owned())),
                Op::SyncDir => Some(Syncing::Directory),
                _ => None,
            };
        }
    };
    plan.before(hook).run(|| work(&acknowledged));
    if let Some(stash) = stash {
        stash.keep(scene.dir());
    }
    disk.borrow_mut().settle(scene.dir());
    let last = disk
        .borrow()
        .images(scene.dir(), *acknowledged.borrow(), "at the end");
    let mut found = found.take();
    found.extend(last);
    found
}

/// A power cut leaves a journal its inode, which a note in the lock file names; a copy
/// has another. So the note is made one of the copy, as if it had always been there.
pub fn materialise_in_place(image: &Image, original: &Path) -> Scene {
    let after = materialise(image);
    let name = original.file_name().expect("a file");
    let lock = after.path(&format!("{}.lock", name.to_string_lossy()));
    super::readdress(&lock, original, &after.dir().join(name));
    after
}

pub fn materialise(image: &Image) -> Scene {
    let scene = Scene::quick();
    for (name, bytes) in &image.files {
        scene.with(name, bytes);
    }
    scene
}
