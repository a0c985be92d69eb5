//! What `P.torn` holds, given back, and forgotten.

use std::time::Duration;

use crate::scene::death::each_death;
use crate::scene::faults::each_fault;
use crate::scene::{Scene, bytes, journal};
use untorn::ErrorKind;

/// Two entries, the first of them old; and bytes between them that are none.
const TORN: &str = "{\"time\":\"2001-01-01T00:00:00Z\",\"offset\":4,\"length\":2,\"nuls\":3}\n[2\n\
    what is this\n\
    {\"time\":\"2999-01-01T00:00:00Z\",\"offset\":9,\"length\":8,\"nuls\":0,\"why\":\"glued\"}\n[3]\n[4]\n\n";

fn scene() -> Scene {
    let scene = Scene::quick();
    fill(&scene);
    scene
}

fn fill(scene: &Scene) {
    scene.with("j", "[1]\n");
    scene.with("j.torn", TORN);
}

#[test]
fn entries_are_listed_and_read() {
    let scene = scene();
    let journal = journal(&scene.path("j"));
    let found = journal.torn().unwrap();
    let shown: Vec<_> = found
        .iter()
        .map(|entry| {
            (
                entry.number,
                entry.offset,
                entry.length,
                entry.nuls,
                entry.why.as_deref(),
            )
        })
        .collect();
    assert_eq!(shown, [(1, 4, 2, 3, None), (2, 9, 8, 0, Some("glued"))]);
    assert_eq!(journal.torn_bytes(1).unwrap(), b"[2");
    assert_eq!(journal.torn_bytes(2).unwrap(), b"[3]\n[4]\n");
    for missing in [0, 3] {
        let error = journal.torn_bytes(missing).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    std::fs::remove_file(scene.path("j.torn")).unwrap();
    assert_eq!(journal.torn().unwrap(), []);
}

#[test]
fn whole_records_are_given_back_and_half_ones_are_not() {
    let scene = scene();
    let path = scene.path("j");
    let error = journal(&path).restore_torn(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRecord, "{error}");
    assert_eq!(bytes(&path), b"[1]\n");
    journal(&path).restore_torn(2).unwrap();
    assert_eq!(bytes(&path), b"[1]\n[3]\n[4]\n");
    assert_eq!(bytes(&scene.path("j.torn")), TORN.as_bytes());
}

#[test]
fn what_a_salvage_took_by_caution_is_given_back() {
    let scene = Scene::new();
    // A bare number may be half a number.
    let path = scene.with("j", "[1]12\n");
    journal(&path).salvage().unwrap();
    assert_eq!(bytes(&path), b"[1]\n");
    journal(&path).restore_torn(1).unwrap();
    assert_eq!(bytes(&path), b"[1]\n12\n");
}

#[test]
fn old_entries_are_forgotten() {
    let scene = scene();
    let path = scene.path("j");
    let day = Duration::from_secs(86_400);
    assert_eq!(journal(&path).prune_torn(day).unwrap(), 1);
    let rest = &TORN[TORN.find("what").unwrap()..];
    assert_eq!(bytes(&scene.path("j.torn")), rest.as_bytes());
    assert_eq!(journal(&path).prune_torn(day).unwrap(), 0);
    assert_eq!(journal(&path).torn().unwrap()[0].number, 1);
    // A file without any other entry goes.
    let old = TORN.split("what").next().unwrap();
    scene.with("j.torn", old);
    assert_eq!(journal(&path).prune_torn(day).unwrap(), 1);
    assert!(!scene.path("j.torn").exists());
}

fn check(scene: &Scene, what: &str) {
    let kept = bytes(&scene.path("j.torn"));
    let rest = &TORN[TORN.find("what").unwrap()..];
    assert!(kept == TORN.as_bytes() || kept == rest.as_bytes(), "{what}");
    journal(&scene.path("j"))
        .prune_torn(Duration::from_secs(60))
        .unwrap();
    let names: Vec<_> = scene.files().into_keys().collect();
    assert!(
        names == ["j", "j.lock", "j.torn"] || kept == rest.as_bytes(),
        "{what}: {names:?}"
    );
}

#[test]
fn whoever_dies_while_it_forgets_leaves_all_or_the_rest() {
    let forget = |scene: &Scene| {
        let journal = untorn::Journal::open(scene.path("j"))?;
        journal.prune_torn(Duration::from_secs(60)).map(drop)
    };
    each_death(fill, forget, check);
    each_fault(fill, forget, |scene, _, what| check(scene, what));
}
