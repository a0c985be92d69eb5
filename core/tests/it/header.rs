//! Headers: the first line, stamped in place with what is appended, both or
//! neither, whatever fails or dies.

use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::scene;
use crate::scene::death::each_death;
use crate::scene::faults::each_fault;
use crate::scene::lane::every;
#[cfg(unix)]
use crate::scene::power::{Image, images, images_under, materialise_in_place};
use crate::scene::{Scene, bytes, records};
use untorn::fault::{Op, Plan};
use untorn::{Durability, ErrorKind, HeaderMode, Journal, JournalOptions};

const PREFIX: &str = "{\"head\"";
const RESERVE: usize = 400;

fn options() -> JournalOptions {
    Journal::options()
        .durability(Durability::Process)
        .header_prefix(PREFIX)
        .header_reserve(RESERVE)
}

fn open(path: &Path) -> Journal {
    options().open(path).unwrap()
}

fn head(n: u64) -> Vec<u8> {
    format!("{{\"head\":{n}}}").into_bytes()
}

fn long(n: u64) -> Vec<u8> {
    format!("{{\"head\":{n},\"long\":\"{}\"}}", "h".repeat(RESERVE)).into_bytes()
}

fn padded(header: &[u8], length: usize) -> Vec<u8> {
    let mut line = header.to_vec();
    line.resize(length - 1, b' ');
    line.push(b'\n');
    line
}

fn many() -> Vec<String> {
    (0..12)
        .map(|n| format!("{{\"batch\":{n},\"text\":\"some text\"}}"))
        .collect()
}

fn lines(records: &[String]) -> Vec<u8> {
    records
        .iter()
        .flat_map(|r| format!("{r}\n").into_bytes())
        .collect()
}

#[test]
fn it_is_no_record() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = open(&path);
    assert_eq!(journal.header().unwrap(), None);
    journal.set_header(&head(1)).unwrap();
    assert_eq!(bytes(&path), padded(&head(1), RESERVE));
    assert_eq!(journal.records().unwrap().count(), 0);
    assert_eq!(journal.tail(5).unwrap(), []);
    assert_eq!(journal.rotate().unwrap(), None, "no records");
    let position = journal.append(b"[1]").unwrap();
    assert_eq!(position.offset, RESERVE as u64 + 4);
    journal
        .append_with_header(&head(2), ["[2]", "[3]"])
        .unwrap();
    assert_eq!(journal.header().unwrap(), Some(head(2)));
    let read: Vec<_> = journal
        .records()
        .unwrap()
        .map(|r| r.unwrap().bytes)
        .collect();
    assert_eq!(read, [b"[1]", b"[2]", b"[3]"]);
    assert_eq!(journal.tail(9).unwrap().len(), 3);
    let report = journal.verify().unwrap();
    assert_eq!((report.records, report.header), (3, true));
    assert_eq!(report.damage_count, 0);
    // To a handle that knows of no header it is a record like any other.
    let plain = Journal::open(&path).unwrap();
    assert_eq!(plain.records().unwrap().count(), 4);
    assert!(!plain.verify().unwrap().header);
    let error = plain.set_header(&head(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
}

#[test]
fn a_stamp_keeps_the_file_and_a_longer_one_does_not() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = open(&path);
    journal.append_with_header(&head(1), ["[1]"]).unwrap();
    let start = journal.end().unwrap();
    let exact = padded(&head(2), RESERVE);
    let just = [
        b"{\"head\":\"".to_vec(),
        vec![b'x'; RESERVE - 12],
        b"\"}".to_vec(),
    ]
    .concat();
    assert_eq!(just.len(), RESERVE - 1);
    journal.set_header(&head(2)).unwrap();
    assert_eq!(bytes(&path), [&exact[..], b"[1]\n"].concat());
    journal.set_header(&just).unwrap();
    assert_eq!(journal.header().unwrap(), Some(just.clone()));
    assert_eq!(
        journal.end().unwrap(),
        start,
        "the same file, as long as before"
    );
    // One byte more.
    let more = [&just[..just.len() - 2], b"x\"}"].concat();
    let end = journal.append_with_header(&more, ["[2]"]).unwrap();
    assert!(end.generation > start.generation);
    assert_eq!(bytes(&path), [&more[..], b"\n[1]\n[2]\n"].concat());
    assert_eq!(journal.end().unwrap(), end);
    // Shorter again: in its place.
    let end = journal.append_with_header(&head(3), ["[3]"]).unwrap();
    assert_eq!(end.offset, RESERVE as u64 + 13);
    assert_eq!(journal.header().unwrap(), Some(head(3)));
    assert_eq!(scene.files().len(), 2, "{:?}", scene.files().keys());
}

#[test]
fn one_is_put_before_what_is_there() {
    let scene = Scene::new();
    let path = scene.with("j", "[1]\n[2]\n");
    let journal = open(&path);
    let before = journal.end().unwrap();
    let end = journal.append_with_header(&head(1), ["[3]"]).unwrap();
    assert!(end.generation > before.generation);
    let expected = [&padded(&head(1), RESERVE)[..], b"[1]\n[2]\n[3]\n"].concat();
    assert_eq!(bytes(&path), expected);
}

#[test]
fn what_can_be_none_is_refused() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = open(&path);
    for bad in [
        "{\"other\":1}",
        "{\"head\":1} ",
        "{\"head\":1}\t",
        "{\"head\":1}\r",
        "{\"head\":",
        "{\"head\":\n1}",
    ] {
        let error = journal.set_header(bad.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRecord, "{bad:?}: {error}");
    }
    // A first record that would be read as a header.
    let error = journal.append(&head(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRecord, "{error}");
    assert!(!path.exists() || bytes(&path).is_empty());
    // Nor as any other: a rotation would make it the first.
    journal.append(b"[1]").unwrap();
    let before = bytes(&path);
    let errors = [
        journal.append(&head(1)).unwrap_err(),
        journal.append_all([&b"[2]"[..], &head(1)]).unwrap_err(),
        journal.batch().push_encoded(&head(1)).unwrap_err(),
        journal.replace([&b"[2]"[..], &head(1)]).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::InvalidRecord, "{error}");
    }
    assert_eq!(bytes(&path), before);
    // One that a handle which knows no headers has appended goes on as a record.
    scene::journal(&path).append(&head(1)).unwrap();
    let all = |rewrite: &mut untorn::Rewrite| {
        for record in rewrite.records()? {
            rewrite.push_encoded(&record?.bytes)?;
        }
        Ok(())
    };
    journal.compact(all).unwrap();
    assert_eq!(journal.records().unwrap().count(), 2);
    for bad in ["", " {", "a\nb"] {
        let error = options().header_prefix(bad).open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{bad:?}: {error}");
    }
}

#[test]
fn it_goes_along_into_new_files() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = open(&path);
    let header = padded(&head(7), RESERVE);
    journal
        .append_with_header(&head(7), ["[1]", "[2]"])
        .unwrap();
    let first = journal.records().unwrap().next().unwrap().unwrap().end;
    journal.rewind(first).unwrap().unwrap();
    assert_eq!(bytes(&path), [&header[..], b"[1]\n"].concat());
    journal.replace(["[3]"]).unwrap();
    assert_eq!(bytes(&path), [&header[..], b"[3]\n"].concat());
    journal.compact(|rewrite| rewrite.push(b"[4]")).unwrap();
    assert_eq!(bytes(&path), [&header[..], b"[4]\n"].concat());
    journal.rotate().unwrap().unwrap();
    assert_eq!(bytes(&path), header);
    let nothing = "0:0".parse().unwrap();
    journal.append(b"[5]").unwrap();
    journal.rewind(nothing).unwrap().unwrap();
    assert_eq!(bytes(&path), header, "the header stays");
    let kept = journal.clear().unwrap().expect("a rotated file");
    assert_eq!(bytes(&path), b"", "clear removes it");
    assert_eq!(bytes(&kept), header);
}

#[test]
fn stamps_of_several_handles_and_plain_appends_between_them() {
    let scene = Scene::new();
    let path = scene.path("j");
    let handles = [open(&path), open(&path)];
    handles[0].set_header(&head(0)).unwrap();
    let mut expected = Vec::new();
    for n in 1..60_u64 {
        let journal = &handles[usize::from(n % 7 < 3)];
        match n % 4 {
            0 => drop(journal.append(format!("[{n}]").as_bytes()).unwrap()),
            1 => {
                journal.set_header(&head(n)).unwrap();
                assert_eq!(handles[0].header().unwrap(), Some(head(n)));
                continue;
            }
            2 => drop(
                journal
                    .append_with_header(&head(n), [format!("[{n}]")])
                    .unwrap(),
            ),
            _ => {
                let records = [format!("[{n}]"), "[0]".to_owned()];
                journal.append_all(&records).unwrap();
                expected.extend([n, 0]);
                continue;
            }
        }
        expected.push(n);
    }
    let all: Vec<u64> = records(&path)[1..]
        .iter()
        .map(|value| value[0].as_u64().unwrap())
        .collect();
    assert_eq!(all, expected);
    let last = (1..60).rev().find(|n| matches!(n % 4, 1 | 2)).unwrap();
    assert_eq!(handles[1].header().unwrap(), Some(head(last)));
    // Also for a program that only knows the lock.
    drop(untorn::FileLock::acquire(&path).unwrap());
    assert!(scene.files()["j.lock"].len() <= 64);
}

/// The steps whose deaths and faults are tried: what is there before, and what
/// is there after it is done.
struct Step {
    name: &'static str,
    work: fn(&Journal) -> untorn::Result<()>,
    header: fn() -> Vec<u8>,
    appended: bool,
}

const STEPS: [Step; 4] = [
    Step {
        name: "stamp",
        work: |journal| journal.set_header(&head(2)),
        header: || head(2),
        appended: false,
    },
    Step {
        name: "stamp and append",
        work: |journal| journal.append_with_header(&head(2), many()).map(drop),
        header: || head(2),
        appended: true,
    },
    Step {
        name: "longer",
        work: |journal| journal.append_with_header(&long(2), many()).map(drop),
        header: || long(2),
        appended: true,
    },
    Step {
        name: "the second stamp of one handle",
        work: |journal| {
            journal.set_header(&head(1))?;
            journal.append_with_header(&head(2), many()).map(drop)
        },
        header: || head(2),
        appended: true,
    },
];

fn begin(scene: &Scene) {
    let journal = open(&scene.path("j"));
    journal.append_with_header(&head(1), ["{\"n\":0}"]).unwrap();
}

fn before() -> Vec<u8> {
    [&padded(&head(1), RESERVE)[..], b"{\"n\":0}\n"].concat()
}

fn after(step: &Step) -> Vec<u8> {
    let header = (step.header)();
    let length = RESERVE.max(header.len() + 1);
    let appended = if step.appended {
        lines(&many())
    } else {
        Vec::new()
    };
    [&padded(&header, length)[..], b"{\"n\":0}\n", &appended].concat()
}

/// The next process finds both or neither, and so does a reader that comes before it.
fn settle(scene: &Scene, step: &Step, what: &str) -> bool {
    let path = scene.path("j");
    let seen = open(&path).header().unwrap().unwrap();
    assert!(
        seen == head(1) || seen == (step.header)(),
        "{}: {what}: a reader sees {:?}",
        step.name,
        String::from_utf8_lossy(&seen)
    );
    drop(untorn::FileLock::acquire(&path).unwrap());
    let now = bytes(&path);
    let done = now == after(step);
    assert!(
        done || now == before(),
        "{}: {what}: {:?}",
        step.name,
        String::from_utf8_lossy(&now)
    );
    assert!(scene.files()["j.lock"].len() <= 64, "{}: {what}", step.name);
    open(&path).append_with_header(&head(3), ["[3]"]).unwrap();
    assert_eq!(open(&path).header().unwrap(), Some(head(3)));
    assert!(bytes(&path).ends_with(b"[3]\n"));
    done
}

#[test]
fn whoever_dies_leaves_both_or_neither() {
    for step in STEPS {
        let counts = [Cell::new(0), Cell::new(0)];
        each_death(
            begin,
            |scene| (step.work)(&options().open(scene.path("j"))?),
            |scene, what| {
                let done = settle(scene, &step, what);
                let count = &counts[usize::from(done)];
                count.set(count.get() + 1);
            },
        );
        assert!(counts[0].get() > 0 && counts[1].get() > 0, "{}", step.name);
    }
}

#[test]
fn what_fails_leaves_both_or_neither() {
    for step in STEPS {
        for durability in every(2, [Durability::Process, Durability::Power]) {
            each_fault(
                begin,
                |scene| {
                    let options = options().durability(durability);
                    (step.work)(&options.open(scene.path("j"))?)
                },
                |scene, result, what| {
                    let done = settle(scene, &step, what);
                    match result {
                        Ok(()) => assert!(done, "{}: {what}", step.name),
                        Err(error) if error.kind() == ErrorKind::NotDurable => {}
                        Err(error) if error.to_string().contains("could not be taken back") => {}
                        Err(error) => assert!(!done, "{}: {what}: {error}", step.name),
                    }
                },
            );
        }
    }
}

// As `power.rs`.
#[cfg(unix)]
#[test]
fn the_power_goes() {
    for step in STEPS {
        let scene = Scene::quick();
        begin(&scene);
        let path = scene.path("j");
        let found = images(&scene, |acknowledged| {
            let options = options().durability(Durability::Power);
            (step.work)(&options.open(&path).unwrap()).unwrap();
            *acknowledged.borrow_mut() += 1;
        });
        for image in every(3, &found) {
            let scene = materialise_in_place(image, &path);
            let done = settle(&scene, &step, &image.what);
            assert!(
                done || image.acknowledged == 0,
                "{}: {}",
                step.name,
                image.what
            );
        }
    }
}

/// What was refused does not come with a power cut: its note is gone from the disk too.
#[cfg(unix)]
#[test]
fn a_stamp_that_failed_and_the_power_goes() {
    let with_power = |path: &Path| options().durability(Durability::Power).open(path);
    for step in &STEPS[..2] {
        let scene = Scene::quick();
        begin(&scene);
        let work = |path: &Path| with_power(path).and_then(|journal| (step.work)(&journal));
        let (done, calls) = Plan::new().run(|| work(&scene.path("j")));
        done.unwrap();
        let mut refused = 0;
        for n in 0..calls.len() {
            let fails = Plan::new().fail(n, libc::ENOSPC);
            let in_the_middle = Plan::new().short(n, 30).fail(n + 1, libc::ENOSPC);
            for plan in [fails, in_the_middle] {
                let scene = Scene::quick();
                begin(&scene);
                let path = scene.path("j");
                let found = images_under(&scene, plan, |answered| {
                    *answered.borrow_mut() = match work(&path) {
                        Ok(()) => DONE,
                        Err(error) if error.kind() == ErrorKind::NotDurable => 0,
                        Err(error) if error.to_string().contains("could not be taken back") => 0,
                        Err(_) => REFUSED,
                    };
                });
                let (before, after): (Vec<_>, Vec<_>) =
                    found.iter().partition(|image| image.acknowledged == 0);
                for image in every(20, before).chain(after) {
                    let what = format!("call {n} fails: {}", image.what);
                    let done = settle(&materialise_in_place(image, &path), step, &what);
                    let fits = match image.acknowledged {
                        DONE => done,
                        REFUSED => !done,
                        _ => true,
                    };
                    assert!(fits, "{}: {what}: {done}", step.name);
                    refused += usize::from(image.acknowledged == REFUSED);
                }
            }
        }
        assert!(refused > 0, "{}: nothing was refused", step.name);
    }
}

/// How a call was answered, by the time of an image; 0: not yet.
#[cfg(unix)]
const DONE: usize = 1;
#[cfg(unix)]
const REFUSED: usize = 2;

/// A handle that has stamped before knows nothing of the header that another has
/// stamped since: what fails or dies leaves the other's.
#[test]
fn what_fails_leaves_the_header_that_another_has_set() {
    for durability in [Durability::Process, Durability::Power] {
        let handle = std::cell::RefCell::new(None);
        let with = |scene: &Scene| {
            options()
                .durability(durability)
                .open(scene.path("j"))
                .unwrap()
        };
        let set_up = |scene: &Scene| {
            begin(scene);
            let (first, second) = (with(scene), with(scene));
            first.set_header(&head(7)).unwrap();
            second.set_header(&head(8)).unwrap();
            *handle.borrow_mut() = Some(first);
        };
        let work = |_: &Scene| {
            let journal = handle.borrow();
            journal
                .as_ref()
                .expect("it was set up")
                .set_header(&head(9))
        };
        let header = |scene: &Scene| {
            handle.take();
            let seen = open(&scene.path("j")).header().unwrap().unwrap();
            drop(untorn::FileLock::acquire(scene.path("j")).unwrap());
            let settled = open(&scene.path("j")).header().unwrap().unwrap();
            [seen, settled]
        };
        each_fault(set_up, work, |scene, result, what| {
            let [seen, settled] = header(scene);
            let expected = match &result {
                Ok(()) => head(9),
                Err(error) if error.kind() == ErrorKind::NotDurable => head(9),
                Err(error) if error.to_string().contains("could not be taken back") => {
                    assert!([head(8), head(9)].contains(&settled), "{what}");
                    return;
                }
                Err(_) => head(8),
            };
            assert_eq!([&seen, &settled], [&expected; 2], "{what}: {result:?}");
        });
        each_death(set_up, work, |scene, what| {
            let [seen, settled] = header(scene);
            for header in [seen, settled] {
                assert!([head(8), head(9)].contains(&header), "{what}");
            }
        });
    }
}

/// A header whose every sector tells it from the others.
#[cfg(unix)]
fn wide(n: usize) -> Vec<u8> {
    let letter = char::from(b'a' + u8::try_from(n % 26).unwrap());
    format!("{{\"head\":\"{}\"}}", letter.to_string().repeat(1_500 + n)).into_bytes()
}

/// Stamp after stamp, by handles that have done other things before, among them
/// one that syncs nothing. Of those that were acknowledged with `power` the last
/// is there, or a later one, whole. (What was stamped with `process` may be a
/// mixture with what was there before, but not with what comes next.)
#[cfg(unix)]
#[test]
fn stamps_of_handles_with_a_past_and_the_power_goes() {
    // Whose stamp each is: the two of durability `power` and one of `process`.
    for order in [
        &[0, 0, 0, 0][..],
        &[0, 1, 0, 1, 1],
        &[0, 2, 0, 2, 2, 1],
        &[2, 2, 0, 0],
    ] {
        let scene = Scene::quick();
        let path = scene.path("j");
        let with = |durability| options().header_reserve(2_000).durability(durability);
        with(Durability::Power)
            .open(&path)
            .unwrap()
            .append_with_header(&wide(0), ["[0]"])
            .unwrap();
        let found = images(&scene, |acknowledged| {
            let handles = [Durability::Power, Durability::Power, Durability::Process]
                .map(|durability| with(durability).open(&path).unwrap());
            for handle in &handles {
                handle.append(b"[1]").unwrap();
            }
            handles[0].sync().unwrap();
            let unsynced = 1_000;
            for (n, which) in (1..).zip(order) {
                if *which == 2 {
                    *acknowledged.borrow_mut() = unsynced + n;
                }
                if n % 3 == 0 {
                    handles[*which]
                        .append_with_header(&wide(n), ["[2]"])
                        .unwrap();
                } else {
                    handles[*which].set_header(&wide(n)).unwrap();
                }
                if *which < 2 {
                    *acknowledged.borrow_mut() = n;
                }
            }
        });
        for image in every(3, &found) {
            let what = format!("{order:?}: {}", image.what);
            let seen = settled_header(image, &path);
            let which = (0..=order.len()).find(|n| seen == wide(*n));
            let later = (image.acknowledged % 1_000 + 1..=order.len()).find(|n| {
                let letter = wide(*n)[9];
                seen[9..seen.len() - 2].contains(&letter)
            });
            assert!(
                match image.acknowledged {
                    1_000.. => later.is_none() || later == which,
                    least => which.is_some_and(|n| n >= least),
                },
                "{what}: acknowledged {}: {which:?}: {}",
                image.acknowledged,
                String::from_utf8_lossy(&seen)
            );
        }
    }
}

/// The header that a power cut leaves, once the next locker has settled what is pending.
#[cfg(unix)]
fn settled_header(image: &Image, original: &Path) -> Vec<u8> {
    let after = materialise_in_place(image, original);
    let path = after.path("j");
    drop(untorn::FileLock::acquire(&path).unwrap());
    open(&path).header().unwrap().unwrap()
}

/// With `process`, and then a sync.
#[cfg(unix)]
#[test]
fn a_stamp_and_a_sync_and_the_power_goes() {
    let scene = Scene::quick();
    let path = scene.path("j");
    begin(&scene);
    let found = images(&scene, |acknowledged| {
        let journal = open(&path);
        journal.append(b"[1]").unwrap();
        journal.sync().unwrap();
        for n in 2..5 {
            journal.set_header(&head(n)).unwrap();
            journal.sync().unwrap();
            *acknowledged.borrow_mut() = usize::try_from(n).unwrap();
        }
    });
    for image in every(3, &found) {
        let seen = settled_header(image, &path);
        let which = (1..5).find(|n| seen == head(*n));
        assert!(
            which.is_some_and(|n| n >= image.acknowledged as u64),
            "{}: {which:?}: {}",
            image.what,
            String::from_utf8_lossy(&seen)
        );
    }
}

/// A sync covers the header that is there, though the disk may still have the note of an
/// earlier stamp, and though a program that writes no notes has changed it.
#[cfg(unix)]
#[test]
fn a_sync_covers_the_header_that_another_program_wrote() {
    let scene = Scene::quick();
    let path = scene.path("j");
    begin(&scene);
    let found = images(&scene, |acknowledged| {
        let journal = open(&path);
        journal.set_header(&head(2)).unwrap();
        scene::patch(&path, 0, &padded(&head(1), RESERVE));
        journal.sync().unwrap();
        *acknowledged.borrow_mut() = 1;
    });
    let synced = found.iter().filter(|image| image.acknowledged == 1);
    let mut count = 0;
    for image in synced {
        let seen = settled_header(image, &path);
        assert_eq!(seen, head(1), "{}", image.what);
        count += 1;
    }
    assert!(count > 0, "there are images after the sync");
}

#[test]
fn a_reader_never_sees_half_a_stamp() {
    let scene = Scene::new();
    let path = scene.path("j");
    let letters = |n: u64| {
        let letter = char::from(b'a' + (n % 26) as u8);
        format!("{{\"head\":\"{}\"}}", letter.to_string().repeat(3_000)).into_bytes()
    };
    let writer = options().header_reserve(6_000).open(&path).unwrap();
    writer.append_with_header(&letters(0), ["[0]"]).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..3_000 {
                if n % 2 == 0 {
                    writer.set_header(&letters(n)).unwrap();
                } else {
                    writer.append_with_header(&letters(n), ["[1]"]).unwrap();
                }
            }
            done.store(true, Ordering::Release);
        });
        let reader = open(&path);
        while !done.load(Ordering::Acquire) {
            let header = reader.header().unwrap().unwrap();
            let text = &header[9..header.len() - 2];
            assert_eq!(header.len(), 3_011);
            assert!(text.iter().all(|byte| *byte == text[0]), "a mixture");
        }
    });
}

#[test]
fn always_a_new_file_where_it_is_asked_for() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = options()
        .header_mode(HeaderMode::Rename)
        .open(&path)
        .unwrap();
    journal.append_with_header(&head(1), ["[1]"]).unwrap();
    let before = journal.end().unwrap();
    journal.set_header(&head(2)).unwrap();
    let after = journal.end().unwrap();
    assert!(after.generation > before.generation);
    assert_eq!(after.offset, before.offset);
    let expected = [&padded(&head(2), RESERVE)[..], b"[1]\n"].concat();
    assert_eq!(bytes(&path), expected);
}

#[test]
fn with_what_queues_up_and_with_callbacks() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = open(&path);
    journal.set_header(&head(0)).unwrap();
    let (told, results) = std::sync::mpsc::channel();
    let guard = untorn::FileLock::acquire(&path).unwrap();
    for n in 1..9_u64 {
        let mut batch = journal.batch();
        batch.push(format!("[{n}]").as_bytes()).unwrap();
        if n % 3 == 0 {
            batch.set_header(&head(n)).unwrap();
        }
        let told = told.clone();
        journal.append_queued(batch, None, None, None, move |result| {
            told.send((n, result)).unwrap();
        });
    }
    drop(guard);
    let mut ends: Vec<_> = (1..9).map(|_| results.recv().unwrap()).collect();
    ends.sort_by_key(|(n, _)| *n);
    let ends: Vec<_> = ends.into_iter().map(|(_, end)| end.unwrap()).collect();
    assert!(ends.is_sorted());
    assert_eq!(journal.header().unwrap(), Some(head(6)));
    assert_eq!(journal.records().unwrap().count(), 8);
}

#[test]
fn the_lock_file_is_as_small_as_it_was_after_a_plain_append() {
    // The bytes that a stamp leaves there cost the next plain append once, not each
    // time.
    let scene = Scene::new();
    let journal = open(&scene.path("j"));
    journal.append_with_header(&head(1), ["[1]"]).unwrap();
    journal.append_with_header(&head(2), ["[1]"]).unwrap();
    assert!(scene.files()["j.lock"].len() > 64);
    let (_, first) = Plan::new().run(|| journal.append(b"[2]").unwrap());
    assert_eq!(scene.files()["j.lock"].len(), 64);
    let (_, second) = Plan::new().run(|| journal.append(b"[2]").unwrap());
    assert!(second.len() < first.len());
}

#[test]
fn lines_that_are_not_json() {
    let scene = Scene::new();
    let path = scene.path("log.txt");
    let options = Journal::options()
        .durability(Durability::Process)
        .format(untorn::Format::Lines)
        .header_prefix("# ")
        .header_reserve(40);
    let journal = options.open(&path).unwrap();
    journal
        .append_with_header(b"# one", ["plain text", "{not json"])
        .unwrap();
    let end = journal.end().unwrap();
    journal
        .append_all(["more", "\u{2028}", "\tand \r so on"])
        .unwrap();
    journal.append_with_header(b"# two", ["last"]).unwrap();
    assert_eq!(journal.header().unwrap().unwrap(), b"# two");
    assert_eq!(journal.records().unwrap().count(), 6);
    assert_eq!(journal.tail(9).unwrap().len(), 6);
    assert_eq!(journal.verify().unwrap().damage_count, 0);
    let kept = journal.rewind(end).unwrap().unwrap();
    assert_eq!(kept.file_name().unwrap(), "log_1.txt");
    assert_eq!(
        bytes(&path),
        [&padded(b"# two", 40)[..], b"plain text\n{not json\n"].concat()
    );
    let bad = journal.replace(["fine", "not\nfine"]).unwrap_err();
    assert_eq!(bad.kind(), ErrorKind::InvalidRecord, "{bad}");
    journal.replace(["fine", "  and this"]).unwrap();
    let rewritten = journal.compact(|rewrite| rewrite.push(b"[only this"));
    assert_eq!(rewritten.unwrap(), journal.end().unwrap());
    assert_eq!(
        bytes(&path),
        [&padded(b"# two", 40)[..], b"[only this\n"].concat()
    );
    journal.rotate().unwrap().unwrap();
    assert_eq!(bytes(&path), padded(b"# two", 40));
    // A tail is always torn here, whatever it looks like.
    std::fs::write(&path, [&padded(b"# two", 40)[..], b"a\n{\"b\":1}"].concat()).unwrap();
    journal.append(b"c").unwrap();
    assert_eq!(bytes(&path)[40..], *b"a\nc\n");
}

#[test]
fn a_first_header_is_none_before_what_is_appended_with_it_is_there() {
    let scene = Scene::new();
    let path = scene.path("j");
    let (result, calls) = Plan::new().run(|| open(&path).append_with_header(&head(1), ["[1]"]));
    result.unwrap();
    let write = calls.iter().rposition(|op| *op == Op::Write).unwrap();
    for name in ["j", "j.lock"] {
        std::fs::remove_file(scene.path(name)).unwrap();
    }
    let dies = Plan::new().short(write, RESERVE + 1).die(write + 1);
    let (result, _) = dies.run(|| open(&path).append_with_header(&head(1), ["[1]"]));
    result.unwrap_err();
    assert!(bytes(&path).len() > RESERVE);
    assert_eq!(open(&path).header().unwrap(), None);
    open(&path).append(b"[2]").unwrap();
    assert_eq!(open(&path).header().unwrap(), None);
    assert_eq!(bytes(&path), b"[2]\n");
}
