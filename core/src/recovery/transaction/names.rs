//! Which names in a directory are not for users.

/// One plain name: it can't lead out of the directory.
pub(crate) fn is_plain(name: &str) -> bool {
    let mut parts = std::path::Path::new(name).components();
    let first = matches!(
        parts.next(),
        Some(std::path::Component::Normal(part)) if part == name
    );
    first && parts.next().is_none() && !name.contains('\0')
}

/// What this library keeps beside its files.
pub(crate) fn is_reserved(name: &str) -> bool {
    const ENDS: [&str; 6] = [".lock", ".guard", ".holder", ".torn", ".redo", ".untorn"];
    name == ".untorn" || name.starts_with(".untorn.") || ENDS.iter().any(|end| name.ends_with(end))
}

/// A transaction's temporary, or its manifest.
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
