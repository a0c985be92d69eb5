//! The versions of documents, and of this library.

use std::ffi::{CStr, c_char, c_void};

use untorn::Result;

use crate::argument::Arguments;
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;

/// Returns this library's version at run time, for example "0.1.0".
/// UNTORN_VERSION is the header's. The string is static.
#[unsafe(no_mangle)]
pub extern "C" fn untorn_version() -> *const c_char {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => panic!("the version has a NUL"),
        };
    VERSION.as_ptr()
}

/// The version of a document's bytes: 32 hexadecimal digits (XXH3, 128 bits) and
/// a NUL. The same bytes always have the same version; strcmp() compares. It
/// protects against accidents, not against an adversary.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DocumentVersion {
    /// The digits.
    pub text: [c_char; 33],
}

impl From<untorn::Version> for DocumentVersion {
    fn from(version: untorn::Version) -> DocumentVersion {
        let mut text = [0; 33];
        for (to, from) in text.iter_mut().zip(version.to_string().bytes()) {
            // Hexadecimal digits are the same in either type.
            *to = from as c_char;
        }
        DocumentVersion { text }
    }
}

impl DocumentVersion {
    pub(crate) fn core(&self, arguments: &Arguments<'_>) -> Result<untorn::Version> {
        let digits: Vec<u8> = self
            .text
            .iter()
            .map(|digit| *digit as u8)
            .take_while(|digit| *digit != 0)
            .collect();
        String::from_utf8_lossy(&digits)
            .parse()
            .map_err(|error: String| arguments.refuse(error))
    }
}

/// Computes the version that a document with these bytes has.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_document_version_of(
    data: *const c_void,
    len: usize,
    version_out: *mut DocumentVersion,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "version", || {
        let arguments = Arguments::of("version");
        // SAFETY: as the header says of every argument.
        unsafe {
            let bytes = arguments.bytes(data, len, "data")?;
            let version_out = arguments.output(version_out, "version_out")?;
            version_out.put(untorn::Version::of(bytes).into());
        }
        Ok(())
    })
}
