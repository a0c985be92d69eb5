//! The objects and arrays that are open.

pub(super) trait Nesting: Default {
    /// Opens an object or an array; `None` if it has no room for one more.
    fn push(&mut self, is_object: bool) -> Option<()>;

    /// Closes the innermost.
    fn pop(&mut self);

    /// Returns whether the innermost is an object; `None` if nothing is open.
    fn innermost(&self) -> Option<bool>;
}

/// Has room for 63, in one register: a bit each, after a one for the end.
pub(super) struct Shallow(u64);

impl Default for Shallow {
    #[inline(always)]
    fn default() -> Shallow {
        Shallow(1)
    }
}

impl Nesting for Shallow {
    #[inline(always)]
    fn push(&mut self, is_object: bool) -> Option<()> {
        let has_room = self.0.leading_zeros() > 0;
        self.0 = self.0 << 1 | u64::from(is_object);
        has_room.then_some(())
    }

    #[inline(always)]
    fn pop(&mut self) {
        self.0 >>= 1;
    }

    #[inline(always)]
    fn innermost(&self) -> Option<bool> {
        (self.0 > 1).then_some(self.0 & 1 == 1)
    }
}

/// Has room for all that a line can open.
#[derive(Default)]
pub(super) struct Deep(Vec<bool>);

impl Nesting for Deep {
    fn push(&mut self, is_object: bool) -> Option<()> {
        self.0.push(is_object);
        Some(())
    }

    fn pop(&mut self) {
        self.0.pop();
    }

    fn innermost(&self) -> Option<bool> {
        self.0.last().copied()
    }
}
