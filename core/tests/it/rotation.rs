//! Rotation on append, by size and count, and the names of rotated files.

use std::path::Path;

use crate::scene;
use crate::scene::death::each_death;
use crate::scene::{Scene, bytes, journal, records};
use untorn::fault::{Call, Op, Plan};
use untorn::{Durability, Journal, JournalOptions, Position};

fn bound(max_bytes: u64, keep: Option<u32>) -> JournalOptions {
    Journal::options()
        .durability(Durability::Process)
        .max_bytes(Some(max_bytes))
        .keep(keep)
}

fn record(n: u64) -> Vec<u8> {
    format!("{{\"n\":{n},\"text\":\"{}\"}}", "x".repeat(80)).into_bytes()
}

/// The numbers of the rotated files, in order.
fn numbers(scene: &Scene) -> Vec<u32> {
    let mut found: Vec<u32> = scene
        .files()
        .keys()
        .filter_map(|name| {
            name.strip_prefix("j_")?
                .strip_suffix(".jsonl")?
                .parse()
                .ok()
        })
        .collect();
    found.sort_unstable();
    found
}

fn values(path: &Path) -> Vec<u64> {
    let read = records(path);
    read.iter().map(|r| r["n"].as_u64().unwrap()).collect()
}

#[test]
fn an_append_that_finds_it_too_large_rotates() {
    let scene = Scene::new();
    let path = scene.path("j.jsonl");
    let journal = bound(1_000, None).open(&path).unwrap();
    let mut last = Position {
        generation: 0,
        offset: 0,
    };
    for n in 0..100 {
        let position = journal.append(&record(n)).unwrap();
        assert!(position > last || position.generation > last.generation);
        assert!(position.offset <= 1_000 + record(n).len() as u64 + 1);
        last = position;
    }
    let mut all = Vec::new();
    for number in numbers(&scene) {
        let kept = scene.path(&format!("j_{number}.jsonl"));
        let size = bytes(&kept).len() as u64;
        assert!((1_001..1_200).contains(&size), "{size}");
        all.extend(values(&kept));
    }
    assert!(numbers(&scene).len() > 5);
    assert!(
        numbers(&scene)
            .iter()
            .copied()
            .eq(1..=numbers(&scene).len() as u32)
    );
    all.extend(values(&path));
    assert!(all.into_iter().eq(0..100), "each once, and in order");
}

#[test]
fn so_many_are_kept() {
    for keep in [0, 1, 3] {
        let scene = Scene::new();
        let path = scene.path("j.jsonl");
        let journal = bound(500, Some(keep)).open(&path).unwrap();
        for n in 0..60 {
            journal.append(&record(n)).unwrap();
        }
        let numbers = numbers(&scene);
        assert_eq!(numbers.len(), keep as usize, "{numbers:?}");
        // The newest, whatever went before them.
        assert!(numbers.iter().all(|number| *number > 5), "{numbers:?}");
        let others = scene.with("j_x.jsonl", "not one of them");
        journal.append_all((0..50).map(record)).unwrap();
        journal.append(&record(0)).unwrap();
        assert!(others.exists());
    }
}

#[test]
fn an_expected_end_is_compared_before_it_rotates() {
    let scene = Scene::new();
    let path = scene.path("j.jsonl");
    let journal = bound(50, None).open(&path).unwrap();
    let end = journal.append(&record(0)).unwrap();
    let wrong = Position { offset: 0, ..end };
    assert!(journal.append_at(wrong, [record(1)]).is_err());
    assert!(numbers(&scene).is_empty(), "nothing was changed");
    let next = journal.append_at(end, [record(1), record(2)]).unwrap();
    assert!(next.generation > end.generation);
    assert_eq!(values(&path), [1, 2]);
    assert_eq!(numbers(&scene), [1]);
}

#[test]
fn numbers_only_grow() {
    let scene = Scene::new();
    let path = scene.path("j.jsonl");
    let rotated = |expected: u32| {
        let journal = journal(&path);
        journal.append_all(["[1]", "[2]"]).unwrap();
        let kept = journal.rotate().unwrap().unwrap();
        assert_eq!(
            kept,
            scene::real(&scene.path(&format!("j_{expected}.jsonl")))
        );
    };
    rotated(1);
    rotated(2);
    // Others remove some. Their numbers are not given again, so a remembered name never
    // means another file.
    std::fs::remove_file(scene.path("j_2.jsonl")).unwrap();
    rotated(3);
    std::fs::remove_file(scene.path("j_1.jsonl")).unwrap();
    std::fs::remove_file(scene.path("j_3.jsonl")).unwrap();
    rotated(4);
    // A name that a foreign program has taken is left alone.
    let foreign = scene.with("j_9.jsonl", "[\"foreign\"]\n");
    rotated(10);
    assert_eq!(bytes(&foreign), b"[\"foreign\"]\n");
    // The lock file deleted: what is there counts.
    std::fs::remove_file(scene.path("j.jsonl.lock")).unwrap();
    rotated(11);
}

/// People call files so themselves: other journals, archives, dates. None of them
/// is ever removed, or taken for a rotated one, and no name stops a rotation.
#[test]
fn files_that_rotations_did_not_make_are_left_alone() {
    let scene = Scene::new();
    let path = scene.path("j.jsonl");
    let mut others = Vec::new();
    for n in [1, 2, 3] {
        let name = format!("j_{n}.jsonl");
        journal(&scene.path(&name)).append(&record(n)).unwrap();
        others.push(name);
    }
    for name in [
        "j_2025.jsonl",
        "j_20261122.jsonl",
        "j_4294967294.jsonl",
        "j_4294967295.jsonl",
    ] {
        scene.with(name, "{\"precious\":true}\n");
        others.push(name.to_owned());
    }
    std::fs::create_dir(scene.path("j_2030.jsonl")).unwrap();
    let contents = || -> Vec<Vec<u8>> { others.iter().map(|n| bytes(&scene.path(n))).collect() };
    let before = contents();
    let mut kept = Vec::new();
    // A handle that goes on, and others that come and go, as programs do.
    let one = bound(300, Some(2)).open(&path).unwrap();
    for n in 0..60 {
        one.append(&record(n)).unwrap();
        if n % 7 == 0 {
            let other = bound(300, Some(2)).open(&path).unwrap();
            other.append(&record(100 + n)).unwrap();
            kept.extend(other.rotate().unwrap());
        }
    }
    assert_eq!(contents(), before);
    assert!(scene.path("j_2030.jsonl").is_dir());
    let names: Vec<_> = std::fs::read_dir(scene.dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("j_") && name.ends_with(".jsonl"))
        .collect();
    // Ours besides them: the two of the last rotation by size, and what `rotate`
    // has made since.
    let ours = names.len() - others.len() - 1;
    assert!((2..=3).contains(&ours), "{names:?}");
    assert!(kept.last().unwrap().to_str().unwrap().len() < path.to_str().unwrap().len() + 8);
}

/// A rotated file that another has taken the name of, or appends to, is not ours
/// any more.
#[test]
fn a_rotated_file_that_others_have_changed_stays() {
    let scene = Scene::new();
    let path = scene.path("j.jsonl");
    let journal = bound(300, Some(1)).open(&path).unwrap();
    let rotate = || {
        journal.append(&record(0)).unwrap();
        journal.rotate().unwrap().unwrap()
    };
    let (replaced, resumed, moved) = (rotate(), rotate(), rotate());
    std::fs::remove_file(&replaced).unwrap();
    std::fs::write(&replaced, "{\"mine\":1}\n").unwrap();
    scene::journal(&resumed).append(&record(7)).unwrap();
    std::fs::rename(&moved, scene.path("moved")).unwrap();
    std::fs::write(&moved, bytes(&scene.path("moved"))).unwrap();
    for n in 0..40 {
        journal.append(&record(n)).unwrap();
    }
    assert_eq!(bytes(&replaced), b"{\"mine\":1}\n");
    assert_eq!(values(&resumed), [0, 7]);
    assert!(moved.exists() && scene.path("moved").exists());
    let ours = numbers(&scene).len() - 3;
    assert_eq!(ours, 1, "{:?}", numbers(&scene));
}

/// logrotate renames and makes files without the lock, at any moment: an append
/// goes where the name is, and fails for none of it.
#[test]
fn others_that_rename_and_make_the_file_meanwhile() {
    for used in [false, true] {
        let scene = Scene::new();
        let path = scene.with("j.jsonl", "[1]\n");
        let one = journal(&path);
        if used {
            one.append(b"[2]").unwrap();
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, "[3]\n").unwrap();
        }
        let (moved, this) = (scene.path("moved"), scene::real(&path));
        let (seen, left) = (std::rc::Rc::new(std::cell::Cell::new([0, 0])), 3);
        let counts = std::rc::Rc::clone(&seen);
        let meanwhile = move |call: &Call<'_>| {
            if call.path != Some(&this) {
                return;
            }
            let [mut gone, mut made] = counts.get();
            match call.op {
                Op::Open if gone < left => {
                    std::fs::rename(&this, &moved).unwrap();
                    gone += 1;
                }
                Op::Create if made < left => {
                    std::fs::write(&this, "").unwrap();
                    made += 1;
                }
                _ => {}
            }
            counts.set([gone, made]);
        };
        let (result, _) = Plan::new().before(meanwhile).run(|| one.append(b"[9]"));
        let end = result.unwrap();
        assert_eq!(seen.get(), [left, left]);
        assert_eq!(bytes(&path), b"[9]\n");
        assert_eq!(one.end().unwrap(), end);
    }
    // A file that does not come to be is an error, not a wait.
    #[cfg(unix)]
    {
        let scene = Scene::new();
        let path = scene.path("j.jsonl");
        let one = journal(&path);
        std::os::unix::fs::symlink(scene.path("nowhere/at/all"), &path).unwrap();
        one.append(b"[1]").unwrap_err();
    }
}

/// Where a user may append to the journal of another, but not put a file in its
/// place, a rotation changes nothing: no second name that can't be taken away.
#[cfg(target_os = "linux")]
#[test]
fn the_journal_of_another_in_a_sticky_directory() {
    use std::os::unix::fs::{PermissionsExt, chown};

    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can make a file of another user");
        return;
    }
    let scene = Scene::new();
    let path = scene.path("j.jsonl");
    journal(&path).append(&record(0)).unwrap();
    let everybody = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    everybody(scene.dir(), 0o1777);
    for name in ["j.jsonl", "j.jsonl.lock"] {
        chown(scene.path(name), Some(65_001), Some(65_001)).unwrap();
        everybody(&scene.path(name), 0o666);
    }
    let names = || scene.files().into_keys().collect::<Vec<_>>();
    let before = names();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // SAFETY: of this thread alone: the call itself, not libc's wrapper.
            let changed = unsafe { libc::syscall(libc::SYS_setresuid, -1_i32, 65_002_i32, -1_i32) };
            assert_eq!(changed, 0);
            let theirs = bound(50, None).open(&path).unwrap();
            let end = theirs.end().unwrap();
            let one = journal(&path);
            one.append(b"[1]").unwrap();
            let errors = [
                theirs.append(&record(1)).unwrap_err(),
                one.rotate().unwrap_err(),
                one.rewind(end).unwrap_err(),
                one.replace(["[2]"]).unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.kind(), untorn::ErrorKind::PermissionDenied, "{error}");
                assert!(error.to_string().contains("sticky"), "{error}");
            }
            one.append(b"[3]").unwrap();
        });
    });
    assert_eq!(names(), before);
    assert!(bytes(&path).ends_with(b"}\n[1]\n[3]\n"));
}

/// A user's hard link of the journal, by whatever name, is the user's.
#[test]
fn a_second_name_that_a_user_gave_the_journal_stays() {
    let scene = Scene::new();
    let path = scene.path("j.jsonl");
    let first = journal(&path);
    first.append(&record(0)).unwrap();
    first.rotate().unwrap().unwrap();
    first.append(&record(1)).unwrap();
    let mine = scene.path("j_7.jsonl");
    std::fs::hard_link(&path, &mine).unwrap();
    // By it others are not kept out.
    let journal = journal(&path);
    let error = journal.append(&record(2)).unwrap_err();
    assert_eq!(error.kind(), untorn::ErrorKind::LockUnsupported, "{error}");
    let error = journal.rotate().unwrap_err();
    assert_eq!(error.kind(), untorn::ErrorKind::LockUnsupported, "{error}");
    assert_eq!(values(&mine), [1]);
    std::fs::remove_file(&path).unwrap();
    journal.append(&record(3)).unwrap();
    assert_eq!(values(&mine), [1]);
    assert_eq!(values(&path), [3]);
}

#[test]
fn nothing_to_rotate() {
    let scene = Scene::new();
    let journal = journal(&scene.path("j.jsonl"));
    assert_eq!(journal.rotate().unwrap(), None);
    journal.append(b"[1]").unwrap();
    journal.rotate().unwrap().unwrap();
    assert_eq!(journal.rotate().unwrap(), None);
    assert_eq!(numbers(&scene), [1]);
}

#[test]
fn whoever_dies_at_a_rotation_by_size_loses_nothing() {
    each_death(
        |scene| {
            let lines: Vec<u8> = (0..5)
                .flat_map(|n| [record(n), b"\n".to_vec()].concat())
                .collect();
            scene.with("j.jsonl", lines);
        },
        |scene| {
            let journal = bound(300, Some(2)).open(scene.path("j.jsonl"))?;
            journal.append_all((5..9).map(record)).map(drop)
        },
        |scene, what| {
            let path = scene.path("j.jsonl");
            let next = bound(10_000, None).open(&path).unwrap();
            next.append(&record(9)).unwrap();
            let mut all: Vec<u64> = Vec::new();
            for number in numbers(scene) {
                all.extend(values(&scene.path(&format!("j_{number}.jsonl"))));
            }
            all.extend(values(&path));
            let without: Vec<u64> = (0..5).chain([9]).collect();
            assert!(
                all == without || all.iter().copied().eq(0..10),
                "{what}: {all:?}"
            );
        },
    );
}
