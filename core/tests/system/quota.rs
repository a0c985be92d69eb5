//! A quota that is used up, on a btrfs in a file: there a truncation needs space too,
//! and a write that was taken may be refused at the sync.
//!
//! It takes root and `mkfs.btrfs`; without them the test says that it is skipped.

use std::path::PathBuf;
use std::process::Command;

use crate::scene::{Scene, records};
use untorn::{Damage, DamageKind, Document, Durability, ErrorKind, Journal};

struct Mount {
    scene: Scene,
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let done = Command::new(program).args(arguments).output();
    match done {
        Ok(done) if done.status.success() => Ok(()),
        Ok(done) => Err(format!(
            "{program} {arguments:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        )),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

impl Mount {
    /// A subvolume that may hold so much.
    fn new(limit: &str) -> Result<Mount, String> {
        let scene = Scene::new();
        let image = scene.path("image");
        let file = std::fs::File::create(&image).unwrap();
        file.set_len(256 << 20).unwrap();
        let image = image.to_str().unwrap();
        let dir = scene.path("mounted");
        std::fs::create_dir(&dir).unwrap();
        let dir = dir.to_str().unwrap();
        run("mkfs.btrfs", &["-q", image])?;
        run("mount", &["-o", "loop", image, dir])?;
        let mount = Mount { scene };
        let used = mount.dir();
        let used = used.to_str().unwrap();
        run("btrfs", &["subvolume", "create", used])?;
        run("btrfs", &["quota", "enable", dir])?;
        run("btrfs", &["qgroup", "limit", limit, used])?;
        Ok(mount)
    }

    fn dir(&self) -> PathBuf {
        self.scene.path("mounted/used")
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = run(
            "umount",
            &["-l", self.scene.path("mounted").to_str().unwrap()],
        );
    }
}

fn full(error: &untorn::Error) {
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    assert_eq!(error.raw_os_error(), Some(libc::EDQUOT), "{error}");
}

/// Readers see what was acknowledged, and nothing else. A part of what was refused may
/// be behind it: btrfs gives no space to cut it off either.
fn shows(journal: &Journal, acknowledged: usize) {
    assert_eq!(journal.records().unwrap().count(), acknowledged);
    let report = journal.verify().unwrap();
    assert_eq!(report.records, acknowledged as u64);
    let torn = |damage: &Damage| damage.kind == DamageKind::TornTail;
    assert!(report.damage.iter().all(torn), "{:?}", report.damage);
}

#[test]
fn a_quota_that_is_used_up_and_space_again() {
    let mount = match Mount::new("8M") {
        Ok(mount) => mount,
        Err(why) => {
            eprintln!("a_quota_that_is_used_up_and_space_again: skipped, {why}");
            return;
        }
    };
    let dir = mount.dir();
    let large = format!("\"{}\"", "x".repeat(16_000_000));
    let small = format!("\"{}\"", "z".repeat(100_000));
    for durability in [Durability::Process, Durability::Power] {
        let path = dir.join(durability.as_str());
        let journal = Journal::options().durability(durability);
        let journal = journal.open(&path).unwrap();
        let document = Document::options().durability(durability);
        let document = document
            .open(dir.join(format!("{}.json", durability.as_str())))
            .unwrap();
        document.save(b"[0]").unwrap();
        journal.append(b"[0]").unwrap();
        full(&journal.append(large.as_bytes()).unwrap_err());
        shows(&journal, 1);
        let mut written = 1;
        let error = loop {
            match journal.append(small.as_bytes()) {
                Ok(_) => written += 1,
                Err(error) => break error,
            }
            assert!(written < 2000, "the quota is used up before");
        };
        full(&error);
        shows(&journal, written);
        let many = vec![small.as_bytes(); 100];
        full(&journal.append_all(many).unwrap_err());
        shows(&journal, written);
        full(&document.save(large.as_bytes()).unwrap_err());
        assert_eq!(document.load().unwrap().0, b"[0]");
        run("btrfs", &["qgroup", "limit", "64M", dir.to_str().unwrap()]).unwrap();
        journal.append_all([&b"[1]"[..], b"[2]"]).unwrap();
        document.save(b"[1]").unwrap();
        assert_eq!(records(&path).len(), written + 2);
        let names = std::fs::read_dir(&dir).unwrap();
        let left = names
            .map(|name| name.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with('.'))
            .count();
        assert_eq!(left, 0, "a temporary is left");
        drop((journal, document));
        std::fs::remove_file(&path).unwrap();
        let _ = std::fs::remove_file(path.with_extension("torn"));
        run("sync", &[]).unwrap();
        run("btrfs", &["qgroup", "limit", "8M", dir.to_str().unwrap()]).unwrap();
    }
}
