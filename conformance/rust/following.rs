//! The steps that follow a journal, or keep a state from it.

use std::time::Duration;

use serde_json::{Value, json};
use untorn::{CallOptions, Error, Fold, Follow, FollowItem};

use super::arguments::timeout;
use super::data::bytes;
use super::outcome::Outcome;
use super::steps::{Handle, Stage};

type Result<T> = std::result::Result<T, Error>;

/// All records.
pub type State = Vec<Vec<u8>>;

/// Longer than anything takes: a record that does not come is a failure.
const PATIENCE: Duration = Duration::from_secs(30);

impl Stage {
    pub fn following_step(&mut self, step: &Value) -> Result<Outcome> {
        match step["op"].as_str().expect("op") {
            "follow" => {
                let start = step.get("start").map(|start| self.position(start));
                let follow = self.named_journal(step).follow(start)?;
                self.add(step, Handle::Follow(Box::new(follow)));
                Ok(Outcome::default())
            }
            "next" => {
                let follow = self.follow(step);
                let limit = timeout(step).unwrap_or(PATIENCE);
                match follow.next(&CallOptions::new().timeout(Some(limit)))? {
                    None => Ok(Outcome::of("nothing", true)),
                    Some(FollowItem::Record(record)) => {
                        assert_eq!(record.bytes, bytes(&step["record"]), "{step}");
                        Ok(Outcome::default())
                    }
                    Some(FollowItem::Rewound { from, to }) => {
                        Ok(Outcome::of("rewound", json!([from.offset, to.offset])))
                    }
                    Some(other) => panic!("{other:?}"),
                }
                .inspect(|outcome| {
                    for key in ["nothing", "rewound"] {
                        let (told, wanted) = (outcome.more.get(key), step.get(key));
                        assert_eq!(told.is_some(), wanted.is_some(), "{step}: {told:?}");
                    }
                })
            }
            "fold" => {
                let fold = self.named_journal(step).fold(State::new, take_in)?;
                self.add(step, Handle::Fold(Box::new(fold)));
                Ok(Outcome::default())
            }
            "fold_refresh" => {
                let fold = self.fold(step);
                fold.refresh(&CallOptions::new())?;
                shown(fold, step)
            }
            "fold_append" => {
                let fold = self.fold(step);
                fold.append(&bytes(&step["record"]))?;
                shown(fold, step)
            }
            op => panic!("no such op: {op}"),
        }
    }

    fn named_journal(&self, step: &Value) -> &untorn::Journal {
        match &self.handles[step["journal"].as_str().expect("journal")] {
            Handle::Journal(journal) => journal,
            _ => panic!("not a journal: {step}"),
        }
    }

    fn follow(&mut self, step: &Value) -> &mut Follow {
        match self.handle_mut(step) {
            Handle::Follow(follow) => follow,
            _ => panic!("follows nothing: {step}"),
        }
    }

    fn fold(&self, step: &Value) -> &Fold<State> {
        match self.handle(step) {
            Handle::Fold(fold) => fold,
            _ => panic!("not a fold: {step}"),
        }
    }
}

fn take_in(
    state: &mut State,
    record: &untorn::Record<'_>,
) -> std::result::Result<(), std::convert::Infallible> {
    state.push(record.bytes.to_vec());
    Ok(())
}

/// Compares the state.
fn shown(fold: &Fold<State>, step: &Value) -> Result<Outcome> {
    let expected = step["state"].as_array().expect("state");
    let expected: State = expected.iter().map(bytes).collect();
    fold.read(|state| assert_eq!(*state, expected, "{step}"))?;
    Ok(Outcome::default())
}
