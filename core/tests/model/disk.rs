//! The states that a power cut can leave. Contents are certain as of the last sync of
//! the file, names as of the last sync of the directory. Each file by itself may be as
//! it was then, as at any time since, or as the kernel shows it. It may also be a part
//! of that, with NULs for the rest.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::act::JOURNAL;
use super::step::Cut;

type Names = BTreeMap<String, u64>;

const JOURNAL_LOCK: &str = "j.jsonl.lock";

/// Sectors are written whole.
const SECTOR: usize = 512;

pub struct Disk {
    dir: PathBuf,
    /// Files that lost their name, by inode: they may have to come back.
    stash: tempfile::TempDir,
    sure: BTreeMap<u64, Vec<u8>>,
    /// What each file held since.
    late: BTreeMap<u64, Vec<Vec<u8>>>,
    names: Names,
    shown: Names,
    changes: Vec<Vec<(String, Option<u64>)>>,
    /// The call that each process is in.
    making: BTreeMap<u8, (String, PathBuf)>,
}

impl Disk {
    pub fn new(dir: &Path) -> Disk {
        Disk {
            dir: dir.to_owned(),
            stash: tempfile::tempdir_in(dir.parent().expect("a parent")).expect("a directory"),
            sure: BTreeMap::new(),
            late: BTreeMap::new(),
            names: Names::new(),
            shown: Names::new(),
            changes: Vec::new(),
            making: BTreeMap::new(),
        }
    }

    /// A process is about to make this call.
    pub fn before(&mut self, who: u8, op: &str, path: Option<&Path>) {
        self.after(who);
        let Some(path) = path else { return };
        if matches!(op, "Rename" | "Unlink")
            && path.parent() == Some(&self.dir)
            && self.is_last_name(path)
        {
            self.keep(path);
        }
        self.making.insert(who, (op.to_owned(), path.to_owned()));
    }

    /// The last call of a process is done.
    pub fn after(&mut self, who: u8) {
        self.look_at_names();
        let Some((op, path)) = self.making.remove(&who) else {
            return;
        };
        if matches!(&op[..], "Rename" | "Unlink") {
            // What has a name there still is to have no other.
            for inode in self.shown.values() {
                let _ = fs::remove_file(self.place(*inode));
            }
        }
        if op == "SyncDir" {
            // It is named by a file in it, which may just have been removed.
            self.names = self.shown.clone();
            self.changes.clear();
            return;
        }
        let Ok(seen) = fs::metadata(&path) else {
            return;
        };
        match &op[..] {
            "SyncData" | "SyncAll" => {
                self.sure
                    .insert(seen.ino(), fs::read(&path).expect("a file"));
                self.late.remove(&seen.ino());
            }
            "Write" | "Truncate" => {
                let late = self.late.entry(seen.ino()).or_default();
                late.push(fs::read(&path).expect("a file"));
            }
            _ => {}
        }
    }

    /// A foreign program changed this file, and synced it and its name.
    pub fn foreign(&mut self, path: &Path) {
        self.look_at_names();
        if let Ok(seen) = fs::metadata(path) {
            self.sure
                .insert(seen.ino(), fs::read(path).expect("a file"));
            self.late.remove(&seen.ino());
        }
        self.names = self.shown.clone();
        self.changes.clear();
    }

    fn look_at_names(&mut self) {
        let now = names(&self.dir);
        let changed: Vec<_> = now
            .keys()
            .chain(self.shown.keys())
            .filter(|name| now.get(*name) != self.shown.get(*name))
            .map(|name| (name.clone(), now.get(name).copied()))
            .collect();
        if !changed.is_empty() {
            self.changes.push(changed);
        }
        self.shown = now;
    }

    fn place(&self, inode: u64) -> PathBuf {
        self.stash.path().join(inode.to_string())
    }

    /// A look must show how many names the file has, without ours.
    fn is_last_name(&self, path: &Path) -> bool {
        let inode = |path: &Path| fs::symlink_metadata(path).map(|seen| seen.ino()).ok();
        let this = inode(path);
        self.shown
            .values()
            .filter(|inode| Some(**inode) == this)
            .count()
            < 2
    }

    fn keep(&self, path: &Path) {
        if let Ok(seen) = fs::symlink_metadata(path)
            && seen.is_file()
            && !self.place(seen.ino()).exists()
        {
            fs::hard_link(path, self.place(seen.ino())).expect("a second name");
        }
    }

    /// The names that there may be: all as shown, all as synced, and those with
    /// or without one change.
    fn names_after(&self, choice: u8) -> Names {
        let with = |which: &dyn Fn(usize) -> bool| {
            let mut names = self.names.clone();
            for (_, change) in self.changes.iter().enumerate().filter(|(n, _)| which(*n)) {
                for (name, inode) in change {
                    match inode {
                        Some(inode) => names.insert(name.clone(), *inode),
                        None => names.remove(name),
                    };
                }
            }
            names
        };
        let count = self.changes.len();
        match choice {
            0 => self.shown.clone(),
            1 => self.names.clone(),
            n if count == 0 => with(&|_| n == 0),
            n => {
                let one = usize::from(n / 2) % count;
                // The first so many, in order, or all but one.
                match n % 2 {
                    0 => with(&|n| n <= one),
                    _ => with(&|n| n != one),
                }
            }
        }
    }

    /// No process is left. Makes the directory what this cut leaves of it.
    pub fn cut(&mut self, cut: &Cut) -> String {
        let names = self.names_after(cut.names);
        for name in self.shown.keys() {
            self.keep(&self.dir.join(name));
        }
        for name in self.shown.keys() {
            fs::remove_file(self.dir.join(name)).expect("remove a name");
        }
        let mut told = format!("    {names:?}\n");
        let mut others = 2..;
        for (name, inode) in &names {
            let path = self.dir.join(name);
            fs::hard_link(self.place(*inode), &path).expect("the file that it was");
            let shown = fs::read(&path).expect("a file");
            let place = match &name[..] {
                JOURNAL => 0,
                JOURNAL_LOCK => 1,
                _ => others.next().unwrap_or(2),
            };
            let choice = cut.contents[place % cut.contents.len()];
            let left = self.content(*inode, &shown, choice);
            if left != shown {
                told += &format!(
                    "    {name}: {:?} of {:?}\n",
                    String::from_utf8_lossy(&left),
                    String::from_utf8_lossy(&shown)
                );
                fs::write(&path, &left).expect("write a file");
            }
            self.sure.insert(*inode, left);
        }
        for entry in fs::read_dir(self.stash.path()).expect("the stash") {
            fs::remove_file(entry.expect("an entry").path()).expect("remove a name");
        }
        self.late.clear();
        self.making.clear();
        self.changes.clear();
        self.names = names.clone();
        self.shown = names;
        told
    }

    fn content(&self, inode: u64, shown: &[u8], choice: u8) -> Vec<u8> {
        let nothing = Vec::new();
        let sure = self.sure.get(&inode).unwrap_or(&nothing);
        if sure == shown && !self.late.contains_key(&inode) {
            return shown.to_vec();
        }
        let same = sure.iter().zip(shown).take_while(|(a, b)| a == b).count();
        let parts = |from: usize| mixed(sure, shown, from);
        match choice {
            0 => shown.to_vec(),
            1 => sure.clone(),
            // The file's length came to the disk, its contents did not.
            2 => parts(same),
            3 => parts(same + (shown.len() - same) / 2),
            4 => parts((same / SECTOR + 1) * SECTOR),
            n => match self.late.get(&inode).filter(|late| !late.is_empty()) {
                Some(late) => late[usize::from(n) % late.len()].clone(),
                None => sure.clone(),
            },
        }
    }
}

/// New up to `from`; old from there on, and NULs where nothing was.
fn mixed(sure: &[u8], shown: &[u8], from: usize) -> Vec<u8> {
    let mut bytes = shown.to_vec();
    let from = from.min(bytes.len());
    bytes[from..].fill(0);
    let old = sure.len().min(bytes.len());
    if from < old {
        bytes[from..old].copy_from_slice(&sure[from..old]);
    }
    bytes
}

fn names(dir: &Path) -> Names {
    let entries = fs::read_dir(dir).expect("list the directory");
    entries
        .map(|entry| {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("a name in UTF-8");
            (name, entry.metadata().expect("a file").ino())
        })
        .collect()
}
