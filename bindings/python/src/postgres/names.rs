//! The options of a store that the files of its sessions show.

/// The words that the handles of the sessions' files have for themselves.
pub struct Names {
    pub journal: String,
    pub durability: String,
}
