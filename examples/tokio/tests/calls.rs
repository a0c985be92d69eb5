//! Calls under tokio: they let the runtime work, and end with their futures.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use untorn::{Document, ErrorKind, FileLock, Journal};
use untorn_tokio_example::run;

#[tokio::test]
async fn many_tasks_append_to_one_journal() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(Journal::open(dir.path().join("j")).unwrap());
    let appends: Vec<_> = (0..50)
        .map(|n| {
            let journal = Arc::clone(&journal);
            tokio::spawn(run(move |call| {
                journal.append_with(format!("[{n}]").as_bytes(), call)
            }))
        })
        .collect();
    for append in appends {
        append.await.unwrap().unwrap();
    }
    assert_eq!(journal.records().unwrap().count(), 50);
}

#[tokio::test]
async fn a_call_ends_with_its_future() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d");
    let guard = FileLock::acquire(&path).unwrap();
    let document = Document::open(&path).unwrap();
    let (ended, how) = channel();
    let save = run(move |call| {
        let result = document.save_with(b"1", Default::default(), call);
        ended
            .send(result.as_ref().err().map(untorn::Error::kind))
            .unwrap();
        result
    });
    // The runtime has one thread, and it is not the one that waits.
    assert!(
        tokio::time::timeout(Duration::from_millis(20), save)
            .await
            .is_err()
    );
    let how = how.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(how, Some(ErrorKind::Cancelled));
    drop(guard);
    assert!(!path.exists());
}

#[tokio::test]
#[should_panic(expected = "the caller's own")]
async fn a_panic_comes_through() {
    let _ = run(|_| -> untorn::Result<()> { panic!("the caller's own") }).await;
}
