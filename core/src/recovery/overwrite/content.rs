//! Bytes that are in memory or in a file.

use std::io;

use crate::sys::{File, set_length};

/// The number of bytes that move at once from file to file.
const PIECE: usize = 1 << 18;

/// The bytes of a stretch, in memory or in a file.
#[derive(Clone, Copy)]
pub(crate) enum Content<'a> {
    Memory(&'a [u8]),
    File {
        file: &'a File,
        start: u64,
        length: u64,
    },
}

impl<'a> Content<'a> {
    pub fn len(&self) -> u64 {
        match self {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::File { length, .. } => *length,
        }
    }

    /// Returns the bytes after the first `skip`.
    pub fn behind(&self, skip: u64) -> Content<'a> {
        let skip = skip.min(self.len());
        match *self {
            // The slice is not longer than memory.
            Content::Memory(bytes) => Content::Memory(&bytes[skip as usize..]),
            Content::File {
                file,
                start,
                length,
            } => Content::File {
                file,
                start: start + skip,
                length: length - skip,
            },
        }
    }

    /// Fills as much of `buffer` as exists from `at` on.
    pub fn read(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let n = usize::try_from(self.len().saturating_sub(at))
            .map_or(buffer.len(), |left| left.min(buffer.len()));
        match self {
            Content::Memory(bytes) => {
                let at = at as usize;
                buffer[..n].copy_from_slice(&bytes[at..at + n]);
            }
            Content::File { file, start, .. } => {
                if file.read_full_at(&mut buffer[..n], start + at)? < n {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
        Ok(n)
    }

    pub fn first(&self) -> io::Result<Option<u8>> {
        let mut first = [0];
        Ok((self.read(&mut first, 0)? == 1).then_some(first[0]))
    }

    /// Returns the length of the common start with a file of this length.
    pub fn common(&self, file: &File, length: u64) -> io::Result<u64> {
        let other = Content::File {
            file,
            start: 0,
            length,
        };
        let (mut ours, mut theirs) = (vec![0; PIECE], vec![0; PIECE]);
        let mut at = 0;
        loop {
            let n = self.read(&mut ours, at)?;
            let m = other.read(&mut theirs, at)?;
            let pairs = ours[..n].iter().zip(&theirs[..m]);
            let same = pairs.take_while(|(a, b)| a == b).count();
            at += same as u64;
            if same < PIECE {
                return Ok(at);
            }
        }
    }

    /// Passes all of it on in pieces, with the offset of each.
    pub fn each(&self, mut take: impl FnMut(&[u8], u64) -> io::Result<()>) -> io::Result<()> {
        if let Content::Memory(bytes) = self {
            return if bytes.is_empty() {
                Ok(())
            } else {
                take(bytes, 0)
            };
        }
        let mut piece = vec![0; PIECE.min(usize::try_from(self.len()).unwrap_or(PIECE))];
        let mut at = 0;
        while at < self.len() {
            let n = self.read(&mut piece, at)?;
            take(&piece[..n], at)?;
            at += n as u64;
        }
        Ok(())
    }

    pub fn to_vec(self) -> io::Result<Vec<u8>> {
        let length = usize::try_from(self.len()).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(length)
            .map_err(|_| io::ErrorKind::OutOfMemory)?;
        set_length(&mut bytes, length);
        self.read(&mut bytes, 0)?;
        Ok(bytes)
    }
}
