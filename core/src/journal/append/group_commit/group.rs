//! One write for many calls.

use crate::error::Result;
use crate::journal::append::writer::{Work, Writer, Written};
use crate::journal::shared::Shared;
use crate::oslock::LockFile;

/// Neighbours that bring one record each, without an expected end or a header, go
/// into the file with one write, and get one answer: if it fails, none of them is
/// there. (To try each by itself would put some there twice, where the write could
/// not be taken back.)
pub(crate) fn commit_group(
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
            .take_while(|work| work.records == 1 && work.at.is_none() && work.header.is_none())
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
            // Not all or nothing: the first of them are whole records.
            records: 1,
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
            Err(error) => results.extend(run.iter().map(|_| Err(error.clone()))),
        }
        if lines.capacity() <= 1 << 20 {
            writer.buffer = lines;
        }
    }
    results
}
