//! Bytes that the caller owns after the call.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ffi::c_void;

use crate::argument::Output;

/// How many bytes before the caller's hold their number, so that the caller need not
/// know it to free them. As much as the strictest alignment.
const HEAD: usize = 16;

/// Hands bytes over. A NUL that is not counted follows them, so that a C program
/// may use text as a string, and the pointer is never NULL.
pub(crate) fn give(bytes: &[u8], data_out: Output<*mut u8>, len_out: Output<usize>) {
    len_out.put(bytes.len());
    let layout = layout(bytes.len());
    // SAFETY: the layout is not empty, and all of it is written.
    let data = unsafe {
        let head = alloc(layout);
        if head.is_null() {
            handle_alloc_error(layout);
        }
        head.cast::<usize>().write(bytes.len());
        let data = head.add(HEAD);
        data.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        data.add(bytes.len()).write(0);
        data
    };
    data_out.put(data);
}

fn layout(len: usize) -> Layout {
    // No `Vec` is so long that this overflows.
    Layout::from_size_align(HEAD + len + 1, HEAD)
        .unwrap_or_else(|_| handle_alloc_error(Layout::new::<u128>()))
}

/// Frees bytes that this library handed over, for example from untorn_load(). NULL is
/// allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_buffer_free(data: *mut c_void) {
    if data.is_null() {
        return;
    }
    // SAFETY: from `give`, whose layout follows from the number at its beginning.
    unsafe {
        let head = data.cast::<u8>().sub(HEAD);
        dealloc(head, layout(head.cast::<usize>().read()));
    }
}
