//! A place in a journal.

/// A place in a journal at the end of a record. You can store and compare it. A
/// position from before the journal was replaced never matches the new file. Both
/// numbers stay below 2^53.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Which of the files that had this name. 0: no file existed.
    pub generation: u64,
    /// Bytes from the start of the file.
    pub offset: u64,
}

impl From<untorn::Position> for Position {
    fn from(position: untorn::Position) -> Position {
        Position {
            generation: position.generation,
            offset: position.offset,
        }
    }
}

impl From<Position> for untorn::Position {
    fn from(position: Position) -> untorn::Position {
        untorn::Position {
            generation: position.generation,
            offset: position.offset,
        }
    }
}
