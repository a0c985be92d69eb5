//! Long calls say how far they are, and can be ended on the way.

use std::sync::Mutex;
use std::time::Duration;

use crate::scene::Scene;
use untorn::fault::{Op, Plan};
use untorn::{CallOptions, CancelToken, ErrorKind, Journal, Progress, Store};

/// A line of some length, so that a file takes more than one read.
fn line(n: u64) -> String {
    format!("{{\"n\":{n},\"text\":\"{}\"}}", "x".repeat(100_000))
}

/// Runs `work` on a medium whose reads and writes take longer than the time between
/// two reports. This is the one thing here that needs time to pass.
fn slowly<T>(work: impl FnOnce() -> T) -> T {
    let slow = |call: &untorn::fault::Call<'_>| {
        if matches!(call.op, Op::Read | Op::Write) {
            std::thread::sleep(Duration::from_millis(60));
        }
    };
    Plan::new().before(slow).run(work).0
}

/// What was reported: it only grows, and ends with all of it.
fn check(reports: &[Progress], total: u64) {
    assert!(reports.len() > 2, "{reports:?}");
    for pair in reports.windows(2) {
        assert!(pair[0].done <= pair[1].done, "{reports:?}");
    }
    let first = reports[0];
    assert!(first.done < total && first.total == total, "{reports:?}");
    let last = reports[reports.len() - 1];
    assert_eq!((last.done, last.total), (total, total), "{reports:?}");
}

#[test]
fn a_check_and_a_repair_report_their_progress() {
    let scene = Scene::quick();
    let path = scene.path("j");
    let journal = Journal::open(&path).unwrap();
    journal.append_all((0..20).map(line)).unwrap();
    let size = std::fs::metadata(&path).unwrap().len();
    for repairs in [false, true] {
        let reports = Mutex::new(Vec::new());
        let see = |progress| reports.lock().unwrap().push(progress);
        let call = CallOptions::new().progress(&see);
        let report = slowly(|| match repairs {
            true => journal.repair_with(&call),
            false => journal.verify_with(&call),
        });
        assert_eq!(report.unwrap().records, 20);
        check(&reports.into_inner().unwrap(), size);
    }
}

#[test]
fn a_replacement_reports_its_progress() {
    let scene = Scene::quick();
    let journal = Journal::open(scene.path("j")).unwrap();
    let mut batch = journal.batch();
    for n in 0..60 {
        batch.push(line(n).as_bytes()).unwrap();
    }
    let reports = Mutex::new(Vec::new());
    let see = |progress| reports.lock().unwrap().push(progress);
    let end = slowly(|| journal.replace_batch(&batch, &CallOptions::new().progress(&see))).unwrap();
    check(&reports.into_inner().unwrap(), end.offset);
}

#[test]
fn a_search_reports_its_progress() {
    let scene = Scene::quick();
    let store = Store::open(scene.dir()).unwrap();
    let mut total = 0;
    for key in ["a", "b", "c", "d"] {
        let journal = store.session(key).unwrap().journal().unwrap();
        total += journal.append_all((0..5).map(line)).unwrap().offset;
    }
    for threads in [1, 3] {
        let reports = Mutex::new(Vec::new());
        let see = |progress| reports.lock().unwrap().push(progress);
        let search = store.search("nothing like it").threads(threads);
        let hits = slowly(|| search.run_with(&CallOptions::new().progress(&see)));
        assert!(hits.unwrap().is_empty());
        let reports = reports.into_inner().unwrap();
        if threads == 1 {
            check(&reports, total);
        } else {
            // The caller's thread may have had little to do.
            let last = reports.last().unwrap();
            assert_eq!((last.done, last.total), (total, total));
        }
    }
}

#[test]
fn the_token_ends_a_replacement_on_the_way() {
    let scene = Scene::quick();
    let path = scene.path("j");
    let journal = Journal::open(&path).unwrap();
    journal.append(b"1").unwrap();
    let mut batch = journal.batch();
    for n in 0..60 {
        batch.push(line(n).as_bytes()).unwrap();
    }
    let token = CancelToken::new();
    let cancel = |_| token.cancel();
    let call = CallOptions::new().progress(&cancel).cancel(&token);
    let error = slowly(|| journal.replace_batch(&batch, &call)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(std::fs::read(&path).unwrap(), b"1\n");
    journal.append(b"2").unwrap();
}

#[test]
fn a_rewrite_knows_the_old_length() {
    let scene = Scene::quick();
    let journal = Journal::open(scene.path("j")).unwrap();
    let end = journal.append_all(["1", "22", "333"]).unwrap();
    let rewrite = journal.begin_rewrite(&CallOptions::new()).unwrap();
    assert_eq!(rewrite.old_bytes(), end.offset);
    let last = rewrite.records().unwrap().last().unwrap().unwrap();
    assert_eq!(last.end.offset, rewrite.old_bytes());
}
