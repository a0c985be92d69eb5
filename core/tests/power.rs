//! The power fails before each system call in turn. What is on the disk then is
//! not what the kernel showed: contents are certain only as of the last sync
//! of the file, names as of the last sync of the directory; anything later may
//! be there, be missing, or be NULs.

// Which file a name means is told by inode number; and what a power cut leaves is the model of a
// Unix file system.
#![cfg(unix)]

mod scene;

use std::path::Path;

use scene::power::{images, materialise};
use scene::{Scene, bytes, records};
use untorn::{Document, ErrorKind, FileLock, Journal, Scheme};

fn record(n: usize) -> String {
    format!("{{\"n\":{n},\"text\":\"{}\"}}", "x".repeat(n * 10))
}

#[test]
fn acknowledged_records_survive() {
    let scene = Scene::new();
    let path = scene.path("j");
    let found = images(&scene, |acknowledged| {
        let journal = Journal::open(&path).unwrap();
        for n in 0..4 {
            journal.append(record(n).as_bytes()).unwrap();
            *acknowledged.borrow_mut() += 1;
        }
        journal.append_all((4..10).map(record)).unwrap();
        *acknowledged.borrow_mut() += 6;
    });
    assert!(found.len() > 200, "{} images", found.len());
    for image in &found {
        let after = materialise(image);
        let path = after.path("j");
        let journal = Journal::open(&path).unwrap();
        journal.append(b"{\"n\":\"next\"}").unwrap();
        journal
            .append_all(["{\"n\":\"more\"}", "{\"n\":\"last\"}"])
            .unwrap();
        let read = records(&path);
        let before = read.len() - 3;
        assert!(
            before >= image.acknowledged,
            "{}: {before} of {}",
            image.what,
            image.acknowledged
        );
        for (n, value) in read[..before].iter().enumerate() {
            assert_eq!(value["n"], n, "{}", image.what);
        }
    }
}

#[test]
fn a_repair_loses_nothing() {
    let torn = "{\"n\":1,\"torn";
    let scene = Scene::new();
    let path = scene.with("j", format!("{}\n{torn}", record(0)));
    let found = images(&scene, |acknowledged| {
        Journal::open(&path)
            .unwrap()
            .append(record(1).as_bytes())
            .unwrap();
        *acknowledged.borrow_mut() += 1;
    });
    for image in &found {
        let after = materialise(image);
        let path = after.path("j");
        Journal::open(&path).unwrap().append(b"{\"n\":2}").unwrap();
        let read = records(&path);
        assert_eq!(read[0]["n"], 0, "{}", image.what);
        assert!(
            image.acknowledged == 0 || read[1]["n"] == 1,
            "{}",
            image.what
        );
        let kept = String::from_utf8(bytes(&after.path("j.torn"))).unwrap();
        assert!(kept.contains(torn), "{}: {kept:?}", image.what);
    }
}

#[test]
fn a_document_is_its_old_value_or_its_new_one() {
    for old in [None, Some("{\"old\":true}")] {
        let scene = Scene::new();
        if let Some(old) = old {
            scene.with("d", old);
        }
        let new = "{\"new\":true,\"and\":\"longer\"}";
        let found = images(&scene, |acknowledged| {
            Document::open(scene.path("d"))
                .unwrap()
                .save(new.as_bytes())
                .unwrap();
            *acknowledged.borrow_mut() += 1;
        });
        for image in &found {
            let now = image
                .files
                .get("d")
                .map(|bytes| std::str::from_utf8(bytes).unwrap());
            assert!(
                now == Some(new) || now == old && image.acknowledged == 0,
                "{}: {now:?}",
                image.what
            );
        }
    }
}

/// The recovery record as it is after the machine has started again.
fn restarted(redo: &[u8]) -> Vec<u8> {
    let mut redo = redo.to_vec();
    if redo.len() >= 128 {
        let (block, checksum) = redo[64..128].split_at_mut(60);
        if crc32c::crc32c(block).to_le_bytes() == *checksum {
            block[40] ^= 0xff;
            checksum.copy_from_slice(&crc32c::crc32c(block).to_le_bytes());
        }
    }
    redo
}

#[test]
fn a_document_that_is_saved_in_place_is_its_old_value_or_its_new_one() {
    let old = "{\"old\":true}";
    let long = format!("{{\"old\":\"{}\"}}", "x".repeat(5000));
    let new = format!("{{\"new\":true,\"and\":\"{}\"}}", "y".repeat(2000));
    for old in [None, Some(old), Some(&long)] {
        let scene = Scene::new();
        if let Some(old) = old {
            scene.with("d", old);
        }
        let open = |path: &Path| {
            Document::options()
                .scheme(Scheme::InPlace)
                .open(path)
                .unwrap()
        };
        let found = images(&scene, |acknowledged| {
            open(&scene.path("d")).save(new.as_bytes()).unwrap();
            *acknowledged.borrow_mut() += 1;
        });
        for image in &found {
            let after = materialise(image);
            if let Some(redo) = image.files.get("d.redo") {
                after.with("d.redo", restarted(redo));
            }
            let path = after.path("d");
            let good =
                |now: Option<&str>| now == Some(&new) || now == old && image.acknowledged == 0;
            let read = match open(&path).load() {
                Ok((bytes, _)) => Some(String::from_utf8(bytes).unwrap()),
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => panic!("{}: {error}", image.what),
            };
            assert!(good(read.as_deref()), "{}: {read:?}", image.what);
            let settled = FileLock::options().scheme(Scheme::InPlace).acquire(&path);
            drop(settled.unwrap());
            let now = String::from_utf8(bytes(&path)).unwrap();
            let now = Some(&*now).filter(|now| !now.is_empty());
            assert!(good(now), "{}: {now:?}", image.what);
        }
    }
}
