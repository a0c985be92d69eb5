//! Bytes that the caller owns after the call.

use std::ptr;

use crate::argument::Output;

/// Hands bytes over. A NUL that is not counted follows them, so that a C program
/// may use text as a string, and the pointer is never NULL.
pub(crate) fn give(mut bytes: Vec<u8>, data_out: Output<*mut u8>, len_out: Output<usize>) {
    len_out.put(bytes.len());
    bytes.reserve_exact(1);
    bytes.push(0);
    data_out.put(Box::into_raw(bytes.into_boxed_slice()).cast::<u8>());
}

/// Frees bytes that this library handed over, for example from untorn_load(). len
/// is the length that came with them. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_buffer_free(data: *mut u8, len: usize) {
    if !data.is_null() {
        // SAFETY: from `give`, with its length and the NUL behind it.
        drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(data, len + 1)) });
    }
}
