//! Reads lines backwards from the end of a file, in constant memory. A line as long as
//! the file costs no more than others, and a hole costs almost nothing.

use std::io;

use crate::sys::{File, set_length};

/// The size of the first read in bytes, which usually holds the last records.
const FIRST: u64 = 16 * 1024;
/// The size of the largest later read.
const MOST: u64 = 256 * 1024;

/// Reads bytes at any place.
pub(crate) trait Bytes {
    fn read_full_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;
    /// Does the same as [`File::next_data`].
    fn next_data(&self, at: u64) -> io::Result<u64>;
}

impl Bytes for File {
    fn read_full_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        File::read_full_at(self, buffer, at)
    }

    fn next_data(&self, at: u64) -> io::Result<u64> {
        File::next_data(self, at)
    }
}

#[cfg(test)]
impl Bytes for &[u8] {
    fn read_full_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let rest = self.get(at as usize..).unwrap_or_default();
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }

    fn next_data(&self, at: u64) -> io::Result<u64> {
        Ok(at)
    }
}

/// Looks for newlines backwards, one piece of the file at a time.
pub(crate) struct Backward<'a, B> {
    bytes: &'a B,
    piece: Vec<u8>,
    /// The piece's start in the file.
    start: u64,
}

impl<'a, B: Bytes> Backward<'a, B> {
    pub fn new(bytes: &'a B) -> Backward<'a, B> {
        Backward {
            bytes,
            piece: Vec::new(),
            start: 0,
        }
    }

    /// Returns the place of the last newline before `stop`.
    pub fn newline_before(&mut self, stop: u64) -> io::Result<Option<u64>> {
        self.last(stop, |piece| memchr::memrchr(b'\n', piece))
    }

    /// Returns the place of the last byte before `stop` that is not a NUL.
    pub fn text_before(&mut self, stop: u64) -> io::Result<Option<u64>> {
        self.last(stop, |piece| piece.iter().rposition(|byte| *byte != 0))
    }

    fn last(
        &mut self,
        mut stop: u64,
        find: impl Fn(&[u8]) -> Option<usize>,
    ) -> io::Result<Option<u64>> {
        while stop > 0 {
            let own = self.start..=self.start + self.piece.len() as u64;
            if self.piece.is_empty() || !own.contains(&stop) || stop == self.start {
                self.load(stop)?;
            }
            // At most the length of the piece, so the cast is exact.
            let within = (stop - self.start) as usize;
            if let Some(at) = find(&self.piece[..within]) {
                return Ok(Some(self.start + at as u64));
            }
            stop = match self.piece[..within].iter().all(|byte| *byte == 0) {
                true => hole_start(self.bytes, self.start)?,
                false => self.start,
            };
        }
        Ok(None)
    }

    /// Returns the bytes of this stretch: lent by the piece, or read into `scratch`.
    pub fn lend<'s>(
        &'s self,
        start: u64,
        stop: u64,
        scratch: &'s mut Vec<u8>,
    ) -> io::Result<&'s [u8]> {
        if let Some(within) = self.within(start, stop) {
            return Ok(within);
        }
        let length = usize::try_from(stop - start).map_err(|_| io::ErrorKind::OutOfMemory)?;
        scratch.clear();
        scratch
            .try_reserve_exact(length)
            .map_err(|_| io::ErrorKind::OutOfMemory)?;
        set_length(scratch, length);
        if self.bytes.read_full_at(scratch, start)? < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(scratch)
    }

    fn within(&self, start: u64, stop: u64) -> Option<&[u8]> {
        let from = usize::try_from(start.checked_sub(self.start)?).ok()?;
        let to = usize::try_from(stop - self.start).ok()?;
        self.piece.get(from..to)
    }

    /// Passes this stretch to `take` in pieces, forward.
    pub fn each(&self, start: u64, stop: u64, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        if let Some(within) = self.within(start, stop) {
            take(within);
            return Ok(());
        }
        let mut piece = vec![0; usize::try_from((stop - start).min(MOST)).unwrap_or_default()];
        let mut at = start;
        while at < stop {
            let want = usize::try_from(stop - at).map_or(piece.len(), |n| n.min(piece.len()));
            let n = self.bytes.read_full_at(&mut piece[..want], at)?;
            take(&piece[..n]);
            if n < want {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            at += n as u64;
        }
        Ok(())
    }

    /// Reads the piece that ends at `stop`.
    fn load(&mut self, stop: u64) -> io::Result<()> {
        let length = match self.piece.len() as u64 {
            0 => FIRST,
            last => (last * 2).clamp(FIRST, MOST),
        };
        let length = length.min(stop);
        self.start = stop - length;
        set_length(&mut self.piece, length as usize);
        let n = self.bytes.read_full_at(&mut self.piece, self.start)?;
        if n < self.piece.len() {
            self.piece.clear();
            // The file was cut meanwhile.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

/// Returns where the hole that reaches up to `stop` begins, or `stop` if no hole does.
/// The system looks forward only. So this steps back in doubling steps, and then
/// bisects.
fn hole_start(bytes: &impl Bytes, stop: u64) -> io::Result<u64> {
    let is_hole = |from: u64| Ok::<bool, io::Error>(bytes.next_data(from)? >= stop);
    let mut step = MOST;
    let (mut hole, mut data) = (stop, None);
    while data.is_none() && hole > 0 {
        let from = stop.saturating_sub(step);
        if is_hole(from)? {
            hole = from;
            step = step.saturating_mul(2);
        } else {
            data = Some(from);
        }
    }
    let Some(mut data) = data else {
        return Ok(hole);
    };
    // Files have holes of whole blocks. Smaller holes than this are read.
    while hole - data > 4096 {
        let middle = data + (hole - data) / 2;
        if is_hole(middle)? {
            hole = middle;
        } else {
            data = middle;
        }
    }
    Ok(hole)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io;

    use super::{Backward, Bytes};

    /// Is a file with these texts at these places, and holes between them.
    struct Sparse {
        size: u64,
        texts: Vec<(u64, &'static [u8])>,
        read: Cell<u64>,
    }

    impl Bytes for Sparse {
        fn read_full_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
            let n = (self.size.saturating_sub(at)).min(buffer.len() as u64) as usize;
            buffer[..n].fill(0);
            for (place, text) in &self.texts {
                for (i, byte) in text.iter().enumerate() {
                    if let Some(i) = (place + i as u64).checked_sub(at)
                        && i < n as u64
                    {
                        buffer[i as usize] = *byte;
                    }
                }
            }
            self.read.set(self.read.get() + n as u64);
            Ok(n)
        }

        fn next_data(&self, at: u64) -> io::Result<u64> {
            let blocks = self.texts.iter().map(|(place, text)| {
                let (first, last) = (place / 4096, (place + text.len() as u64 - 1) / 4096);
                (first * 4096, (last + 1) * 4096)
            });
            let next = blocks
                .filter(|(_, stop)| *stop > at)
                .map(|(start, _)| start.max(at))
                .min();
            Ok(next.unwrap_or(self.size.max(at)))
        }
    }

    #[test]
    fn over_holes_of_every_size() {
        for gap in [1_u64, 100, 4096, 70_000, 1 << 20, 10 << 30] {
            let second = 10 + gap;
            let file = Sparse {
                size: second + 4 + gap,
                texts: vec![(0, b"one\n"), (second, b"two\n")],
                read: Cell::new(0),
            };
            let mut backward = Backward::new(&file);
            assert_eq!(
                backward.newline_before(file.size).unwrap(),
                Some(second + 3)
            );
            assert_eq!(backward.text_before(second).unwrap(), Some(3));
            assert_eq!(backward.newline_before(second + 3).unwrap(), Some(3));
            assert_eq!(backward.newline_before(3).unwrap(), None);
            let mut scratch = Vec::new();
            let two = backward.lend(second, second + 3, &mut scratch).unwrap();
            assert_eq!(two, b"two");
            assert!(file.read.get() < 8 << 20, "{gap}: {}", file.read.get());
        }
    }
}
