//! The power fails before each system call in turn. What is on the disk then is
//! not what the kernel showed: contents are certain only as of the last sync
//! of the file, names as of the last sync of the directory; anything later may
//! be there, be missing, or be NULs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use untorn::fault::{Call, Op, Plan};

use super::{Scene, bytes};

type Names = BTreeMap<String, u64>;

/// What the disk is sure of, kept up to date before each system call.
#[derive(Default)]
struct Disk {
    contents: BTreeMap<u64, Vec<u8>>,
    names: Names,
    syncing: Option<Syncing>,
}

enum Syncing {
    File(PathBuf),
    Directory,
}

/// A state that a power cut can leave, and what was acknowledged by then.
pub struct Image {
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
            disk.contents.insert(inode, bytes);
        }
        disk
    }

    /// The call before this one is done.
    fn settle(&mut self, dir: &Path) {
        match self.syncing.take() {
            None => {}
            Some(Syncing::File(path)) => {
                let inode = std::fs::metadata(&path)
                    .expect("a file that was synced")
                    .ino();
                self.contents.insert(inode, bytes(&path));
            }
            Some(Syncing::Directory) => {
                self.names = live(dir)
                    .into_iter()
                    .map(|(name, (inode, _))| (name, inode))
                    .collect();
            }
        }
    }

    fn images(&self, dir: &Path, acknowledged: usize, what: &str) -> Vec<Image> {
        let live = live(dir);
        let all: BTreeMap<u64, &Vec<u8>> = live
            .values()
            .map(|(inode, bytes)| (*inode, bytes))
            .collect();
        let now: Names = live
            .iter()
            .map(|(name, (inode, _))| (name.clone(), *inode))
            .collect();
        let mut images = Vec::new();
        for (which, names) in [("old names", &self.names), ("new names", &now)] {
            for late in ["missing", "NULs", "half NULs", "there"] {
                let files = names.iter().map(|(name, inode)| {
                    let sure = self.contents.get(inode).cloned().unwrap_or_default();
                    let shown = all.get(inode).map_or(&sure, |bytes| *bytes);
                    (name.clone(), mixture(&sure, shown, late))
                });
                images.push(Image {
                    files: files.collect(),
                    acknowledged,
                    what: format!("{what}: {which}, late contents {late}"),
                });
            }
        }
        images
    }
}

/// A file of which `sure` is on the disk and `shown` was in the page cache. What
/// was written in place is old or new, or partly so; only what is behind the old
/// end can be NULs.
fn mixture(sure: &[u8], shown: &[u8], late: &str) -> Vec<u8> {
    let same = sure.iter().zip(shown).take_while(|(a, b)| a == b).count();
    let mut bytes = shown.to_vec();
    let from = match late {
        "missing" => return sure.to_vec(),
        "there" => return bytes,
        "NULs" => same,
        _ => same + (shown.len() - same) / 2,
    };
    bytes[from..].fill(0);
    let old = sure.len().min(shown.len());
    if from < old {
        bytes[from..old].copy_from_slice(&sure[from..old]);
    }
    bytes
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

/// Runs `work` and gives every image that a power cut before any of its calls
/// can leave, and those after the last.
pub fn images(scene: &Scene, work: impl FnOnce(&RefCell<usize>)) -> Vec<Image> {
    let acknowledged = Rc::new(RefCell::new(0));
    let found = Rc::new(RefCell::new(Vec::new()));
    let disk = Rc::new(RefCell::new(Disk::of(scene.dir())));
    let hook = {
        let (dir, acknowledged) = (scene.dir().to_owned(), Rc::clone(&acknowledged));
        let (found, disk) = (Rc::clone(&found), Rc::clone(&disk));
        move |call: &Call<'_>| {
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
    Plan::new().before(hook).run(|| work(&acknowledged));
    disk.borrow_mut().settle(scene.dir());
    let last = disk
        .borrow()
        .images(scene.dir(), *acknowledged.borrow(), "at the end");
    let mut found = found.take();
    found.extend(last);
    found
}

pub fn materialise(image: &Image) -> Scene {
    let scene = Scene::quick();
    for (name, bytes) in &image.files {
        scene.with(name, bytes);
    }
    scene
}
