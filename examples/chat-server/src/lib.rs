//! A chat server's rooms: what is said is appended to the room's journal, and
//! who enters is shown the last messages. Any number of server processes share
//! a directory of rooms.

use std::path::Path;

use serde::{Deserialize, Serialize};
use untorn::{Journal, Result, Store};

/// What a user said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who.
    pub from: String,
    /// What.
    pub text: String,
}

/// A room. It may have any name, `../lobby` too.
pub struct Room(Journal);

impl Room {
    /// Opens the room, and makes it with its first message.
    ///
    /// # Errors
    /// As [`untorn::Session::journal`].
    pub fn open(rooms: impl AsRef<Path>, name: &str) -> Result<Room> {
        let rooms = Store::options().journal_name("room.jsonl").open(rooms)?;
        rooms.session(name)?.journal().map(Room)
    }

    /// Appends a message, durably.
    ///
    /// # Errors
    /// As [`Journal::append`]: the room is as it was.
    pub fn say(&self, message: &Message) -> Result<()> {
        let record = serde_json::to_vec(message).expect("two strings are JSON");
        self.0.append(&record).map(drop)
    }

    /// The last `n` messages, oldest first. What is not a message is left out.
    ///
    /// # Errors
    /// As [`Journal::tail`].
    pub fn last(&self, n: usize) -> Result<Vec<Message>> {
        let records = self.0.tail(n)?;
        let message = |record: &untorn::OwnedRecord| serde_json::from_slice(&record.bytes).ok();
        Ok(records.iter().filter_map(message).collect())
    }

    /// The room's file.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}
