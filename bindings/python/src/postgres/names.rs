//! What a store's options say of the files of its sessions.

/// The words that the handles of the sessions' files have for themselves.
pub struct Names {
    pub journal: String,
    pub durability: String,
}
