// Generated from spec/options.toml by `cargo xtask generate`. Do not edit.
//! The names of options, in the library's messages and in JavaScript.

pub const OPTIONS: &[(&str, &str)] = &[
    ("cut_foreign_tail", "cutForeignTail"),
    ("header_mode", "headerMode"),
    ("header_prefix", "headerPrefix"),
    ("header_reserve", "headerReserve"),
    ("journal_name", "journalName"),
    ("max_bytes", "maxBytes"),
    ("max_record", "maxRecord"),
    ("on_unsupported", "onUnsupported"),
    ("state_name", "stateName"),
];
