//! Checks the arguments that C passes, and converts them for the core.

use std::ffi::{CStr, c_char, c_void};
use std::path::{Path, PathBuf};
use std::time::Duration;

use untorn::{Error, Result};

/// The pointer that a callback of C's gets, besides what it is about.
pub(crate) struct User(pub *mut c_void);
// SAFETY: only handed over to the callback, which knows what it is.
unsafe impl Send for User {}
// SAFETY: as above.
unsafe impl Sync for User {}

impl User {
    pub fn pointer(&self) -> *mut c_void {
        self.0
    }
}

/// The arguments of one call. The name given to each check is the parameter's
/// name in the header.
#[derive(Clone, Copy)]
pub(crate) struct Arguments<'a> {
    operation: &'static str,
    path: &'a Path,
}

impl Arguments<'static> {
    /// For a call whose path is not known yet.
    pub fn of(operation: &'static str) -> Arguments<'static> {
        Arguments {
            operation,
            path: Path::new(""),
        }
    }
}

impl<'a> Arguments<'a> {
    /// Adds the path. Errors will name it.
    pub fn on<'b>(self, path: &'b Path) -> Arguments<'b> {
        Arguments {
            operation: self.operation,
            path,
        }
    }

    #[cold]
    pub fn refuse(&self, detail: impl Into<String>) -> Error {
        Error::invalid_argument(self.operation, self.path, detail)
    }

    #[cold]
    fn is_null(&self, name: &str) -> Error {
        self.refuse(format!("{name} is NULL"))
    }

    /// A handle, or another object that must not be NULL.
    ///
    /// # Safety
    /// NULL or valid for `'b`.
    #[inline]
    pub unsafe fn object<'b, T>(&self, object: *const T, name: &str) -> Result<&'b T> {
        // SAFETY: the caller's promise.
        unsafe { object.as_ref() }.ok_or_else(|| self.is_null(name))
    }

    /// The same, for a call that needs the object to itself.
    ///
    /// # Safety
    /// NULL or valid for `'b`, and not in use elsewhere.
    pub unsafe fn object_mut<'b, T>(&self, object: *mut T, name: &str) -> Result<&'b mut T> {
        // SAFETY: the caller's promise.
        unsafe { object.as_mut() }.ok_or_else(|| self.is_null(name))
    }

    /// The place of an output that must not be NULL. A function checks it before
    /// it does anything, so that it can always hand over its result.
    ///
    /// # Safety
    /// NULL or valid for a write; it need not be initialised.
    pub unsafe fn output<T>(&self, place: *mut T, name: &str) -> Result<Output<T>> {
        if place.is_null() {
            return Err(self.is_null(name));
        }
        Ok(Output(place))
    }

    /// Bytes. NULL with length 0 is an empty slice.
    ///
    /// # Safety
    /// NULL, or valid for reads of `len` bytes for `'b`.
    #[inline]
    pub unsafe fn bytes<'b>(
        &self,
        data: *const c_void,
        len: usize,
        name: &str,
    ) -> Result<&'b [u8]> {
        // SAFETY: the caller's promise; `len` is checked.
        unsafe { self.array(data.cast(), len, name) }
    }

    /// An array. NULL with length 0 is an empty one.
    ///
    /// # Safety
    /// NULL, or valid for reads of `len` elements for `'b`.
    #[inline]
    pub unsafe fn array<'b, T>(&self, first: *const T, len: usize, name: &str) -> Result<&'b [T]> {
        if len == 0 {
            return Ok(&[]);
        }
        if first.is_null() {
            return Err(self.refuse(format!("{name} is NULL, and its length is {len}")));
        }
        if len > isize::MAX as usize / size_of::<T>().max(1) {
            return Err(self.refuse(format!("the length of {name} can't be {len}")));
        }
        // SAFETY: the caller's promise, and the length is one that can be.
        Ok(unsafe { std::slice::from_raw_parts(first, len) })
    }

    /// A path.
    ///
    /// # Safety
    /// NULL or NUL-terminated.
    pub unsafe fn file(&self, path: *const c_char, name: &str) -> Result<PathBuf> {
        if path.is_null() {
            return Err(self.is_null(name));
        }
        // SAFETY: the caller's promise.
        let path = unsafe { CStr::from_ptr(path) };
        if path.is_empty() {
            return Err(self.refuse(format!("{name} is empty")));
        }
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            Ok(PathBuf::from(std::ffi::OsStr::from_bytes(path.to_bytes())))
        }
        #[cfg(not(unix))]
        path.to_str()
            .map(PathBuf::from)
            .map_err(|error| self.refuse(format!("{name} is not UTF-8: {error}")))
    }

    /// A text that may be NULL.
    ///
    /// # Safety
    /// NULL or NUL-terminated.
    pub unsafe fn text(&self, text: *const c_char, name: &str) -> Result<Option<String>> {
        if text.is_null() {
            return Ok(None);
        }
        // SAFETY: the caller's promise.
        let text = unsafe { CStr::from_ptr(text) };
        text.to_str()
            .map(|text| Some(text.to_owned()))
            .map_err(|error| self.refuse(format!("{name} is not UTF-8: {error}")))
    }

    /// A text that must not be NULL.
    ///
    /// # Safety
    /// NULL or NUL-terminated.
    pub unsafe fn required_text(&self, text: *const c_char, name: &str) -> Result<String> {
        // SAFETY: the caller's promise.
        let text = unsafe { self.text(text, name)? };
        text.ok_or_else(|| self.is_null(name))
    }

    /// Milliseconds. -1 means without a limit.
    pub fn timeout(&self, milliseconds: i64) -> Result<Option<Duration>> {
        match u64::try_from(milliseconds) {
            Ok(milliseconds) => Ok(Some(Duration::from_millis(milliseconds))),
            Err(_) if milliseconds == -1 => Ok(None),
            Err(_) => Err(self.refuse(format!(
                "timeout_ms is {milliseconds}; -1 waits without a limit, 0 tries once"
            ))),
        }
    }
}

/// The place of an output, written if the call succeeds.
pub(crate) struct Output<T>(*mut T);

impl<T> Output<T> {
    pub fn put(self, value: T) {
        // SAFETY: `Arguments::output` was promised so, and the call has not
        // returned yet.
        unsafe { self.0.write(value) }
    }
}

impl<T> Output<*mut T> {
    /// Hands over a new object, which the caller frees.
    pub fn give(self, object: T) {
        self.put(Box::into_raw(Box::new(object)));
    }
}

/// Writes an output that may be NULL.
///
/// # Safety
/// NULL or valid for a write.
pub(crate) unsafe fn put<T>(place: *mut T, value: T) {
    if !place.is_null() {
        // SAFETY: the caller's promise.
        unsafe { place.write(value) }
    }
}

/// Frees an object that [`Output::give`] handed over. NULL does nothing.
///
/// # Safety
/// NULL or from `Output::give`, and not used any more.
pub(crate) unsafe fn take_back<T>(object: *mut T) {
    if !object.is_null() {
        crate::guard::quietly((), || {
            // SAFETY: the caller's promise.
            drop(unsafe { Box::from_raw(object) });
        });
    }
}
