//! Numbers and names that no other process draws.
//!
//! Each number comes from the system. A fork copies a generator of the
//! process's own. Parent and child would then draw the same ones: two
//! transactions of one number, two temporaries of one name.

use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::xxh3_128;

use super::process::own_pid;
use super::seam::{Op, announce};

pub(crate) fn random_number() -> u128 {
    let mut bytes = [0; 16];
    let drawn = announce(Op::Random, None).is_ok() && getrandom::fill(&mut bytes).is_ok();
    if drawn {
        u128::from_le_bytes(bytes)
    } else {
        without_the_system()
    }
}

/// Returns so many random letters and digits.
pub(crate) fn random_word(length: usize) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let (mut word, mut rest) = (String::with_capacity(length), 0);
    for n in 0..length {
        // 62^20 is below 2^128.
        if n % 20 == 0 {
            rest = random_number();
        }
        word.push(char::from(LETTERS[(rest % 62) as usize]));
        rest /= 62;
    }
    word
}

/// Draws a number in a sandbox that has none. It need not be unguessable, only
/// not drawn twice.
#[cold]
fn without_the_system() -> u128 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let parts = [
        u128::from(own_pid()),
        now.map_or(0, |now| now.as_nanos()),
        u128::from(COUNT.fetch_add(1, Ordering::Relaxed)),
    ];
    xxh3_128(&parts.map(u128::to_le_bytes).concat())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{random_word, without_the_system};

    #[test]
    fn nothing_is_drawn_twice() {
        let words: HashSet<_> = (0..1_000).map(|_| random_word(12)).collect();
        assert_eq!(words.len(), 1_000);
        assert!(words.iter().all(|word| word.len() == 12));
        let numbers: HashSet<_> = (0..1_000).map(|_| without_the_system()).collect();
        assert_eq!(numbers.len(), 1_000);
    }
}
