//! Plans a commit's changes, under the locks.

use super::member::{Member, Staged};
use super::options::TransactionOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::journal;
use crate::lockfile::Identity;
use crate::recovery::transaction::{Action, Change};
use crate::sys::{self, Attributes};

/// One change of the commit.
pub(super) struct Step<'a> {
    pub change: Change,
    pub member: &'a Member,
    pub content: Content<'a>,
}

/// The place of a change's bytes before the commit.
pub(super) enum Content<'a> {
    /// The change has no bytes.
    None,
    /// In a temporary, which takes over the attributes of the file that it
    /// replaces.
    Temporary {
        bytes: &'a [u8],
        like: Option<Attributes>,
        mode: Option<u32>,
    },
    /// In the manifest.
    Manifest(&'a [u8]),
}

/// Plans one member's change; `None` if nothing must change.
pub(super) fn step<'a>(
    name: &str,
    member: &'a Member,
    options: &TransactionOptions,
) -> Result<Option<Step<'a>>> {
    let os_error = |error| Error::os("commit", &member.path, error);
    let (action, content) = match &member.staged {
        Staged::Unchanged => return Ok(None),
        Staged::Whole { bytes, fresh } => {
            let like = sys::metadata(&member.path).map_err(os_error)?;
            if like.is_some() {
                if *fresh {
                    return Err(exists(member));
                }
                regular(member)?;
            }
            whole(bytes, *fresh, like, options.mode)
        }
        Staged::Lines(lines) => {
            regular(member)?;
            let Some(held) = &member.held else {
                return Err(Error::internal("commit", &member.path, "not locked"));
            };
            let end = journal::member::end(&member.path, &options.journals, held.lock_file())?;
            if end.is_none_or(|(_, start)| start == 0) {
                journal::member::may_begin(&member.path, &options.journals, lines)?;
            }
            match end {
                Some((to, start)) => (
                    Action::Append {
                        to,
                        start,
                        length: lines.len() as u64,
                    },
                    Content::Manifest(lines),
                ),
                // A new journal appears only with all of its lines.
                None => whole(lines, true, None, options.mode),
            }
        }
        Staged::Gone => {
            regular(member)?;
            let Some(of) = Identity::of_name(&member.path).map_err(os_error)? else {
                return Ok(None);
            };
            (Action::Remove { of }, Content::None)
        }
    };
    Ok(Some(Step {
        change: Change {
            name: name.to_owned(),
            action,
        },
        member,
        content,
    }))
}

fn whole(
    bytes: &[u8],
    fresh: bool,
    like: Option<Attributes>,
    mode: Option<u32>,
) -> (Action, Content<'_>) {
    let length = bytes.len() as u64;
    let checksum = crc32c::crc32c(bytes);
    let action = if fresh {
        Action::Create { length, checksum }
    } else {
        Action::Save { length, checksum }
    };
    let content = Content::Temporary { bytes, like, mode };
    (action, content)
}

fn regular(member: &Member) -> Result<()> {
    let stat = sys::stat(&member.path).map_err(|error| Error::os("commit", &member.path, error))?;
    if stat.is_some_and(|stat| !stat.is_file) {
        return Err(Error::invalid_argument(
            "commit",
            &member.path,
            "not a regular file; nothing was changed",
        ));
    }
    Ok(())
}

#[cold]
pub(super) fn exists(member: &Member) -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        "commit",
        &member.path,
        "the file was created by another program meanwhile; nothing was changed",
    )
}
