//! The ways in which a process reads.

use std::time::Duration;

use untorn::{CallOptions, Error, FollowItem, Position, Records};

use super::act::{DOCS, Hands, JOURNAL, State};
use super::message::Seen;

impl Hands {
    pub fn read_all(&mut self, seen: &mut Seen) -> Result<(), Error> {
        let journal = self.journal()?;
        let mut records = journal.records()?;
        read_on(&mut records, u8::MAX, seen)?;
        let header = journal.header()?;
        seen.header = Some(header.map(|header| String::from_utf8_lossy(&header).into_owned()));
        Ok(())
    }

    /// The other ways to read say the same.
    pub fn compare(&mut self, seen: &mut Seen) -> Result<(), Error> {
        let journal = self.journal()?;
        let tail: Vec<_> = journal
            .tail(1_000)?
            .iter()
            .map(|record| text(&record.bytes))
            .collect();
        let (end, report) = (journal.end()?, journal.verify()?);
        let lines = seen.lines.clone().unwrap_or_default();
        let last = seen.ends.last().copied();
        let same = tail == lines
            && report.end == end
            && report.records <= lines.len() as u64
            && last.is_none_or(|last| last == end);
        if !same {
            seen.word = Some(format!(
                "{lines:?} and {last:?}, tail {tail:?}, end {end}, {report:?}"
            ));
        }
        Ok(())
    }

    pub fn follow(&mut self, seen: &mut Seen) -> Result<(), Error> {
        if self.follow.is_none() {
            let start = Position {
                generation: 0,
                offset: 0,
            };
            self.follow = Some(self.journal()?.follow(Some(start))?);
        }
        let follow = self.follow.as_mut().expect("just opened");
        let mut lines = Vec::new();
        let at_once = CallOptions::new().timeout(Some(Duration::ZERO));
        loop {
            match follow.next(&at_once)? {
                Some(FollowItem::Record(record)) => {
                    seen.ends.push(record.end);
                    lines.push(text(&record.bytes));
                }
                Some(FollowItem::Rewound { to, .. }) => seen.rewound.push((lines.len(), to)),
                Some(_) => {}
                None => break,
            }
        }
        seen.damage.extend(follow.take_damage().iter().map(damage));
        seen.lines = Some(lines);
        Ok(())
    }

    pub fn fold(&mut self, seen: &mut Seen) -> Result<(), Error> {
        if self.fold.is_none() {
            let fold = self
                .journal()?
                .fold(State::new, |state: &mut State, record| {
                    state.push(text(record.bytes));
                    Ok::<(), Error>(())
                })?;
            self.fold = Some(fold);
        }
        let fold = self.fold.as_ref().expect("just made");
        fold.refresh(&CallOptions::new())?;
        seen.lines = Some(fold.read(Clone::clone)?);
        seen.finished = true;
        Ok(())
    }

    pub fn snapshot(&mut self, seen: &mut Seen) -> Result<(), Error> {
        let once = CallOptions::new().timeout(Some(Duration::ZERO));
        let snapshot = untorn::snapshot_with(&self.dir, &once)?;
        for (doc, name) in (0..).zip(DOCS) {
            let value = snapshot.load(name)?;
            seen.docs.push((doc, value.map(|(bytes, _)| text(&bytes))));
        }
        if snapshot.names().any(|name| name == JOURNAL) {
            let mut records = snapshot.records_as(JOURNAL, &self.options())?;
            read_on(&mut records, u8::MAX, seen)?;
        }
        Ok(())
    }
}

pub fn read_on(records: &mut Records, count: u8, seen: &mut Seen) -> Result<(), Error> {
    let mut lines = Vec::new();
    // 255 is to the end.
    while count == u8::MAX || lines.len() < usize::from(count) {
        match records.next_record()? {
            Some(record) => {
                seen.ends.push(record.end);
                lines.push(text(record.bytes));
            }
            None => {
                seen.finished = true;
                break;
            }
        }
    }
    seen.damage.extend(records.take_damage().iter().map(damage));
    seen.lines = Some(lines);
    Ok(())
}

fn damage(damage: &untorn::Damage) -> String {
    format!("{:?} at {}+{}", damage.kind, damage.offset, damage.length)
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
