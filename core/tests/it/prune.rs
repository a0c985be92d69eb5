//! Which rotated files there are, and which of them `prune_rotated` removes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::scene::death::each_death;
use crate::scene::faults::each_fault;
use crate::scene::{Scene, bytes, journal};
use untorn::{CallOptions, Follow, FollowItem};

const DAY: Duration = Duration::from_secs(86_400);
const NO_TIME: Duration = Duration::ZERO;

/// Rotates a journal this many times.
fn rotated(scene: &Scene, times: u32) -> Vec<PathBuf> {
    let journal = journal(&scene.path("j.jsonl"));
    let rotate = |n| {
        journal.append(format!("[{n}]").as_bytes()).unwrap();
        journal.rotate().unwrap().unwrap()
    };
    (1..=times).map(rotate).collect()
}

fn make_old(path: &Path) {
    let file = File::options().append(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - 2 * DAY).unwrap();
}

#[test]
fn the_newest_stay() {
    let scene = Scene::new();
    let journal = journal(&scene.path("j.jsonl"));
    assert_eq!(journal.rotated().unwrap(), [] as [PathBuf; 0]);
    assert_eq!(journal.prune_rotated(0, NO_TIME).unwrap(), 0);
    let all = rotated(&scene, 12);
    assert_eq!(journal.rotated().unwrap(), all, "10 comes after 9");
    assert_eq!(journal.prune_rotated(12, NO_TIME).unwrap(), 0);
    assert_eq!(journal.prune_rotated(u64::MAX, NO_TIME).unwrap(), 0);
    assert_eq!(journal.prune_rotated(3, NO_TIME).unwrap(), 9);
    assert_eq!(journal.rotated().unwrap(), all[9..]);
    assert_eq!(journal.prune_rotated(0, NO_TIME).unwrap(), 3);
    assert_eq!(journal.rotated().unwrap(), [] as [PathBuf; 0]);
    // Numbers go on.
    journal.append(b"[13]").unwrap();
    let next = journal.rotate().unwrap().unwrap();
    assert_eq!(next, scene.path("j_13.jsonl"));
}

#[test]
fn an_age_removes_old_ones_up_to_the_first_that_is_not() {
    let scene = Scene::new();
    let all = rotated(&scene, 5);
    let journal = journal(&scene.path("j.jsonl"));
    assert_eq!(journal.prune_rotated(0, DAY).unwrap(), 0);
    for old in [0, 1, 3] {
        make_old(&all[old]);
    }
    // Both limits count: four stay at least.
    assert_eq!(journal.prune_rotated(4, DAY).unwrap(), 1);
    assert_eq!(journal.prune_rotated(0, 3 * DAY).unwrap(), 0);
    assert_eq!(journal.prune_rotated(0, DAY).unwrap(), 1);
    assert_eq!(journal.rotated().unwrap(), all[2..], "no gap in the middle");
}

#[test]
fn files_of_others_are_neither_listed_nor_removed() {
    let scene = Scene::new();
    let all = rotated(&scene, 4);
    let mine = scene.with("j_2025.jsonl", "[1]\n");
    std::fs::remove_file(&all[0]).unwrap();
    std::fs::write(&all[0], "[1]\n").unwrap();
    journal(&all[1]).append(b"[7]").unwrap();
    let journal = journal(&scene.path("j.jsonl"));
    assert_eq!(journal.rotated().unwrap(), all[2..]);
    all.iter().chain([&mine]).for_each(|path| make_old(path));
    assert_eq!(journal.prune_rotated(0, DAY).unwrap(), 2);
    assert_eq!(bytes(&all[0]), b"[1]\n");
    assert_eq!(bytes(&all[1]), b"[2]\n[7]\n");
    assert!(mine.exists() && !all[2].exists() && !all[3].exists());
}

/// The next record, or `<` for a rewind.
fn next(follow: &mut Follow) -> String {
    let now = CallOptions::new().timeout(Some(NO_TIME));
    match follow.next(&now).unwrap() {
        Some(FollowItem::Record(record)) => String::from_utf8(record.bytes).unwrap(),
        Some(FollowItem::Rewound { .. }) => "<".to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_follower_reads_on_in_the_file_that_it_has_open_and_is_told_of_the_others() {
    let scene = Scene::new();
    let journal = journal(&scene.path("j.jsonl"));
    let start = journal.end().unwrap();
    journal.append_all(["[1]", "[2]"]).unwrap();
    let mut follow = journal.follow(Some(start)).unwrap();
    assert_eq!(next(&mut follow), "[1]");
    for n in [3, 4] {
        journal.rotate().unwrap().unwrap();
        journal.append(format!("[{n}]").as_bytes()).unwrap();
    }
    assert_eq!(journal.prune_rotated(0, NO_TIME).unwrap(), 2);
    assert_eq!(next(&mut follow), "[2]");
    assert_eq!(next(&mut follow), "<");
    assert_eq!(next(&mut follow), "[4]");
}

fn prune(scene: &Scene) -> untorn::Result<()> {
    let journal = untorn::Journal::open(scene.path("j.jsonl"))?;
    journal.prune_rotated(2, NO_TIME).map(drop)
}

/// The newest are there whatever happened, and the next call removes the rest.
fn check(scene: &Scene, what: &str) {
    let left = journal(&scene.path("j.jsonl")).rotated().unwrap();
    let newest = [scene.path("j_4.jsonl"), scene.path("j_5.jsonl")];
    assert!(left.ends_with(&newest), "{what}: {left:?}");
    prune(scene).unwrap();
    let left = journal(&scene.path("j.jsonl")).rotated().unwrap();
    assert_eq!(left, newest, "{what}");
}

#[test]
fn whoever_dies_or_fails_removes_none_of_the_newest() {
    let fill = |scene: &Scene| drop(rotated(scene, 5));
    each_death(fill, prune, check);
    each_fault(fill, prune, |scene, _, what| check(scene, what));
}
