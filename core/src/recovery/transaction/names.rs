//! The names in a directory that users can't take.

/// Returns whether it is one plain name, which can't lead out of the directory.
pub(crate) fn is_plain(name: &str) -> bool {
    let mut parts = std::path::Path::new(name).components();
    let first = matches!(
        parts.next(),
        Some(std::path::Component::Normal(part)) if part == name
    );
    first && parts.next().is_none() && !name.contains('\0')
}

/// Returns whether this library keeps such a file next to its files.
pub(crate) fn is_reserved(name: &str) -> bool {
    const ENDS: [&str; 7] = [
        ".lock", ".guard", ".holder", ".torn", ".rotated", ".redo", ".untorn",
    ];
    name == ".untorn" || name.starts_with(".untorn.") || ENDS.iter().any(|end| name.ends_with(end))
}

/// Returns whether it is a transaction's temporary or manifest.
pub(crate) fn is_left_behind(name: &str) -> bool {
    name.strip_prefix(".untorn.").is_some_and(|rest| {
        rest.split_once('.').is_some_and(|(id, n)| {
            id.len() == 32
                && id.bytes().all(|byte| byte.is_ascii_hexdigit())
                && !n.is_empty()
                && n.bytes().all(|byte| byte.is_ascii_digit())
        })
    })
}
