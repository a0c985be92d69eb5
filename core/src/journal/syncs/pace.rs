//! Measures whether syncs are slow.

use std::time::Duration;

/// A disk that is not alone needs 0.1 to 0.3 ms; a sync that waits for a processor needs 4.
const SLOW: Duration = Duration::from_millis(1);
/// While syncs are slow, one in so many runs alone, to measure whether they still are.
const SOMETIMES: u32 = 64;

/// Knows how long a sync takes that runs alone. A sync beside others says little: they
/// share the work.
#[derive(Default)]
pub(super) struct Pace {
    mean: Duration,
    /// How many syncs may still end before the next is measured.
    unmeasured: u32,
}

impl Pace {
    /// Returns whether syncs are slow.
    pub fn is_slow(&self) -> bool {
        self.mean > SLOW
    }

    /// Returns whether the next sync must run alone.
    pub fn measures(&self) -> bool {
        !self.is_slow() || self.unmeasured == 0
    }

    /// Notes that a sync has ended. `alone`: no other ran beside it.
    pub fn ended(&mut self, took: Duration, alone: bool) {
        if self.measures() && alone {
            self.mean = (self.mean * 3 + took) / 4;
            self.unmeasured = SOMETIMES;
        } else {
            self.unmeasured = self.unmeasured.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(times: &[(u32, u64)]) -> Pace {
        let mut pace = Pace::default();
        for (count, millis) in times {
            for _ in 0..*count {
                pace.ended(Duration::from_millis(*millis), true);
            }
        }
        pace
    }

    #[test]
    fn one_slow_sync_is_no_slow_disk() {
        assert!(!after(&[(10, 0), (1, 3)]).is_slow());
        assert!(after(&[(10, 0), (3, 4)]).is_slow());
    }

    #[test]
    fn while_they_are_slow_few_are_measured() {
        let mut pace = after(&[(10, 4)]);
        assert!(!pace.measures());
        // Quick ones are not noticed before the next measurement.
        let mut ended = 0;
        while !pace.measures() {
            pace.ended(Duration::ZERO, true);
            ended += 1;
        }
        assert!(pace.is_slow());
        assert!(ended <= SOMETIMES);
        // It waits for one that ran alone.
        pace.ended(Duration::ZERO, false);
        assert!(pace.measures());
        pace.ended(Duration::ZERO, true);
        assert!(!pace.measures());
    }

    #[test]
    fn quick_syncs_end_it() {
        let mut pace = after(&[(3, 4)]);
        while pace.is_slow() {
            pace.ended(Duration::ZERO, true);
        }
        assert!(pace.measures());
    }
}
