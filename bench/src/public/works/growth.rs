//! One work at one size after the other.

use super::super::field::{Case, Finding, Player, compare};
use crate::options::Options;
use crate::svg::grouped;
use anyhow::Result;

pub struct Growth {
    pub work: &'static str,
    pub field: &'static [(&'static str, bool)],
    pub sizes: &'static [u32],
    /// The sizes of a quick run.
    pub few: &'static [u32],
    pub rounds: usize,
}

impl Growth {
    /// Every program at every size. `slice` gives the microseconds of one call.
    pub fn run(
        &self,
        options: &Options,
        mut prepare: impl FnMut(&mut Player, u32) -> Result<()>,
        mut slice: impl FnMut(&mut Player, u32) -> Result<f64>,
    ) -> Result<Vec<Finding>> {
        let sizes = if options.quick { self.few } else { self.sizes };
        let mut findings = Vec::new();
        for &size in sizes {
            let case = Case {
                work: self.work,
                name: grouped(size),
                unit: "µs",
                options,
                rounds: options.at_most(self.rounds),
            };
            findings.extend(compare(
                &case,
                self.field,
                |player| prepare(player, size),
                |player| slice(player, size),
            )?);
        }
        Ok(findings)
    }
}
