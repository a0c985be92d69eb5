//! The order of the header. cbindgen writes all constants first, then all types,
//! then all functions. A reader wants what belongs together in one place.

/// A section: its title, and the names that belong in it. A name that ends in `_`
/// stands for all names that begin with it; the longest one decides. Functions follow
/// the order of these names: first what makes an object, then what uses it.
struct Section {
    title: &'static str,
    names: &'static [&'static str],
}

/// The sections in their order: C needs each type before its first use by value.
const SECTIONS: &[Section] = &[
    Section {
        title: OBJECTS,
        names: &[],
    },
    Section {
        title: "Codes: what a call returns",
        // The codes have no prefix of their own.
        names: &["UNTORN_", "untorn_code", "untorn_code_"],
    },
    Section {
        title: "Values",
        names: &[
            "untorn_position",
            "untorn_document_version",
            "untorn_document_version_of",
            "untorn_bytes",
            "untorn_buffer_free",
            "untorn_string_free",
        ],
    },
    Section {
        title: "Errors",
        names: &["untorn_error_"],
    },
    Section {
        title: "One call, no handle",
        names: &["untorn_save", "untorn_load", "untorn_append"],
    },
    Section {
        title: "How a call waits",
        names: &[
            "untorn_call_options",
            "untorn_call_options_init",
            "untorn_progress",
            "untorn_interrupt",
            "untorn_cancel_",
        ],
    },
    Section {
        title: "Options that journals, documents and locks share",
        names: &[
            "UNTORN_DURABILITY_",
            "UNTORN_SCHEME_",
            "UNTORN_ON_UNSUPPORTED_",
        ],
    },
    Section {
        title: "Journals",
        names: &["untorn_journal_", "UNTORN_FORMAT_"],
    },
    Section {
        title: "Journals: reading",
        names: &[
            "untorn_records_options_init",
            "untorn_journal_records",
            "untorn_journal_tail",
            "untorn_records_",
        ],
    },
    Section {
        title: "Journals: checking and repairing",
        names: &[
            "untorn_journal_verify",
            "untorn_journal_repair",
            "untorn_report_",
            "UNTORN_DAMAGE_",
            "untorn_damage_name",
            "untorn_inspect",
            "untorn_journal_salvage_plan",
            "untorn_journal_salvage",
            "untorn_salvage_",
            "untorn_journal_torn",
            "untorn_torn_",
            "untorn_journal_torn_bytes",
            "untorn_journal_restore_torn",
            "untorn_journal_prune_torn",
        ],
    },
    Section {
        title: "Journals: following",
        names: &["untorn_journal_follow", "untorn_follow_", "UNTORN_FOLLOW_"],
    },
    Section {
        title: "Journals: a state that follows the records",
        names: &["untorn_journal_fold", "untorn_fold_", "UNTORN_FOLD_"],
    },
    Section {
        title: "Journals: the header",
        names: &[
            "untorn_journal_header",
            "untorn_journal_set_header",
            "untorn_journal_append_with_header",
            "UNTORN_HEADER_",
        ],
    },
    Section {
        title: "Journals: rewinding, rotating and rewriting",
        names: &[
            "untorn_journal_rewind",
            "untorn_journal_rotate",
            "untorn_journal_clear",
            "untorn_rotated_",
            "untorn_journal_prune_rotated",
            "untorn_journal_replace",
            "untorn_journal_begin_rewrite",
            "untorn_rewrite_",
        ],
    },
    Section {
        title: "Documents",
        names: &[
            "untorn_document_options_init",
            "untorn_document_",
            "untorn_update_",
        ],
    },
    Section {
        title: "Locks",
        names: &[
            "untorn_lock_options_init",
            "untorn_lock_acquire",
            "untorn_lock_acquire_at",
            "untorn_lock_release",
            "untorn_lock_",
            "untorn_lock_holder",
            "untorn_holder_",
            "untorn_lock_waiters",
            "untorn_waiters_",
            "untorn_held_",
        ],
    },
    Section {
        title: "Transactions: several files at once",
        names: &["untorn_transaction_"],
    },
    Section {
        title: "Snapshots: several files as they are at one instant",
        names: &["untorn_snapshot_"],
    },
    Section {
        title: "Stores and sessions",
        names: &[
            "untorn_store_options_init",
            "untorn_store_open",
            "untorn_store_",
            "untorn_keys_",
            "untorn_session_",
            "untorn_lease_",
        ],
    },
    Section {
        title: "Sessions: cleanup after an owner that died",
        names: &[
            "untorn_session_reconcile",
            "untorn_reconcile_",
            "untorn_also_alive",
            "UNTORN_RECONCILED_",
        ],
    },
    Section {
        title: "Sessions: searching",
        names: &["untorn_store_search", "untorn_hits_"],
    },
    Section {
        title: "Stores in a PostgreSQL database",
        names: &[
            "untorn_postgres_options_init",
            "untorn_postgres_driver_init",
            "untorn_postgres_migrate",
            "untorn_postgres_migration",
            "untorn_store_open_postgres",
            "untorn_postgres_selftest",
            "untorn_postgres_",
            "UNTORN_POSTGRES_",
        ],
    },
    Section {
        title: "Processes",
        names: &[
            "untorn_process_",
            "UNTORN_ALIVE",
            "UNTORN_ALIVE_",
            "UNTORN_DEAD",
        ],
    },
    Section {
        title: "Events: what happens without a call asking for it",
        names: &[
            "untorn_event",
            "untorn_set_event_callback",
            "untorn_flush_events",
            "untorn_set_wait_threshold",
            "untorn_event_",
            "untorn_severity_name",
            "UNTORN_EVENT_",
            "UNTORN_SEVERITY_",
        ],
    },
    Section {
        title: "The self-test, and the library's version",
        names: &[
            "untorn_selftest",
            "untorn_selftest_",
            "UNTORN_CHECK_",
            "untorn_version",
        ],
    },
];

/// The section of every object: the types whose fields the header does not show.
const OBJECTS: &str = "Objects";

/// The place for the list of sections.
const LIST: &str = "@SECTIONS@\n";
/// The end of what `cbindgen.toml` puts before the first declaration.
const START: &str = "@DECLARATIONS@\n";
const EXTERN: &str = "#ifdef __cplusplus\nextern \"C\" {\n#endif // __cplusplus\n";
const END: &str = "#ifdef __cplusplus\n}  // extern \"C\"\n";

/// The header that cbindgen wrote, with its declarations in sections.
pub fn arrange(header: &str) -> String {
    let (head, rest) = header
        .split_once(START)
        .expect("cbindgen.toml marks the start");
    let (body, foot) = rest.split_once(END).expect("cbindgen closes extern \"C\"");
    assert!(body.contains(EXTERN), "cbindgen opens extern \"C\"");
    let body = body.replace(EXTERN, "");
    let declarations: Vec<Declaration<'_>> = body
        .split("\n/**\n")
        .skip(1)
        .map(Declaration::read)
        .collect();
    let mut arranged = format!("{}\n\n{EXTERN}\n", head.trim_end());
    for section in SECTIONS {
        let mut members: Vec<&Declaration<'_>> = declarations
            .iter()
            .filter(|declaration| declaration.section == section.title)
            .collect();
        assert!(!members.is_empty(), "nothing is in {:?}", section.title);
        members.sort_by_key(|declaration| (declaration.sort, declaration.place));
        arranged.push_str(&banner(section.title));
        for member in members {
            arranged.push_str(&format!("/**\n{}\n\n", member.text.trim_end()));
        }
    }
    (arranged + END + foot).replace(LIST, &list())
}

/// The list of sections for the header's beginning.
fn list() -> String {
    let titles: Vec<String> = SECTIONS
        .iter()
        .map(|section| format!(" *   {}\n", section.title))
        .collect();
    format!(" * The sections, in their order\n *\n{}", titles.concat())
}

fn banner(title: &str) -> String {
    let line = "-".repeat(72);
    format!("/* {line}\n * {title}\n * {line} */\n\n")
}

/// What comes first within a section.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    Constant,
    Type,
    Function,
}

/// A declaration with its comment.
struct Declaration<'a> {
    text: &'a str,
    sort: Sort,
    section: &'static str,
    /// Of a function: the number of its name in the section.
    place: usize,
}

impl<'a> Declaration<'a> {
    fn read(text: &'a str) -> Declaration<'a> {
        let (_, code) = text.split_once(" */\n").expect("a comment ends");
        let code = code.trim();
        let (sort, name) = name(code);
        let opaque = code.starts_with("typedef struct untorn_");
        let (section, place) = if opaque { (OBJECTS, 0) } else { section(name) };
        Declaration {
            text,
            sort,
            section,
            // C needs the types in the order that cbindgen found.
            place: if sort == Sort::Function { place } else { 0 },
        }
    }
}

/// The name that a declaration declares.
fn name(code: &str) -> (Sort, &str) {
    if let Some(rest) = code.strip_prefix("#define ") {
        return (Sort::Constant, rest.split(' ').next().unwrap_or_default());
    }
    let mut names = code
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|part| part.starts_with("untorn_"));
    if !code.starts_with("typedef ") {
        let function = names
            .clone()
            .find(|name| code.contains(&format!("{name}(")));
        return (Sort::Function, function.expect("a function has a name"));
    }
    // The name of a struct stands after its fields, that of a pointer to a function
    // before its arguments.
    let name = if code.contains("(*") {
        names.clone().next()
    } else {
        names.next_back()
    };
    (Sort::Type, name.expect("a type has a name"))
}

/// The section of a name, and its place there.
fn section(name: &str) -> (&'static str, usize) {
    let (title, place, _) = SECTIONS
        .iter()
        .flat_map(|section| {
            let members = section.names.iter().enumerate();
            members.map(|(place, member)| (section.title, place, *member))
        })
        .filter(|(.., member)| name == *member || member.ends_with('_') && name.starts_with(member))
        .max_by_key(|(.., member)| member.len())
        .unwrap_or_else(|| panic!("{name} needs a section: see SECTIONS"));
    (title, place)
}
