//! Reads files whole. Too little memory is an error, never the end of the
//! process.

use std::io;

use super::File;

/// Cuts `bytes`, or adds zeros, so that a read can fill so many. It is `resize`, which
/// writes byte by byte in a build without optimization: that was a quarter of all
/// processor time of the tests.
pub(crate) fn set_length(bytes: &mut Vec<u8>, length: usize) {
    const ZEROS: &[u8] = &[0; 4096];
    bytes.truncate(length);
    while bytes.len() < length {
        let more = ZEROS.len().min(length - bytes.len());
        bytes.extend_from_slice(&ZEROS[..more]);
    }
}

impl File {
    /// Reads all of the file from its start, even if it grows meanwhile.
    pub fn read_all(&self) -> io::Result<Vec<u8>> {
        let size = self.size()?;
        let mut bytes = Vec::new();
        // One more, so that the end shows in the first read.
        let mut expected = size + 1;
        loop {
            if self.read_more(&mut bytes, expected)? < expected {
                return Ok(bytes);
            }
            // A program writes it in place; take what exists.
            expected = expected.saturating_mul(2);
        }
    }

    /// Reads the first `length` bytes, or as many as exist.
    pub fn read_first(&self, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read_more(&mut bytes, length)?;
        Ok(bytes)
    }

    /// Reads on after the content of `bytes`, up to this length. Returns its
    /// new length.
    fn read_more(&self, bytes: &mut Vec<u8>, length: u64) -> io::Result<u64> {
        /// A piece is zeroed and filled while it is in the processor's cache.
        const PIECE: u64 = 1 << 20;
        let full = || {
            io::Error::new(
                io::ErrorKind::OutOfMemory,
                format!("it has {length} bytes or more, which do not fit into memory"),
            )
        };
        let most = usize::try_from(length).map_err(|_| full())?;
        bytes
            .try_reserve_exact(most.saturating_sub(bytes.len()))
            .map_err(|_| full())?;
        loop {
            let at = bytes.len() as u64;
            let want = (length - at).min(PIECE);
            set_length(bytes, (at + want) as usize);
            let n = self.read_full_at(&mut bytes[at as usize..], at)?;
            bytes.truncate(at as usize + n);
            if (n as u64) < want || at + want == length {
                return Ok(bytes.len() as u64);
            }
        }
    }
}
