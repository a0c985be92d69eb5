//! One write for many calls.

use super::shared::Shared;
use super::writer::{Work, Writer, Written};
use crate::error::Result;
use crate::lock::LockFile;

/// Neighbours without an expected end or a header go into the file with one write. If that
/// fails, each is tried by itself, so that each gets its own answer.
pub(super) fn commit_group(
    shared: &Shared,
    writer: &mut Writer,
    lock: LockFile<'_>,
    works: &[Work<'_>],
) -> Vec<Result<Written>> {
    let mut results = Vec::with_capacity(works.len());
    let mut rest = works;
    while let Some(first) = rest.first() {
        let run = rest
            .iter()
            .take_while(|work| work.at.is_none() && work.header.is_none())
            .count();
        if run < 2 {
            results.push(writer.commit(shared, lock, first));
            rest = &rest[1..];
            continue;
        }
        let (run, after) = rest.split_at(run);
        rest = after;
        let mut lines = std::mem::take(&mut writer.buffer);
        lines.clear();
        run.iter()
            .for_each(|work| lines.extend_from_slice(work.lines));
        let together = Work {
            lines: &lines,
            // All or nothing matters only where one call brought many; the
            // prefix of a run of single records is whole records.
            records: run.iter().map(|work| work.records).max().unwrap_or(0),
            header: None,
            at: None,
        };
        match writer.commit(shared, lock, &together) {
            Ok(written) => {
                let mut end = written.end - lines.len() as u64;
                results.extend(run.iter().map(|work| {
                    end += work.lines.len() as u64;
                    Ok(Written {
                        epoch: written.epoch.clone(),
                        generation: written.generation,
                        end,
                    })
                }));
            }
            Err(_) => results.extend(run.iter().map(|work| writer.commit(shared, lock, work))),
        }
        if lines.capacity() <= 1 << 20 {
            writer.buffer = lines;
        }
    }
    results
}
