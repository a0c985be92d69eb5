//! Files that are no regular files: only Unix has FIFOs and sockets among them.

#[cfg(unix)]
mod scene;

#[cfg(unix)]
#[path = "unix/special_files.rs"]
mod special_files;
