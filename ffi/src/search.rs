//! A text in the journals of all sessions.

use std::ffi::{CString, c_char};

use untorn::Hit;

use crate::argument::{Arguments, put, take_back};
use crate::call::{self, Call};
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;
use crate::position::Position;
use crate::store::Store;
use crate::text::c_string;

/// Records in which a text was found.
pub struct Hits(Vec<(Hit, CString, CString)>);

/// Searches the journals of all sessions for a text in UTF-8, in any case. At most
/// max_hits (0: 100) are found: the first, in the order of keys and within a journal of
/// records. In format json the text is that of the whole record with its escapes
/// decoded. Takes no lock. To be freed with untorn_hits_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_store_search(
    store: *const Store,
    text: *const c_char,
    max_hits: usize,
    call: *const Call,
    hits_out: *mut *mut Hits,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "search", || {
        let arguments = Arguments::of("search");
        // SAFETY: as the header says of every argument.
        let (store, text, call, hits_out) = unsafe {
            let store = &arguments.object(store, "store")?.core;
            let arguments = arguments.on(store.path());
            let text = arguments.required_text(text, "text")?;
            let call = call::read(call, &arguments)?;
            (store, text, call, arguments.output(hits_out, "hits_out")?)
        };
        let mut search = store.search(text);
        if max_hits > 0 {
            search = search.max_hits(max_hits);
        }
        let hits = search.run_with(&call)?.into_iter();
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

/// The hit number index, from 0: the session's key; where the record begins; the text
/// around the match, in UTF-8, and the bytes start to end of it that match. Each may be
/// NULL; the strings belong to the list. False, and nothing written, if there are no
/// more.
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

/// Frees a list of hits. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_hits_free(hits: *mut Hits) {
    // SAFETY: NULL or a list, which the caller uses no more.
    unsafe { take_back(hits) }
}
