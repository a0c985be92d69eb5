//! A process as JSON, to be stored or handed to another process.

use std::path::Path;

use crate::error::{Error, Result};
use crate::process::Process;

impl Process {
    /// One line of JSON, to be stored or handed to another process.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Numbers and strings: nothing in it can fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the text that [`Process::to_json`] returned.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for anything else.
    pub fn from_json(text: &str) -> Result<Process> {
        serde_json::from_slice(text.as_bytes()).map_err(|error| {
            let detail = format!("not a process as JSON: {error}");
            Error::invalid_argument("process", Path::new(""), detail)
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::process::Process;

    #[test]
    fn is_the_same_after_json() {
        let own = Process::current();
        assert_eq!(Process::from_json(&own.to_json()).unwrap(), own);
        let error = Process::from_json("4711").unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::InvalidArgument);
    }
}
