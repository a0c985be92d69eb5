//! A store of files to the database, and back.

use std::collections::BTreeMap;
use std::path::Path;

use untorn::{CallOptions, ErrorKind};

use crate::sessions::{sessions, texts};
use crate::store::store;

/// The program's own files below a directory.
fn tree(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(at) = dirs.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if untorn::engine::is_own_file(name) {
                continue;
            }
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let relative = path.strip_prefix(dir).unwrap().to_str().unwrap();
            all.insert(relative.to_owned(), std::fs::read(&path).unwrap());
        }
    }
    all
}

fn files_at(dir: &Path) -> untorn::Store {
    let options = untorn::Store::options().journal_name("session.jsonl");
    options.open(dir).unwrap()
}

/// Keys that are no names of files, and all kinds of damage.
fn fill(files: &untorn::Store) {
    let long = "k".repeat(300);
    for (n, key) in ["../x", "日本", &long, "plain"].into_iter().enumerate() {
        let session = files.session(key).unwrap();
        session.journal().unwrap().append_all(["1", "2"]).unwrap();
        session.state().unwrap().save(b"{\"turns\":1}").unwrap();
        session.document("empty.toml").unwrap().save(b"").unwrap();
        std::fs::write(
            session.media("PHOTO: 1.jpg").unwrap(),
            vec![n as u8; 2_500_000],
        )
        .unwrap();
    }
    let torn = files.session("plain").unwrap().path().join("session.jsonl");
    let mut bytes = std::fs::read(&torn).unwrap();
    bytes.extend(b"{\"a\":1}\r\n\n\0\0{\"a\":3}\n{\"a\":4}{\"b\"\n\xff\n{\"torn");
    std::fs::write(&torn, bytes).unwrap();
}

#[test]
fn a_tree_goes_to_the_database_and_back_byte_for_byte_with_its_positions() {
    let store = store();
    let database = sessions(&store);
    let (up, down) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let files = files_at(up.path());
    fill(&files);
    let first = files
        .session("../x")
        .unwrap()
        .journal()
        .unwrap()
        .end()
        .unwrap();
    let call = CallOptions::new();
    let copied = database.copy_from(&files, &call).unwrap();
    assert!(copied.skipped.is_empty(), "{:?}", copied.skipped);
    assert_eq!((copied.sessions, copied.files), (4, 16));
    assert_eq!(copied.bytes, copied.copied);
    let kept = database.session("../x").unwrap().journal().unwrap();
    assert_eq!(kept.end().unwrap(), first);
    assert_eq!(texts(&kept), ["1", "2"]);
    let torn = database.session("plain").unwrap().journal().unwrap();
    assert_eq!(
        torn.verify().unwrap().damage,
        files
            .session("plain")
            .unwrap()
            .journal()
            .unwrap()
            .verify()
            .unwrap()
            .damage
    );

    let back = files_at(down.path());
    let copied = database.copy_to(&back, &call).unwrap();
    assert!(copied.skipped.is_empty(), "{:?}", copied.skipped);
    assert!(tree(up.path()) == tree(down.path()), "other bytes");
    assert_eq!(back.keys().unwrap(), files.keys().unwrap());
    // Positions that were stored before are places of the same records, everywhere.
    let third = kept.append_at(first, ["3"]).unwrap();
    assert_eq!(third.generation, first.generation);
    let journal = back.session("../x").unwrap().journal().unwrap();
    assert_eq!(journal.end().unwrap(), first);
    assert_eq!(journal.append_at(first, ["3"]).unwrap(), third);
    let from = journal.records_from(first).unwrap();
    assert_eq!(
        from.map(|record| record.unwrap().bytes).collect::<Vec<_>>(),
        [b"3"]
    );

    // Nothing is left to copy, in both directions.
    let again = files_at(up.path());
    files
        .session("../x")
        .unwrap()
        .journal()
        .unwrap()
        .append(b"3")
        .unwrap();
    for copied in [
        database.copy_from(&again, &call).unwrap(),
        database.copy_to(&again, &call).unwrap(),
    ] {
        assert!(copied.skipped.is_empty(), "{:?}", copied.skipped);
        assert_eq!((copied.sessions, copied.copied), (4, 0));
    }
}

#[test]
fn a_copy_that_ended_early_goes_on_and_never_writes_over_other_bytes() {
    let store = store();
    let database = sessions(&store);
    let dir = tempfile::tempdir().unwrap();
    let files = files_at(dir.path());
    fill(&files);
    let call = CallOptions::new();
    database.copy_from(&files, &call).unwrap();
    // As if the copy had ended in the middle of a file, and before others.
    let mut c = store.connect();
    let cut = "with f as (update file set size = 1048576 where name like 'media/%' and size > 1048576 returning body) \
               delete from chunk c using f where c.body = f.body and c.start >= 1048576";
    c.execute(cut, &[]).unwrap();
    c.execute("delete from file where name = 'state.json'", &[])
        .unwrap();
    let resumed = database.copy_from(&files, &call).unwrap();
    assert!(resumed.skipped.is_empty(), "{:?}", resumed.skipped);
    assert_eq!(resumed.copied, 4 * (2_500_000 - 1_048_576 + 11));

    let other = database.session("plain").unwrap();
    other.state().unwrap().save(b"{\"turns\":2}").unwrap();
    other.document("more").unwrap().save(b"theirs").unwrap();
    let skipped = database.copy_from(&files, &call).unwrap().skipped;
    assert_eq!(skipped.len(), 1);
    assert_eq!(
        (&*skipped[0].key, skipped[0].error.kind()),
        ("plain", ErrorKind::Conflict)
    );
    assert_eq!(other.state().unwrap().load().unwrap().0, b"{\"turns\":2}");
    let skipped = database.copy_to(&files, &call).unwrap().skipped;
    assert_eq!((skipped.len(), &*skipped[0].key), (1, "plain"));
    let state = files.session("plain").unwrap().state().unwrap();
    assert_eq!(state.load().unwrap().0, b"{\"turns\":1}");
}

#[test]
fn sessions_with_an_owner_or_a_dead_one_are_left_out() {
    let store = store();
    let database = sessions(&store);
    let dir = tempfile::tempdir().unwrap();
    let files = files_at(dir.path());
    let call = CallOptions::new();
    for key in ["free", "owned", "theirs", "dead"] {
        files
            .session(key)
            .unwrap()
            .journal()
            .unwrap()
            .append(b"1")
            .unwrap();
    }
    let _owned = files.session("owned").unwrap().claim("owner").unwrap();
    let theirs = database.session("theirs").unwrap();
    let _theirs = theirs.claim("owner").unwrap();
    database
        .session("dead")
        .unwrap()
        .claim("dies")
        .map(std::mem::forget)
        .unwrap();
    store
        .connect()
        .execute(
            "update session set until = clock_timestamp() where key = 'dead'",
            &[],
        )
        .unwrap();
    let copied = database.copy_from(&files, &call).unwrap();
    let mut skipped: Vec<_> = copied
        .skipped
        .iter()
        .map(|skipped| (skipped.key.as_str(), skipped.error.kind()))
        .collect();
    skipped.sort_unstable_by_key(|skipped| skipped.0);
    let expected = [
        ("dead", ErrorKind::Conflict),
        ("owned", ErrorKind::Locked),
        ("theirs", ErrorKind::Locked),
    ];
    assert_eq!((copied.sessions, &skipped[..]), (1, &expected[..]));
    // The dead owner is still to be reconciled.
    let mut c = store.connect();
    let left = "select count(*) from session where key = 'dead' and owner is not null";
    assert_eq!(c.query_one(left, &[]).unwrap().get::<_, i64>(0), 1);
    // A name that leads out of the directory.
    c.batch_execute("call put('evil', '../../x', 'x')").unwrap();
    let copied = database.copy_to(&files, &call).unwrap();
    assert!(
        copied
            .skipped
            .iter()
            .any(|skipped| skipped.key == "evil"
                && skipped.error.kind() == ErrorKind::InvalidArgument)
    );
}
