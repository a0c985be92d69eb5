//! Seals records: a checksum follows each record, in white space that every JSON reader
//! skips.
//!
//! A sealed line is the record, one TAB, 32 characters and one flag. The characters are
//! a CRC-32C, most significant bit first: a space is 0, a TAB is 1. The flag is a space
//! in the last record of an append, and a TAB if more records of it follow. The
//! checksum covers the record, the flag, and the checksum of the record before it in
//! the same append (little-endian; zero for the first).

/// The length of a seal in bytes, without the newline.
pub(crate) const LENGTH: usize = 34;
const BITS: usize = 32;

/// Holds the content of a seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    pub checksum: u32,
    /// Whether the record ends its append.
    pub last: bool,
}

impl Seal {
    /// Returns the seal of a record whose own checksum is `record`. `before` is the
    /// checksum in the seal before it; 0 begins an append.
    pub fn of(record: u32, last: bool, before: u32) -> Seal {
        let checksum = crc32c::crc32c_append(record, &[flag(last)]);
        Seal {
            checksum: crc32c::crc32c_append(checksum, &before.to_le_bytes()),
            last,
        }
    }

    pub fn to_bytes(self) -> [u8; LENGTH] {
        let mut bytes = [b'\t'; LENGTH];
        let eights = bytes[1..=BITS].as_chunks_mut().0;
        for (eight, bits) in eights.iter_mut().zip(self.checksum.to_be_bytes()) {
            *eight = spelt(bits);
        }
        bytes[LENGTH - 1] = flag(self.last);
        bytes
    }

    pub fn of_bytes(bytes: &[u8]) -> Option<Seal> {
        let (tab, rest) = bytes.split_first()?;
        if bytes.len() != LENGTH || *tab != b'\t' {
            return None;
        }
        let mut checksum = [0; BITS / 8];
        for (bits, eight) in checksum.iter_mut().zip(rest[..BITS].as_chunks().0) {
            *bits = read(*eight)?;
        }
        let last = match rest[BITS] {
            b' ' => true,
            b'\t' => false,
            _ => return None,
        };
        Some(Seal {
            checksum: u32::from_be_bytes(checksum),
            last,
        })
    }

    /// Returns the checksum that chains the next line of the same append. `None`: the
    /// next line begins another append.
    pub fn chain(self) -> Option<u32> {
        (!self.last).then_some(self.checksum)
    }
}

/// A one in each byte of a word.
const ONES: u64 = u64::MAX / 255;
const SPACES: u64 = ONES * b' ' as u64;
const TO_TAB: u64 = (b' ' - b'\t') as u64;

/// Returns a character for each bit, the most significant first.
#[inline]
fn spelt(bits: u8) -> [u8; 8] {
    // Of each copy one bit stays, the most significant in the first byte.
    let alone = (ONES * u64::from(bits)) & 0x0102_0408_1020_4080;
    // A bit carries to the top of its byte, and none further.
    let ones = (alone + ONES * 0x7f) >> 7 & ONES;
    (SPACES - ones * TO_TAB).to_le_bytes()
}

/// Returns the bits that these characters are, or `None` if one is no bit.
#[inline]
fn read(eight: [u8; 8]) -> Option<u8> {
    let eight = u64::from_le_bytes(eight);
    // Of the two characters, only the tab is odd.
    let ones = eight & ONES;
    let are_bits = eight == SPACES - ones * TO_TAB;
    // Gathers the lowest bit of each byte in the last byte.
    are_bits.then_some((ones.wrapping_mul(0x8040_2010_0804_0201) >> 56) as u8)
}

fn flag(last: bool) -> u8 {
    if last { b' ' } else { b'\t' }
}

/// Splits a line into the record and its seal. Returns `None` if the line has no seal.
#[inline]
pub(crate) fn split(line: &[u8]) -> Option<(&[u8], Seal)> {
    let place = line.len().checked_sub(LENGTH).filter(|place| *place > 0)?;
    let (record, seal) = line.split_at(place);
    Some((record, Seal::of_bytes(seal)?))
}

/// Returns whether the seal belongs to this record. `before` chains it to the record
/// before; `None` begins an append.
pub(crate) fn is_good(record: &[u8], seal: Seal, before: Option<u32>) -> bool {
    Seal::of(crc32c::crc32c(record), seal.last, before.unwrap_or(0)) == seal
}

/// Returns the two lines of this length, newline included, that `rest` may be the beginning
/// of: as the last of its append, and with more to follow. `None` if `rest` has not
/// all of the record. `before` is as in [`is_good`].
pub(crate) fn lines_of(rest: &[u8], length: usize, before: Option<u32>) -> Option<[Vec<u8>; 2]> {
    let record = rest.get(..length.checked_sub(LENGTH + 1)?)?;
    Some([true, false].map(|last| {
        let seal = Seal::of(crc32c::crc32c(record), last, before.unwrap_or(0));
        [record, &seal.to_bytes(), b"\n"].concat()
    }))
}

/// Seals the records of one append as they are added. The last seal says that it is the
/// last, until another record follows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    /// The last record's own checksum, and the checksum in the seal before it.
    last: Option<(u32, u32)>,
}

impl Chain {
    /// Adds a record to the lines of its append.
    pub fn add(&mut self, lines: &mut Vec<u8>, record: &[u8]) {
        let before = match self.last {
            None => 0,
            Some((own, before)) => {
                // That record is no longer the last.
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
