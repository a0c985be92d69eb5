//! Finds a text in one record after another, for engines that are not files.

use std::convert::Infallible;

use super::Hit;
use super::needle::Needle;
use super::work::hit;
use crate::journal::Record;

pub(crate) struct Finder {
    needle: Needle,
    json: bool,
}

impl Finder {
    /// Returns `None` if the text is empty.
    pub fn new(text: &str, json: bool) -> Option<Finder> {
        let needle = Needle::new(text, json)?;
        Some(Finder { needle, json })
    }

    /// Returns the first match in this record of the session `key`.
    pub fn find(&self, key: &str, record: Record<'_>) -> Option<Hit> {
        let Ok(place) = self
            .needle
            .find(record.bytes, &mut || Ok::<(), Infallible>(()));
        place.map(|place| hit(key, record, place, self.json))
    }
}
