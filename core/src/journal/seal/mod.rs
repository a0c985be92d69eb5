//! Seals: a checksum behind each record that every JSON reader takes for white
//! space.
//!
//! The record, one TAB, then 32 characters (a CRC-32C, most significant bit
//! first; space is 0 and TAB is 1), then one flag: space is the last record of
//! its append, TAB says that more of the same append follow. The checksum is of
//! the record, the flag, and the checksum (little-endian; zero for the first)
//! of the record before it in the same append.

mod file;

pub(crate) use file::{chain_before, closing, ends_well, is_whole_append, torn_tail, unfinished};

/// How many bytes a seal takes, without the newline.
pub(crate) const LENGTH: usize = 34;
const BITS: usize = 32;

/// What a seal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    pub checksum: u32,
    /// Whether it ends its append.
    pub last: bool,
}

impl Seal {
    /// The seal of a record with this checksum of its own, behind one whose
    /// seal says `before` (0: none in the same append).
    pub fn of(record: u32, last: bool, before: u32) -> Seal {
        let checksum = crc32c::crc32c_append(record, &[flag(last)]);
        Seal {
            checksum: crc32c::crc32c_append(checksum, &before.to_le_bytes()),
            last,
        }
    }

    pub fn to_bytes(self) -> [u8; LENGTH] {
        let mut bytes = [b'\t'; LENGTH];
        for (place, byte) in bytes[1..=BITS].iter_mut().enumerate() {
            if self.checksum << place >> (BITS - 1) == 0 {
                *byte = b' ';
            }
        }
        bytes[LENGTH - 1] = flag(self.last);
        bytes
    }

    fn of_bytes(bytes: &[u8]) -> Option<Seal> {
        let (tab, rest) = bytes.split_first()?;
        if bytes.len() != LENGTH || *tab != b'\t' {
            return None;
        }
        let mut checksum = 0_u32;
        for byte in &rest[..BITS] {
            checksum = checksum << 1
                | match byte {
                    b' ' => 0,
                    b'\t' => 1,
                    _ => return None,
                };
        }
        let last = match rest[BITS] {
            b' ' => true,
            b'\t' => false,
            _ => return None,
        };
        Some(Seal { checksum, last })
    }

    /// What the next line of the same append is chained to; 0: the next line
    /// begins another append.
    pub fn chain(self) -> Option<u32> {
        (!self.last).then_some(self.checksum)
    }
}

fn flag(last: bool) -> u8 {
    if last { b' ' } else { b'\t' }
}

/// The record and its seal; `None` if the line has none.
#[inline]
pub(crate) fn split(line: &[u8]) -> Option<(&[u8], Seal)> {
    let place = line.len().checked_sub(LENGTH).filter(|place| *place > 0)?;
    let (record, seal) = line.split_at(place);
    Some((record, Seal::of_bytes(seal)?))
}

/// Whether the seal is that of this record, in an append that goes on behind
/// the record before, or begins here.
pub(crate) fn is_good(record: &[u8], seal: Seal, before: Option<u32>) -> bool {
    Seal::of(crc32c::crc32c(record), seal.last, before.unwrap_or(0)) == seal
}

/// Records of one append as they are added: the last of them says so, until
/// another follows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    /// Of the last record: its own checksum, and the seal's of the one before.
    last: Option<(u32, u32)>,
}

impl Chain {
    /// Adds a record to the lines of its append.
    pub fn add(&mut self, lines: &mut Vec<u8>, record: &[u8]) {
        let before = match self.last {
            None => 0,
            Some((own, before)) => {
                // It is not the last any more.
                let seal = Seal::of(own, false, before);
                let stop = lines.len() - 1;
                lines[stop - LENGTH..stop].copy_from_slice(&seal.to_bytes());
                seal.checksum
            }
        };
        let own = crc32c::crc32c(record);
        lines.extend_from_slice(record);
        lines.extend_from_slice(&Seal::of(own, true, before).to_bytes());
        lines.push(b'\n');
        self.last = Some((own, before));
    }
}

#[cfg(test)]
mod tests {
    use super::{Chain, Seal, is_good, split};

    #[test]
    fn there_and_back() {
        for checksum in [0, 1, 0x8000_0000, 0xdead_beef, u32::MAX] {
            for last in [false, true] {
                let seal = Seal { checksum, last };
                let line = [b"[1]", &seal.to_bytes()[..]].concat();
                assert_eq!(split(&line), Some((&b"[1]"[..], seal)));
            }
        }
        assert_eq!(split(b"[1]"), None);
        assert_eq!(split(&[b' '; 200]), None);
    }

    #[test]
    fn one_by_itself() {
        let mut one = Vec::new();
        Chain::default().add(&mut one, b"[0]");
        let (record, seal) = split(&one[..one.len() - 1]).unwrap();
        assert!(seal.last && is_good(record, seal, None));
        assert!(!is_good(record, seal, Some(1)));
    }
}
