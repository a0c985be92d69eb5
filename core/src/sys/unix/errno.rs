//! For fault tests: error numbers are the system's own here.

#[cfg(feature = "fault")]
pub(in crate::sys) fn code(errno: i32) -> i32 {
    errno
}
