//! Searches the journals of all sessions.

use std::ffi::{CString, c_char};

use untorn::Hit;

use crate::argument::{Arguments, put, take_back};
use crate::call::{self, CallOptions};
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;
use crate::place::both;
use crate::position::Position;
use crate::store::Store;
use crate::text::c_string;

/// A list of records in which a text was found.
pub struct Hits(Vec<(Hit, CString, CString)>);

/// Searches the journals of all sessions for a text in UTF-8, ignoring case.
/// Returns at most max_hits (0: 100) hits, in the order of the keys, and within a
/// journal in the order of the records. In format json it searches the whole
/// record with its escapes decoded. Takes no lock. Free the list with
/// untorn_hits_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_store_search(
    store: *const Store,
    text: *const c_char,
    max_hits: usize,
    call: *const CallOptions,
    hits_out: *mut *mut Hits,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "search", || {
        let arguments = Arguments::of("search");
        // SAFETY: as the header says of every argument.
        let (store, text, call, progress, hits_out) = unsafe {
            let store = arguments.object(store, "store")?;
            let arguments = arguments.on(store.path());
            let text = arguments.required_text(text, "text")?;
            let progress = call::report(call, &arguments)?;
            let call = call::read(call, &arguments)?;
            let hits_out = arguments.output(hits_out, "hits_out")?;
            (store, text, call, progress, hits_out)
        };
        let max_hits = if max_hits > 0 { max_hits } else { 100 };
        let call = call::with(call, &progress);
        let hits =
            both!(&store.core, core => core.search(text).max_hits(max_hits).run_with(&call))?;
        let hits = hits.into_iter();
        hits_out.give(Hits(
            hits.map(|hit| {
                let (key, snippet) = (c_string(&hit.key), c_string(&hit.snippet));
                (hit, key, snippet)
            })
            .collect(),
        ));
        Ok(())
    })
}

/// Writes the hit number index, from 0: the session's key, where the record
/// begins, and the text around the match, in UTF-8. The match is the bytes start
/// to end of that text. Each output may be NULL; the strings belong to the list.
/// Returns false and writes nothing if the list is shorter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_hits_get(
    hits: *const Hits,
    index: usize,
    key_out: *mut *const c_char,
    position_out: *mut Position,
    snippet_out: *mut *const c_char,
    start_out: *mut usize,
    end_out: *mut usize,
) -> bool {
    // SAFETY: NULL or a list.
    let Some((hit, key, snippet)) = unsafe { hits.as_ref() }.and_then(|hits| hits.0.get(index))
    else {
        return false;
    };
    // SAFETY: each NULL or a place for it.
    unsafe {
        put(key_out, key.as_ptr());
        put(position_out, hit.position.into());
        put(snippet_out, snippet.as_ptr());
        put(start_out, hit.range.0);
        put(end_out, hit.range.1);
    }
    true
}

/// Frees a list of hits. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_hits_free(hits: *mut Hits) {
    // SAFETY: NULL or a list, which the caller uses no more.
    unsafe { take_back(hits) }
}
