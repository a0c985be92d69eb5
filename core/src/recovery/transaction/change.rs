//! The change of one file, and its JSON in the manifest.

use serde::{Deserialize, Serialize};

use crate::lockfile::Identity;
use crate::sys::FileId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The new contents take the name, which may be in use.
    Save { length: u64, checksum: u32 },
    /// The new contents take the name, which must be free.
    Create { length: u64, checksum: u32 },
    /// So many bytes of the manifest go to the end of this file, which is
    /// `start`.
    Append {
        to: Identity,
        start: u64,
        length: u64,
    },
    /// The name goes, if it still means this file.
    Remove { of: Identity },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Line", try_from = "Line")]
pub(crate) struct Change {
    /// A name in the directory, not a symbolic link.
    pub name: String,
    pub action: Action,
}

/// What is written. serde has enums with the fields of others in them, but copies each value for
/// them first: 20 KB of code in every package.
#[derive(Default, Serialize, Deserialize)]
struct Line {
    name: String,
    change: Option<Kind>,
    /// 0 if the birth time is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inode: Option<u64>,
    /// `Some(None)`, written as `null`, where the birth of a file is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    birth: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<u32>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Save,
    Create,
    Append,
    Remove,
}

impl From<Change> for Line {
    fn from(Change { name, action }: Change) -> Line {
        let named = |change| Line {
            name,
            change: Some(change),
            ..Line::default()
        };
        let contents = |line, length, checksum| Line {
            length: Some(length),
            checksum: Some(checksum),
            ..line
        };
        let file = |line, file: Identity| Line {
            device: Some(file.device_to_record()),
            inode: Some(file.id.inode),
            birth: Some(file.birth),
            ..line
        };
        match action {
            Action::Save { length, checksum } => contents(named(Kind::Save), length, checksum),
            Action::Create { length, checksum } => contents(named(Kind::Create), length, checksum),
            Action::Append { to, start, length } => Line {
                start: Some(start),
                length: Some(length),
                ..file(named(Kind::Append), to)
            },
            Action::Remove { of } => file(named(Kind::Remove), of),
        }
    }
}

impl TryFrom<Line> for Change {
    type Error = &'static str;

    fn try_from(line: Line) -> Result<Change, &'static str> {
        let action = line.action().ok_or("a change that lacks a field")?;
        Ok(Change {
            name: line.name,
            action,
        })
    }
}

impl Line {
    fn action(&self) -> Option<Action> {
        Some(match self.change? {
            Kind::Save => Action::Save {
                length: self.length?,
                checksum: self.checksum?,
            },
            Kind::Create => Action::Create {
                length: self.length?,
                checksum: self.checksum?,
            },
            Kind::Append => Action::Append {
                to: self.file()?,
                start: self.start?,
                length: self.length?,
            },
            Kind::Remove => Action::Remove { of: self.file()? },
        })
    }

    fn file(&self) -> Option<Identity> {
        Some(Identity {
            id: FileId {
                device: self.device?,
                inode: self.inode?,
            },
            birth: self.birth.flatten(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Change;

    /// As `docs/protocol.md` has them, and as they were written before.
    #[test]
    fn each_change_has_its_fields() {
        for text in [
            r#"{"name":"a","change":"save","length":3,"checksum":4}"#,
            r#"{"name":"a","change":"create","length":3,"checksum":4}"#,
            r#"{"name":"a","change":"append","device":0,"inode":2,"birth":5,"start":1,"length":3}"#,
            r#"{"name":"a","change":"append","device":9,"inode":2,"birth":null,"start":1,"length":3}"#,
            r#"{"name":"a","change":"remove","device":0,"inode":2,"birth":5}"#,
            r#"{"name":"a","change":"remove","device":9,"inode":2,"birth":null}"#,
        ] {
            let change: Change = serde_json::from_slice(text.as_bytes()).unwrap();
            assert_eq!(serde_json::to_string(&change).unwrap(), text);
            let lacks = text
                .replace("\"length\"", "\"l\"")
                .replace("\"inode\"", "\"i\"");
            let error = serde_json::from_slice::<Change>(lacks.as_bytes()).unwrap_err();
            assert!(error.to_string().contains("lacks a field"), "{error}");
        }
    }
}
