//! Rewrites: rewind, rotate, clear, replace and compact are whole or not at all,
//! whatever fails or dies. Appenders lose nothing meanwhile.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::scene::death::each_death;
use crate::scene::faults::each_fault;
use crate::scene::lane::every;
#[cfg(unix)]
use crate::scene::power::{Stash, images, images_and_files, materialise};
use crate::scene::{Scene, bytes, journal, records};
use untorn::fault::{Op, Plan};
use untorn::{CallOptions, Durability, ErrorKind, FileLock, Journal, Position, Result};

const OLD: &[u8] = b"{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n";

/// A rewrite of `OLD`, and what the journal is after it.
struct Way {
    name: &'static str,
    work: fn(&Journal) -> Result<()>,
    new: &'static [u8],
    keeps: bool,
}

const WAYS: [Way; 5] = [
    Way {
        name: "rewind",
        work: |journal| {
            let first = journal.records()?.next().expect("a record")?;
            journal.rewind(first.end).map(drop)
        },
        new: b"{\"n\":0}\n",
        keeps: true,
    },
    Way {
        name: "rotate",
        work: |journal| journal.rotate().map(drop),
        new: b"",
        keeps: true,
    },
    Way {
        name: "clear",
        work: |journal| journal.clear().map(drop),
        new: b"",
        keeps: true,
    },
    Way {
        name: "replace",
        work: |journal| journal.replace(["{\"new\":1}", "{\"new\":2}"]).map(drop),
        new: b"{\"new\":1}\n{\"new\":2}\n",
        keeps: false,
    },
    Way {
        name: "compact",
        work: |journal| {
            let only_even = |rewrite: &mut untorn::Rewrite| {
                for record in rewrite.records()? {
                    let record = record?;
                    if !record.bytes.ends_with(b"1}") {
                        rewrite.push(&record.bytes)?;
                    }
                }
                Ok(())
            };
            journal.compact(only_even).map(drop)
        },
        new: b"{\"n\":0}\n{\"n\":2}\n",
        keeps: false,
    },
];

fn temporaries(scene: &Scene) -> Vec<String> {
    let files = scene.files().into_keys();
    files.filter(|name| name.ends_with(".untorn")).collect()
}

fn generation(path: &Path) -> u64 {
    Journal::open(path).unwrap().end().unwrap().generation
}

/// What holds after any end of a rewrite: the old file with its generation or
/// the new one with another, nothing lying about, and it can be gone on with.
fn check(scene: &Scene, way: &Way, before: u64, what: &str) {
    let path = scene.path("j");
    let seen = bytes(&path);
    let was = generation(&path);
    assert!(
        seen == OLD || seen == way.new,
        "{}: {what}: {:?}",
        way.name,
        String::from_utf8_lossy(&seen)
    );
    if seen == OLD {
        assert_eq!(was, before, "{}: {what}: the generation stays", way.name);
    } else {
        assert!(was > before, "{}: {what}: {was} and {before}", way.name);
    }
    let position = Journal::open(&path).unwrap().append(b"[1]").unwrap();
    assert_eq!(position.generation, was, "{}: {what}", way.name);
    assert_eq!(bytes(&path), [&seen[..], b"[1]\n"].concat());
    assert!(scene.files()["j.lock"].len() <= 64, "{}: {what}", way.name);
    let kept: Vec<_> = (1..4)
        .map(|n| bytes(&scene.path(&format!("j_{n}"))))
        .filter(|kept| !kept.is_empty())
        .collect();
    if seen == OLD {
        assert!(kept.is_empty(), "{}: {what}: {kept:?}", way.name);
    } else if way.keeps {
        assert_eq!(kept, [OLD], "{}: {what}", way.name);
    }
}

#[test]
fn whoever_dies_leaves_the_old_or_the_new() {
    for way in WAYS {
        each_death(
            |scene| drop(scene.with("j", OLD)),
            |scene| (way.work)(&Journal::open(scene.path("j"))?),
            |scene, what| {
                let first = scene.files();
                let path = scene.path("j");
                // A position from before is good for the old file only.
                let end = Position {
                    generation: generation(&path),
                    offset: first["j"].len() as u64,
                };
                assert_eq!(Journal::open(&path).unwrap().end().unwrap(), end);
                let unchanged = first["j"] == OLD;
                check(
                    scene,
                    &way,
                    if unchanged { end.generation } else { 0 },
                    what,
                );
                assert!(temporaries(scene).is_empty(), "{}: {what}", way.name);
            },
        );
    }
}

#[test]
fn generations_grow_whoever_dies() {
    for way in WAYS {
        let count = {
            let scene = Scene::quick();
            let path = scene.with("j", OLD);
            let journal = Journal::open(&path).unwrap();
            Plan::new().run(|| (way.work)(&journal).unwrap()).1.len()
        };
        for n in 0..count {
            let scene = Scene::quick();
            let path = scene.with("j", OLD);
            let journal = Journal::open(&path).unwrap();
            let before = generation(&path);
            let _ = Plan::new().die(n).run(|| (way.work)(&journal));
            check(&scene, &way, before, &format!("before call {n}"));
        }
    }
}

#[test]
fn what_fails_leaves_the_old_or_says_that_it_is_done() {
    for way in WAYS {
        for durability in every(2, [Durability::Process, Durability::Power]) {
            each_fault(
                |scene| drop(scene.with("j", OLD)),
                |scene| {
                    let options = Journal::options().durability(durability);
                    (way.work)(&options.open(scene.path("j"))?)
                },
                |scene, result, what| {
                    let path = scene.path("j");
                    let now = bytes(&path);
                    match &result {
                        Ok(()) => assert_eq!(now, way.new, "{}: {what}", way.name),
                        Err(error) if error.kind() == ErrorKind::NotDurable => {
                            assert_eq!(now, way.new, "{}: {what}: {error}", way.name);
                        }
                        Err(error) => assert_eq!(now, OLD, "{}: {what}: {error}", way.name),
                    }
                    // Whatever could not be cleared up then is by the next.
                    let before = if now == OLD { generation(&path) } else { 0 };
                    let locked = FileLock::acquire(&path).unwrap();
                    drop(locked);
                    check(scene, &way, before, what);
                },
            );
        }
    }
}

// As `power.rs`.
#[cfg(unix)]
#[test]
fn the_power_goes() {
    for way in WAYS {
        let scene = Scene::quick();
        let path = scene.with("j", OLD);
        let found = images(&scene, |acknowledged| {
            // Also with `process`: others may have acknowledged for `power`.
            let journal = journal(&path);
            (way.work)(&journal).unwrap();
            *acknowledged.borrow_mut() += 1;
        });
        assert!(found.len() > 100);
        for image in every(3, &found) {
            let seen = image.files.get("j").expect("there is a journal");
            let what = &image.what;
            assert!(
                seen == OLD && image.acknowledged == 0 || seen == way.new,
                "{}: {what}: {:?}",
                way.name,
                String::from_utf8_lossy(seen)
            );
            if seen == way.new && way.keeps {
                assert_eq!(image.files["j_1"], OLD, "{}: {what}", way.name);
            }
            let after = materialise(image);
            let journal = Journal::open(after.path("j")).unwrap();
            journal.append(b"[1]").unwrap();
            (way.work)(&journal).unwrap();
            assert!(temporaries(&after).is_empty(), "{}: {what}", way.name);
        }
    }
}

/// A power cut before the rename may leave the journal the rotated name too. What
/// is appended then must not show there.
#[cfg(unix)]
#[test]
fn the_power_goes_and_no_rotated_file_is_the_journal() {
    use std::os::unix::fs::MetadataExt;

    let inode = |path: &Path| std::fs::metadata(path).unwrap().ino();
    let mut second_names = 0;
    for way in WAYS.iter().filter(|way| way.keeps) {
        // Where the stash is.
        let scene = Scene::quick();
        let path = scene.with("j", OLD);
        let stash = std::rc::Rc::new(Stash::new());
        let found = images_and_files(&scene, Some(&stash), |_| {
            (way.work)(&journal(&path)).unwrap();
        });
        for image in &found {
            stash.restore(scene.dir(), image);
            let rotated = scene.path("j_1");
            if rotated.exists() && inode(&rotated) == inode(&path) {
                second_names += 1;
            }
            let journal = journal(&path);
            journal.append(b"[1]").unwrap();
            assert!(
                !rotated.exists() || inode(&rotated) != inode(&path),
                "{}: {}",
                way.name,
                image.what
            );
            if rotated.exists() {
                assert_eq!(bytes(&rotated), OLD, "{}: {}", way.name, image.what);
            }
        }
    }
    assert!(second_names > 0, "some image has both names");
}

#[test]
fn other_handles_and_what_queues_up_go_into_the_right_file() {
    let scene = Scene::new();
    let path = scene.path("j");
    let done = AtomicBool::new(false);
    let mut acknowledged = [0_u64; 4];
    let shared = journal(&path);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4_usize)
            .map(|w| {
                // Two on one handle, so that they queue up, two on their own.
                let (path, shared, done) = (&path, &shared, &done);
                scope.spawn(move || {
                    let own = journal(path);
                    let journal = if w < 2 { shared } else { &own };
                    let mut n = 0_u64;
                    while !done.load(Ordering::Relaxed) {
                        let record = |m| format!("{{\"w\":{w},\"n\":{n},\"m\":{m}}}");
                        if n.is_multiple_of(5) {
                            journal.append_all((0..3).map(record)).unwrap();
                        } else {
                            journal.append(record(0).as_bytes()).unwrap();
                        }
                        n += 1;
                    }
                    n
                })
            })
            .collect();
        let rewriter = Journal::open(&path).unwrap();
        while generation(&path) == 0 {
            std::thread::yield_now();
        }
        for round in 0..30 {
            match round % 3 {
                0 => drop(rewriter.rotate().unwrap()),
                1 => {
                    let all = |rewrite: &mut untorn::Rewrite| {
                        for record in rewrite.records()? {
                            rewrite.push_encoded(&record?.bytes)?;
                        }
                        Ok(())
                    };
                    rewriter.compact(all).map(drop).unwrap();
                }
                _ => {
                    let middle = rewriter.tail(2).unwrap();
                    let Some(last) = middle.last() else { continue };
                    // Others may have appended, and another may have rotated:
                    // this is what the position is for.
                    drop(rewriter.rewind(last.start).unwrap());
                }
            }
        }
        done.store(true, Ordering::Relaxed);
        for (place, writer) in acknowledged.iter_mut().zip(writers) {
            *place = writer.join().unwrap();
        }
    });
    // Every record is in the journal or in a rotated file; a batch whole.
    let mut seen = std::collections::BTreeSet::new();
    let mut files: Vec<PathBuf> = (1..100).map(|n| scene.path(&format!("j_{n}"))).collect();
    files.push(path);
    for file in files.iter().filter(|file| file.exists()) {
        for record in records(file) {
            let number = |key: &str| record[key].as_u64().unwrap();
            seen.insert((number("w"), number("n"), number("m")));
        }
    }
    for (w, count) in acknowledged.iter().enumerate() {
        for n in 0..*count {
            for m in 0..if n.is_multiple_of(5) { 3 } else { 1 } {
                assert!(seen.contains(&(w as u64, n, m)), "{w}: {n}: {m} is lost");
            }
        }
    }
}

#[test]
fn a_rewrite_that_is_dropped_changes_nothing() {
    let scene = Scene::new();
    let path = scene.with("j", OLD);
    let journal = journal(&path);
    let before = journal.end().unwrap();
    let refused = journal.compact(|rewrite| {
        rewrite.push(b"[1]")?;
        rewrite.push(b"{not json")
    });
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidRecord);
    let mut rewrite = journal.begin_rewrite(&CallOptions::new()).unwrap();
    rewrite.push(b"[1]").unwrap();
    drop(rewrite);
    assert_eq!(bytes(&path), OLD);
    assert_eq!(journal.end().unwrap(), before);
    assert!(temporaries(&scene).is_empty());
    let mut rewrite = journal.begin_rewrite(&CallOptions::new()).unwrap();
    rewrite.push(b"[1]").unwrap();
    let end = rewrite.commit().unwrap();
    assert_eq!(end, journal.end().unwrap());
    let twice = rewrite.commit().unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::InvalidArgument, "{twice}");
}

#[test]
fn under_a_lock_that_is_held() {
    let scene = Scene::new();
    let path = scene.with("j", OLD);
    let journal = journal(&path);
    let guard = FileLock::acquire(&path).unwrap();
    let under = CallOptions::new().lock(&guard);
    let end = journal.append_with(b"[3]", &under).unwrap();
    let mut rewrite = journal.begin_rewrite(&under).unwrap();
    rewrite.push(b"[1]").unwrap();
    // What the holder itself appends meanwhile must not get lost.
    journal.append_with(b"[4]", &under).unwrap();
    let refused = rewrite.commit().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused}");
    let kept = journal.rewind_with(end, &under).unwrap().unwrap();
    assert_eq!(bytes(&kept), [OLD, b"[3]\n[4]\n"].concat());
    assert_eq!(bytes(&path), [OLD, b"[3]\n"].concat());
    journal.append_with(b"[5]", &under).unwrap();
    drop(guard);
    assert_eq!(records(&path).len(), 5);
}

#[test]
fn positions_of_before_are_refused() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = journal(&path);
    let nothing = journal.end().unwrap();
    assert_eq!(journal.rewind(nothing).unwrap(), None);
    let one = journal.append(b"[1]").unwrap();
    let two = journal.append(b"[2]").unwrap();
    assert_eq!(journal.rewind(two).unwrap(), None, "nothing is behind it");
    let inside = Position {
        offset: one.offset - 1,
        ..one
    };
    let behind = Position {
        offset: two.offset + 4,
        ..two
    };
    for wrong in [inside, behind] {
        let error = journal.rewind(wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert_eq!(error.position(), Some(two));
    }
    journal.rewind(one).unwrap().expect("a rotated file");
    for old in [one, two] {
        let error = journal.rewind(old).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert!(journal.records_from(old).is_err());
        assert!(journal.append_at(old, ["[3]"]).is_err());
    }
    // To the very beginning, as it was before there was a journal.
    journal.rewind(nothing).unwrap().expect("a rotated file");
    assert_eq!(bytes(&path), b"");
}

// Windows has neither.
#[cfg(unix)]
#[test]
fn mode_and_attributes_are_kept() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    for way in WAYS {
        let scene = Scene::new();
        let path = scene.with("j", OLD);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        let attribute = rustix::fs::setxattr(
            &path,
            "user.untorn",
            b"kept",
            rustix::fs::XattrFlags::empty(),
        );
        let inode = std::fs::metadata(&path).unwrap().ino();
        (way.work)(&journal(&path)).unwrap();
        let after = std::fs::metadata(&path).unwrap();
        assert_ne!(after.ino(), inode, "{}: another file", way.name);
        assert_eq!(after.mode() & 0o7777, 0o640, "{}", way.name);
        // tmpfs has no such attributes before Linux 6.6.
        if attribute.is_ok() {
            let mut value = [0; 16];
            let n = rustix::fs::getxattr(&path, "user.untorn", &mut value).unwrap();
            assert_eq!(&value[..n], b"kept", "{}", way.name);
        }
    }
}

#[test]
fn a_foreign_append_during_a_rewrite_is_not_lost() {
    for way in WAYS {
        let scene = Scene::new();
        let path = scene.with("j", OLD);
        let journal = journal(&path);
        let foreign = path.clone();
        let (result, _) = Plan::new()
            .before(move |call| {
                if call.op == Op::SyncAll {
                    use std::io::Write;
                    let mut file = std::fs::OpenOptions::new()
                        .append(true)
                        .open(&foreign)
                        .unwrap();
                    file.write_all(b"[\"foreign\"]\n").unwrap();
                }
            })
            .run(|| (way.work)(&journal));
        let all: Vec<u8> = scene.files().into_values().flatten().collect();
        assert!(
            all.windows(11).any(|window| window == b"[\"foreign\"]"),
            "{}: {result:?}",
            way.name
        );
        assert_eq!(result.is_ok(), way.keeps, "{}: {result:?}", way.name);
    }
}

#[test]
fn a_lock_file_of_another_program_is_not_written_to() {
    let scene = Scene::new();
    let data = "# not a lock\n".repeat(50);
    scene.with("j.lock", &data);
    let path = scene.with("j", OLD);
    for way in WAYS {
        let error = (way.work)(&journal(&path)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{}: {error}", way.name);
    }
    assert_eq!(bytes(&path), OLD);
    assert_eq!(bytes(&scene.path("j.lock")), data.as_bytes());
}
