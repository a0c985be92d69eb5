//! From one file of a journal to the next: those that one who follows has slept
//! through, and those that only look like them.

use std::time::Duration;

use crate::scene;
use crate::scene::Scene;
use crate::scene::lane::every;
use untorn::fault::Plan;
use untorn::{CallOptions, Follow, FollowItem, Journal, Position};

/// Everything that is reported now.
fn news(follow: &mut Follow) -> Vec<FollowItem> {
    let now = CallOptions::new().timeout(Some(Duration::ZERO));
    std::iter::from_fn(|| follow.next(&now).unwrap()).collect()
}

/// The records, and `<` for each rewind.
fn text(news: &[FollowItem]) -> Vec<String> {
    let text = |news: &FollowItem| match news {
        FollowItem::Record(record) => String::from_utf8(record.bytes.clone()).unwrap(),
        FollowItem::Rewound { .. } => "<".to_owned(),
        other => panic!("{other:?}"),
    };
    news.iter().map(text).collect()
}

fn told(follow: &mut Follow) -> Vec<String> {
    text(&news(follow))
}

fn all(journal: &Journal) -> Vec<String> {
    let records = journal.records().unwrap();
    records
        .map(|record| String::from_utf8(record.unwrap().bytes).unwrap())
        .collect()
}

/// Journals, archives and directories of others that are called as a rotated file
/// would be.
#[test]
fn files_of_others_are_not_followed() {
    let scene = Scene::new();
    let path = scene.path("session.jsonl");
    let journal = scene::journal(&path);
    journal.append(b"[1]").unwrap();
    let mut live = journal.follow(None).unwrap();
    let stored = journal.append(b"[2]").unwrap();
    assert_eq!(told(&mut live), ["[2]"]);
    for name in [
        "session_1.jsonl",
        "session_2.jsonl",
        "session_20261122.jsonl",
    ] {
        let other = scene::journal(&scene.path(name));
        other.append(b"[\"another journal\"]").unwrap();
    }
    std::fs::create_dir(scene.path("session_3.jsonl")).unwrap();
    journal.replace(["[3]"]).unwrap();
    journal.replace(["[4]"]).unwrap();
    let mut late = journal.follow(Some(stored)).unwrap();
    assert_eq!(told(&mut late), ["<", "[4]"]);
    assert_eq!(told(&mut live), ["<", "[4]"]);
    // Among them, its own are found.
    for n in 5..8 {
        journal.rotate().unwrap().unwrap();
        journal.append(format!("[{n}]").as_bytes()).unwrap();
    }
    assert_eq!(told(&mut live), ["[5]", "[6]", "[7]"]);
    // The first of them began with a file that does not exist any more.
    let mut late = journal.follow(Some(stored)).unwrap();
    assert_eq!(told(&mut late), ["<", "[7]"]);
    // A copy of another file in the place of one of them is not taken for it.
    let third = late.position();
    journal.rotate().unwrap().unwrap();
    journal.append(b"[8]").unwrap();
    let rotated = journal.rotate().unwrap().unwrap();
    journal.append(b"[9]").unwrap();
    std::fs::remove_file(&rotated).unwrap();
    std::fs::copy(scene.path("session_1.jsonl"), &rotated).unwrap();
    for mut follow in [late, journal.follow(Some(third)).unwrap()] {
        assert_eq!(told(&mut follow), ["<", "[9]"]);
    }
}

/// It was made, filled and rotated before it was looked at.
#[test]
fn nothing_is_missed_of_a_journal_that_was_not_there() {
    for max_bytes in [None, Some(8)] {
        let scene = Scene::new();
        let path = scene.path("j.jsonl");
        let options = Journal::options()
            .durability(untorn::Durability::Process)
            .max_bytes(max_bytes);
        let journal = options.open(&path).unwrap();
        for round in 0..3 {
            let nothing = journal.end().unwrap();
            let mut follows = [None, Some(nothing)].map(|from| journal.follow(from).unwrap());
            let write = |numbers: std::ops::Range<u32>| {
                for n in numbers {
                    journal.append(format!("[{n}]").as_bytes()).unwrap();
                    if n % 2 == 1 && max_bytes.is_none() {
                        journal.rotate().unwrap().unwrap();
                    }
                }
            };
            write(0..5);
            let expected = |numbers: std::ops::Range<u32>| -> Vec<String> {
                numbers.map(|n| format!("[{n}]")).collect()
            };
            for follow in &mut follows {
                assert_eq!(told(follow), expected(0..5), "round {round}");
            }
            // Deleted, and again before it is looked at.
            std::fs::remove_file(&path).unwrap();
            assert_eq!(told(&mut follows[0]), ["<"]);
            write(10..15);
            assert_eq!(told(&mut follows[0]), expected(10..15), "round {round}");
            std::fs::remove_file(&path).unwrap();
        }
    }
}

/// What was in a file that was rotated, and the one after it deleted, comes all the
/// same.
#[test]
fn a_rotation_and_a_deletion_between_two_looks() {
    let scene = Scene::new();
    let path = scene.path("j.jsonl");
    let journal = scene::journal(&path);
    journal.append(b"[0]").unwrap();
    let mut follow = journal.follow(None).unwrap();
    journal.append(b"[1]").unwrap();
    journal.rotate().unwrap().unwrap();
    journal.append(b"[2]").unwrap();
    journal.rotate().unwrap().unwrap();
    journal.append(b"[3]").unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(told(&mut follow), ["[1]", "[2]", "<"]);
    journal.append(b"[4]").unwrap();
    assert_eq!(told(&mut follow), ["[4]"]);
}

/// Far behind: the work is in proportion to the number of files.
#[test]
fn catching_up_is_not_quadratic() {
    let calls = |rotations: u32| {
        let scene = Scene::quick();
        let path = scene.path("j.jsonl");
        let journal = scene::journal(&path);
        journal.append(b"[0]").unwrap();
        let mut live = journal.follow(None).unwrap();
        let stored = live.position();
        for n in 0..rotations {
            journal.append(format!("[{n}]").as_bytes()).unwrap();
            journal.rotate().unwrap().unwrap();
        }
        let all: Vec<_> = (0..rotations).map(|n| format!("[{n}]")).collect();
        let (seen, calls) = Plan::new().run(|| told(&mut live));
        assert_eq!(seen, all);
        let (seen, more) = Plan::new().run(|| told(&mut journal.follow(Some(stored)).unwrap()));
        assert_eq!(seen, all);
        calls.len() + more.len()
    };
    let (few, many) = (calls(10), calls(40));
    assert!(many < few * 5, "{few} calls for 10 files, {many} for 40");
}

/// Every sequence of four changes. One follower reads after each of them, one sleeps
/// through all, and one has stored its place. At the end all have the journal's
/// content, and each record that was in it at a rotation has come.
#[test]
fn whatever_was_done_meanwhile() {
    for sequence in every(3, 0..4_u32.pow(4)) {
        let scene = Scene::quick();
        let path = scene.path("j.jsonl");
        let journal = scene::journal(&path);
        journal.append(b"[0]").unwrap();
        let start = Position {
            offset: 0,
            ..journal.end().unwrap()
        };
        let mut awake = journal.follow(Some(start)).unwrap();
        let mut asleep = journal.follow(Some(start)).unwrap();
        let mut seen = vec![Vec::new(); 3];
        seen[0] = news(&mut awake);
        seen[1] = seen[0].clone();
        assert_eq!(news(&mut asleep), seen[0]);
        seen[2] = seen[0].clone();
        let stored = asleep.position();
        let mut what = Vec::new();
        let mut ends = vec![start];
        for step in 0..4 {
            ends.push(journal.append(format!("[{step},1]").as_bytes()).unwrap());
            match sequence / 4_u32.pow(step) % 4 {
                0 => {
                    what.push("rotate");
                    journal.rotate().unwrap().unwrap();
                    ends = vec![journal.end().unwrap()];
                }
                1 => {
                    what.push("rewind");
                    journal.rewind(ends[ends.len() - 2]).unwrap();
                    ends = vec![journal.end().unwrap()];
                }
                2 => {
                    what.push("replace");
                    journal.replace([format!("[{step},2]")]).unwrap();
                    ends = vec![journal.end().unwrap()];
                }
                _ => what.push("append"),
            }
            seen[0].extend(news(&mut awake));
        }
        seen[1].extend(news(&mut asleep));
        seen[2].extend(news(&mut journal.follow(Some(stored)).unwrap()));
        let there = all(&journal);
        for (news, who) in seen.iter().zip(["awake", "asleep", "stored"]) {
            let kept = mirror(news);
            assert!(
                kept.ends_with(&there),
                "{who}, {what:?}: {kept:?}, not {there:?} ({:?})",
                text(news)
            );
        }
        // Without a rewrite no record is left out, and none comes twice.
        if what.iter().all(|what| ["rotate", "append"].contains(what)) {
            let every: Vec<_> = std::iter::once("[0]".to_owned())
                .chain((0..4).map(|step| format!("[{step},1]")))
                .collect();
            for news in &seen {
                assert_eq!(text(news), every, "{what:?}");
            }
        }
    }
}

/// What one has who keeps every record, and takes back what a rewind takes back.
fn mirror(news: &[FollowItem]) -> Vec<String> {
    let mut kept: Vec<(Position, String)> = Vec::new();
    for news in news {
        match news {
            FollowItem::Record(record) => {
                let text = String::from_utf8(record.bytes.clone()).unwrap();
                kept.push((record.end, text));
            }
            FollowItem::Rewound { from, to } => {
                kept.retain(|(end, _)| {
                    end.generation == from.generation && end.offset <= to.offset
                });
                let same = kept.iter_mut();
                same.for_each(|(end, _)| end.generation = to.generation);
            }
            other => panic!("{other:?}"),
        }
    }
    kept.into_iter().map(|(_, text)| text).collect()
}
