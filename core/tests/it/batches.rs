//! Appends of many records, one after the other on one handle. The lock file is then not cut
//! after each.

use crate::scene::death::{dies_within_a_write, each_death};
use crate::scene::{Scene, bytes, records, torn};
use untorn::fault::Plan;
use untorn::{Durability, Journal};

const OLD: &[u8] = b"{\"n\":0}\n{\"n\":1}\n";

fn many(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{{\"batch\":{n}}}")).collect()
}

fn open(scene: &Scene) -> untorn::Result<Journal> {
    let options = Journal::options().durability(Durability::Process);
    options.open(scene.path("j"))
}

#[test]
fn each_of_a_run_is_there_whole_or_not_at_all() {
    each_death(
        |scene| drop(scene.with("j", OLD)),
        |scene| {
            let journal = open(scene)?;
            for count in [50, 50, 3, 50] {
                journal.append_all(many(count))?;
            }
            Ok(())
        },
        |scene, what| {
            let path = scene.path("j");
            Journal::open(&path).unwrap().append(b"{\"n\":2}").unwrap();
            let read = records(&path).len();
            assert!([3, 53, 103, 106, 156].contains(&read), "{what}: {read}");
            assert!(scene.files()["j.lock"].len() <= 64, "{what}");
        },
    );
}

#[test]
fn a_run_cuts_the_lock_file_once() {
    let scene = Scene::new();
    let journal = open(&scene).unwrap();
    let lock = || scene.files()["j.lock"].clone();
    journal.append_all(many(9)).unwrap();
    assert_eq!(lock().len(), 64);
    journal.append_all(many(9)).unwrap();
    assert!(lock().len() > 64);
    assert_eq!(lock()[64..72], [0; 8]);
    let (_, third) = Plan::new().run(|| journal.append_all(many(9)).unwrap());
    assert!(!third.contains(&untorn::fault::Op::Truncate), "{third:?}");
    journal.append(b"[1]").unwrap();
    assert_eq!(lock().len(), 64);
    assert_eq!(records(&scene.path("j")).len(), 28);
}

#[test]
fn what_a_longer_record_left_is_no_way_back() {
    let scene = Scene::new();
    let path = scene.with("j", OLD);
    let journal = open(&scene).unwrap();
    for _ in 0..2 {
        journal.append_all(many(50)).unwrap();
    }
    let before = bytes(&path);
    let few = many(3);
    // Where a way back of the next record would be: of its first line.
    let mut lock = scene.files()["j.lock"].clone();
    let length = (few[0].len() as u64 + 1).to_le_bytes();
    let way_back = [&length[..], &crc32c::crc32c(&length).to_le_bytes()].concat();
    let pieces = pieces_of(before.len(), &few);
    lock[128 + 8 * pieces..][..way_back.len()].copy_from_slice(&way_back);
    std::fs::write(scene.path("j.lock"), lock).unwrap();
    let part = few[0].len() + 1;
    let (result, _) = dies_within_a_write(&path, part).run(|| journal.append_all(&few));
    result.unwrap_err();
    assert_eq!(bytes(&path).len(), before.len() + part);
    drop(journal);
    drop(untorn::FileLock::acquire(&path).unwrap());
    assert!(bytes(&path) == before, "the part is cut, not blanked");
    assert_eq!(torn(&path).len(), 1);
}

/// How many pieces these lines have at this end of a journal: a sector's end makes one more.
fn pieces_of(end: usize, lines: &[String]) -> usize {
    let mut at = end;
    let pieces = lines.iter().map(|line| {
        let from = at;
        at += line.len() + 1;
        (at - 1) / 512 - from / 512 + 1
    });
    pieces.sum()
}
