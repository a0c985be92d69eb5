//! The process that holds a lock, as errors and callers have it.

use std::ffi::CString;

use crate::text::c_string;

/// The process that holds a lock. The strings that the
/// untorn_holder_ functions return belong to it.
pub struct Holder {
    pub(crate) core: untorn::Holder,
    pub(crate) label: Option<CString>,
    pub(crate) since: Option<CString>,
    pub(crate) host: Option<CString>,
    pub(crate) boot: Option<CString>,
}

impl Holder {
    pub(crate) fn new(core: untorn::Holder) -> Holder {
        let c = |text: &Option<String>| text.as_deref().map(c_string);
        Holder {
            label: c(&core.label),
            since: c(&core.since),
            host: c(&core.host),
            boot: c(&core.boot),
            core,
        }
    }
}
