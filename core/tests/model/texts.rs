//! Records, headers and values that are never the same twice.

use super::act::{PREFIX, RESERVE};
use super::step::Verb;
use super::world::World;

#[derive(Default)]
pub struct Texts {
    last: u32,
}

impl Texts {
    fn next(&mut self, key: &str, size: usize) -> String {
        self.last += 1;
        let n = self.last;
        let fill = ["x", "y", "z"][n as usize % 3].repeat(size);
        format!("{key}{n},\"t\":\"{fill}\"}}")
    }

    pub fn record(&mut self, size: usize) -> String {
        self.next("{\"n\":", size)
    }

    fn records(&mut self, count: u8, size: usize) -> Vec<String> {
        (0..count).map(|_| self.record(size)).collect()
    }

    fn header(&mut self, size: u8) -> String {
        self.next(PREFIX, usize::from(size) % (RESERVE - 24))
    }

    fn value(&mut self) -> String {
        self.next("{\"d\":", 4)
    }

    /// What a verb needs, and what the document is expected to hold.
    pub fn of(&mut self, verb: Verb, worlds: &[World]) -> (Vec<String>, Option<String>) {
        let texts = match verb {
            Verb::Append { size } => self.records(1, size.into()),
            Verb::AppendAll { count, size } => self.records(count, size.into()),
            Verb::AppendAt { count, .. } | Verb::Replace { count } => self.records(count, 5),
            Verb::SetHeader { size } => vec![self.header(size)],
            Verb::AppendWithHeader { count, size } => {
                let mut texts = vec![self.header(size)];
                texts.extend(self.records(count, 5));
                texts
            }
            Verb::Save { .. } | Verb::Create { .. } | Verb::Update { .. } => vec![self.value()],
            Verb::SaveIf { doc, stale } => {
                let value = self.value();
                let held = worlds[0].docs.get(&doc).cloned();
                let old = match stale {
                    true => Some(self.value()),
                    false => held,
                };
                let texts = [value].into_iter().chain(old.clone()).collect();
                return (texts, old);
            }
            Verb::Transact(members) => {
                let mut texts = self.records(members.append, 5);
                texts.extend(members.save.then(|| self.value()));
                texts.extend(members.create.then(|| self.value()));
                texts
            }
            Verb::Reconcile => vec![self.record(5), self.value()],
            _ => Vec::new(),
        };
        (texts, None)
    }
}
