//! Documents.

use std::ffi::{CString, c_char, c_void};
use std::path::Path;

use untorn::{Document as CoreDocument, Expect, Result};
use untorn_postgres::Document as EngineDocument;

use crate::argument::{Arguments, put, take_back};
use crate::buffer;
use crate::call::{self, CallOptions};
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;
use crate::option_structs::{self, DocumentOptions};
use crate::options;
use crate::place::{Place, both, each};
use crate::text::{c_path, pointer};
use crate::update::Update;
use crate::version::DocumentVersion;

/// A document: one value in one file, always replaced whole. At every instant,
/// and after every crash that its durability covers, the file holds its old bytes
/// or its new ones. A save keeps mode, owner, extended attributes and symbolic
/// links.
pub struct Document {
    core: Place<CoreDocument, EngineDocument>,
    path: CString,
}

impl Document {
    pub(crate) fn new(core: Place<CoreDocument, EngineDocument>) -> Document {
        Document {
            path: c_path(path_of(&core)),
            core,
        }
    }

    /// Returns the path, or the name in the database.
    #[inline]
    fn path(&self) -> &Path {
        path_of(&self.core)
    }
}

#[inline]
fn path_of(core: &Place<CoreDocument, EngineDocument>) -> &Path {
    match core {
        Place::Files(document) => document.path(),
        Place::Database(document) => document.name(),
    }
}

/// Opens the document at path, which need not exist yet. This resolves symbolic
/// links and removes what killed saves have left. Close it with
/// untorn_document_close().
///
/// UNTORN_NOT_FOUND if the directory is missing. UNTORN_INVALID_ARGUMENT if the
/// path names something other than a regular file.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_document_open(
    path: *const c_char,
    options: *const DocumentOptions,
    document_out: *mut *mut Document,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "open", || {
        let arguments = Arguments::of("open");
        // SAFETY: as the header says of every argument.
        let (path, options, document_out) = unsafe {
            let path = arguments.file(path, "path")?;
            let options = options::read(options, &arguments.on(&path))?;
            (
                path,
                options,
                arguments.output(document_out, "document_out")?,
            )
        };
        let arguments = arguments.on(&path);
        if options.reserved != 0 {
            return Err(arguments.refuse("reserved is not 0"));
        }
        let core = option_structs::document(&options, &arguments)?.open(&path)?;
        document_out.give(Document::new(Place::Files(core)));
        Ok(())
    })
}

/// Returns the path of the file, with every symbolic link resolved, in the
/// encoding of file names; for a document in a database its name: schema, key and
/// file. The string belongs to the document.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_document_path(document: *const Document) -> *const c_char {
    // SAFETY: NULL or a document.
    pointer(unsafe { document.as_ref() }.map(|document| &document.path))
}

/// Reads the document and its version (version_out may be NULL). Takes no lock.
/// Free the bytes with untorn_buffer_free(*data_out). A NUL that is not
/// counted follows them.
///
/// UNTORN_NOT_FOUND if the document does not exist.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_document_load(
    document: *const Document,
    data_out: *mut *mut u8,
    len_out: *mut usize,
    version_out: *mut DocumentVersion,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "load", || {
        let arguments = Arguments::of("load");
        // SAFETY: as the header says of every argument.
        let (document, data_out, len_out) = unsafe {
            let document = arguments.object(document, "document")?;
            let arguments = arguments.on(document.path());
            (
                document,
                arguments.output(data_out, "data_out")?,
                arguments.output(len_out, "len_out")?,
            )
        };
        let (bytes, version) = both!(&document.core, core => core.load())?;
        buffer::give(&bytes, data_out, len_out);
        // SAFETY: NULL or a place for it.
        unsafe { put(version_out, version.into()) };
        Ok(())
    })
}

/// Checks that the bytes of a document are one JSON value, and finds its text in
/// them: the bytes without a byte order mark. The message names the path. All
/// languages agree on what JSON is: NaN is not JSON. Half of a surrogate pair as an
/// escape is JSON, and so are numbers of any size and nesting of any depth.
///
/// UNTORN_CORRUPT says what the bytes are instead: empty or NULs, as power cuts
/// leave a file; UTF-16 or UTF-32; not UTF-8; not JSON, and where.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_document_json(
    path: *const c_char,
    data: *const c_void,
    len: usize,
    json_out: *mut *const u8,
    json_len_out: *mut usize,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "load", || {
        let arguments = Arguments::of("load");
        // SAFETY: as the header says of every argument.
        unsafe {
            let path = arguments.file(path, "path")?;
            let arguments = arguments.on(&path);
            let data = arguments.bytes(data, len, "data")?;
            let json_out = arguments.output(json_out, "json_out")?;
            let json_len_out = arguments.output(json_len_out, "json_len_out")?;
            let json = untorn::document_json(&path, data)?;
            json_out.put(json.as_ptr());
            json_len_out.put(json.len());
        }
        Ok(())
    })
}

/// Replaces the whole document, whatever it holds now. Writes the new version to
/// version_out (may be NULL).
///
/// After UNTORN_STORAGE_FULL, UNTORN_PERMISSION_DENIED, UNTORN_LOCK_TIMEOUT and
/// other failures the file is unchanged. After UNTORN_NOT_DURABLE the new bytes
/// are in place, but a power cut may bring the old ones back.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_document_save(
    document: *const Document,
    data: *const c_void,
    len: usize,
    call: *const CallOptions,
    version_out: *mut DocumentVersion,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "save", || {
        // SAFETY: as the header says of every argument.
        unsafe {
            save(
                document,
                data,
                len,
                |_| Ok(Expect::Anything),
                call,
                version_out,
            )
        }
    })
}

/// Replaces the whole document if its version is still the expected one; else
/// UNTORN_CONFLICT. With NULL the document must not exist; else
/// UNTORN_ALREADY_EXISTS.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_document_save_if(
    document: *const Document,
    expected: *const DocumentVersion,
    data: *const c_void,
    len: usize,
    call: *const CallOptions,
    version_out: *mut DocumentVersion,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "save", || {
        // SAFETY: NULL or a version.
        let expect = |arguments: &Arguments<'_>| match unsafe { expected.as_ref() } {
            Some(version) => version.core(arguments).map(Expect::Version),
            None => Ok(Expect::Absent),
        };
        // SAFETY: as the header says of every argument.
        unsafe { save(document, data, len, expect, call, version_out) }
    })
}

/// Saves a document that does not exist yet; else UNTORN_ALREADY_EXISTS.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_document_create(
    document: *const Document,
    data: *const c_void,
    len: usize,
    call: *const CallOptions,
    version_out: *mut DocumentVersion,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "save", || {
        // SAFETY: as the header says of every argument.
        unsafe {
            save(
                document,
                data,
                len,
                |_| Ok(Expect::Absent),
                call,
                version_out,
            )
        }
    })
}

/// # Safety
/// The arguments of the functions above.
unsafe fn save(
    document: *const Document,
    data: *const c_void,
    len: usize,
    expect: impl FnOnce(&Arguments<'_>) -> Result<Expect>,
    call: *const CallOptions,
    version_out: *mut DocumentVersion,
) -> Result<()> {
    let arguments = Arguments::of("save");
    // SAFETY: the caller's promise.
    let document = unsafe { arguments.object(document, "document")? };
    let arguments = arguments.on(document.path());
    // SAFETY: the caller's promise.
    let (bytes, call) = unsafe {
        let bytes = arguments.bytes(data, len, "data")?;
        (bytes, call::read(call, &arguments)?)
    };
    let expect = expect(&arguments)?;
    let version = both!(&document.core, core => core.save_with(bytes, expect, &call))?;
    // SAFETY: NULL or a place for it.
    unsafe { put(version_out, version.into()) };
    Ok(())
}

/// Removes the document. *removed_out (may be NULL) is whether it existed.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_document_remove(
    document: *const Document,
    call: *const CallOptions,
    removed_out: *mut bool,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "remove", || {
        let arguments = Arguments::of("remove");
        // SAFETY: as the header says of every argument.
        let (document, call) = unsafe {
            let document = arguments.object(document, "document")?;
            (document, call::read(call, &arguments.on(document.path()))?)
        };
        let removed = both!(&document.core, core => core.remove_with(Expect::Anything, &call))?;
        // SAFETY: NULL or a place for it.
        unsafe { put(removed_out, removed) };
        Ok(())
    })
}

/// Removes the document if its version is still the expected one; else
/// UNTORN_CONFLICT.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_document_remove_if(
    document: *const Document,
    expected: *const DocumentVersion,
    call: *const CallOptions,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "remove", || {
        let arguments = Arguments::of("remove");
        // SAFETY: as the header says of every argument.
        let (document, expected, call) = unsafe {
            let document = arguments.object(document, "document")?;
            let arguments = arguments.on(document.path());
            let expected = arguments.object(expected, "expected")?.core(&arguments)?;
            (document, expected, call::read(call, &arguments)?)
        };
        let expect = Expect::Version(expected);
        both!(&document.core, core => core.remove_with(expect, &call))?;
        Ok(())
    })
}

/// Takes the lock and reads the document, to change it without losing another
/// process's update. Read untorn_update_value(), pass the new bytes to
/// untorn_update_save(), and call untorn_update_finish() in any case. No other
/// process changes the document until then. In a database nothing is locked:
/// untorn_update_save() is UNTORN_CONFLICT or UNTORN_ALREADY_EXISTS if another
/// process has saved. Then begin again.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_document_begin_update(
    document: *const Document,
    call: *const CallOptions,
    update_out: *mut *mut Update,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "update", || {
        let arguments = Arguments::of("update");
        // SAFETY: as the header says of every argument.
        let (document, call, update_out) = unsafe {
            let document = arguments.object(document, "document")?;
            let arguments = arguments.on(document.path());
            let call = call::read(call, &arguments)?;
            (document, call, arguments.output(update_out, "update_out")?)
        };
        let update = each!(&document.core, core => core.begin_update(&call)?);
        update_out.give(Update::new(update));
        Ok(())
    })
}

/// Closes a document and frees the handle. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_document_close(document: *mut Document) {
    // SAFETY: NULL or a document, which the caller uses no more.
    unsafe { take_back(document) }
}
