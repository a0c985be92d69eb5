//! Work that waits for nothing and takes long ends where the caller wants that.
//! (Of a check: `reading.rs`.)

use crate::scene::{self, Scene};
use untorn::{CallOptions, CancelToken, ErrorKind};

#[test]
fn the_last_records_of_a_large_journal() {
    let scene = Scene::new();
    let path = scene.with("j", "[1]\n".repeat(1000));
    let journal = scene::journal(&path);
    let token = CancelToken::new();
    let call = CallOptions::new().cancel(&token);
    assert_eq!(journal.tail_with(1000, &call).unwrap().len(), 1000);
    token.cancel();
    let error = journal.tail_with(1000, &call).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(error.operation(), "tail");
}
