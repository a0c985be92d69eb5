//! Gives tasks their numbers.

/// Keeps values by small numbers, which are used again.
pub(super) struct Slots<T> {
    values: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Slots<T> {
    pub const fn new() -> Slots<T> {
        Slots {
            values: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Keeps the value that `make` returns for its number.
    pub fn insert(&mut self, make: impl FnOnce(u32) -> T) {
        let id = self.free.pop().unwrap_or_else(|| {
            self.values.push(None);
            u32::try_from(self.values.len() - 1).unwrap_or(u32::MAX)
        });
        self.values[id as usize] = Some(make(id));
    }

    pub fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        self.values.get_mut(id as usize)?.as_mut()
    }

    /// Frees the number.
    pub fn remove(&mut self, id: u32) -> Option<T> {
        let value = self.values.get_mut(id as usize)?.take()?;
        self.free.push(id);
        Some(value)
    }

    pub fn take_all(&mut self) -> Vec<T> {
        self.free.clear();
        std::mem::take(&mut self.values)
            .into_iter()
            .flatten()
            .collect()
    }
}
