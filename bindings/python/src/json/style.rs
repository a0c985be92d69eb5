//! How a value is laid out.

/// The options of `json.dump` that change the text.
pub struct Style<'a> {
    /// Other characters than ASCII's become escapes.
    pub ascii: bool,
    /// `NaN` and `Infinity` are written, which are not JSON.
    pub nan: bool,
    /// Names are sorted.
    pub sorted: bool,
    /// Each entry is on a line of its own, behind this for each level.
    pub indent: Option<&'a [u8]>,
    /// Between two entries.
    pub item: &'a [u8],
    /// Between a name and its value.
    pub name: &'a [u8],
}

impl Style<'_> {
    /// One record of a journal.
    pub const LINE: Style<'static> = Style {
        ascii: false,
        nan: false,
        sorted: false,
        indent: None,
        item: b",",
        name: b":",
    };
}
