//! One row a mistake: the kind of its answer, and words that a person can act on. The tables of Python, Node and C have
//! the same mistakes, as far as a compiler lets them through.

use crate::scene::Scene;
use untorn::{Document, ErrorKind, Journal, Result};

/// What is done, the kind of the answer, and what its message has in it.
pub type Row = (
    &'static str,
    fn(&Scene) -> Result<()>,
    ErrorKind,
    &'static [&'static str],
);

pub fn journal(scene: &Scene) -> Journal {
    Journal::options()
        .max_record(40)
        .open(scene.path("j"))
        .unwrap()
}

pub fn document(scene: &Scene) -> Document {
    Document::open(scene.path("d")).unwrap()
}

pub fn answers(rows: &[Row]) {
    let mut wrong = Vec::new();
    for (mistake, make, kind, words) in rows {
        let scene = Scene::quick();
        journal(&scene).append(b"[1]").unwrap();
        document(&scene).save(b"1").unwrap();
        scene.with("empty.json", "");
        scene.with("half.json", "{\"a");
        scene.with("pretty.json", "{\n  \"a\": 1\n}");
        scene.with("gzip", b"\x1f\x8b\x08 and so on");
        match make(&scene) {
            Ok(()) => wrong.push(format!("{mistake}: it succeeded")),
            Err(error) => {
                let message = error.to_string();
                if error.kind() != *kind || words.iter().any(|word| !message.contains(word)) {
                    wrong.push(format!("{mistake}: {:?}: {message}", error.kind()));
                }
            }
        }
        assert_eq!(
            std::fs::read(scene.path("j")).unwrap(),
            b"[1]\n",
            "{mistake}"
        );
        assert_eq!(std::fs::read(scene.path("d")).unwrap(), b"1", "{mistake}");
        assert!(!scene.path("new").exists(), "{mistake}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
