//! Single steps, at random.

use proptest::collection::vec;
use proptest::prelude::*;

use super::step::{At, Cut, Foreign, KINDS, Members, Step, Then, Trouble, Verb};

pub type Steps = BoxedStrategy<Vec<Step>>;

fn size() -> impl Strategy<Value = u16> {
    prop_oneof![4 => 0_u16..40, 1 => Just(600), 1 => Just(5000)]
}

pub fn appends() -> BoxedStrategy<Verb> {
    prop_oneof![
        3 => size().prop_map(|size| Verb::Append { size }),
        3 => (2_u8..5, size()).prop_map(|(count, size)| Verb::AppendAll { count, size }),
        1 => (slot(), 1_u8..3).prop_map(|(slot, count)| Verb::AppendAt { slot, count }),
    ]
    .boxed()
}

/// Those that no position is given to.
pub fn plain_appends() -> BoxedStrategy<Verb> {
    prop_oneof![
        size().prop_map(|size| Verb::Append { size }),
        (2_u8..5, size()).prop_map(|(count, size)| Verb::AppendAll { count, size }),
    ]
    .boxed()
}

/// From the start each time.
pub fn plain_reads() -> BoxedStrategy<Verb> {
    prop_oneof![Just(Verb::Read), Just(Verb::Follow), Just(Verb::Fold)].boxed()
}

/// 200 is where the last append ended.
fn slot() -> impl Strategy<Value = u8> {
    prop_oneof![0_u8..2, Just(200)]
}

pub fn headers() -> BoxedStrategy<Verb> {
    prop_oneof![
        2 => any::<u8>().prop_map(|size| Verb::SetHeader { size }),
        1 => (0_u8..4, any::<u8>())
            .prop_map(|(count, size)| Verb::AppendWithHeader { count, size }),
    ]
    .boxed()
}

pub fn rewrites() -> BoxedStrategy<Verb> {
    prop_oneof![
        2 => slot().prop_map(|slot| Verb::Rewind { slot }),
        1 => Just(Verb::Rotate),
        1 => (0_u8..3).prop_map(|count| Verb::Replace { count }),
        1 => Just(Verb::Compact),
    ]
    .boxed()
}

/// Rewrites that keep nothing.
pub fn replacing() -> BoxedStrategy<Verb> {
    prop_oneof![
        (0_u8..3).prop_map(|count| Verb::Replace { count }),
        Just(Verb::Compact)
    ]
    .boxed()
}

pub fn reads() -> BoxedStrategy<Verb> {
    prop_oneof![
        1 => Just(Verb::Read),
        2 => (0_u8..2).prop_map(|slot| Verb::KeepEnd { slot }),
        1 => slot().prop_map(|slot| Verb::ReadFrom { slot }),
        2 => Just(Verb::OpenReader),
        4 => prop_oneof![1_u8..4, Just(u8::MAX)].prop_map(|count| Verb::ReadOn { count }),
        2 => Just(Verb::Follow),
        2 => Just(Verb::Fold),
    ]
    .boxed()
}

pub fn documents() -> BoxedStrategy<Verb> {
    let doc = 0_u8..3;
    prop_oneof![
        3 => doc.clone().prop_map(|doc| Verb::Save { doc }),
        1 => (doc.clone(), any::<bool>()).prop_map(|(doc, stale)| Verb::SaveIf { doc, stale }),
        1 => doc.clone().prop_map(|doc| Verb::Create { doc }),
        1 => doc.clone().prop_map(|doc| Verb::Update { doc }),
        1 => doc.clone().prop_map(|doc| Verb::Remove { doc }),
        1 => doc.clone().prop_map(|doc| Verb::Touch { doc }),
        1 => doc.prop_map(|doc| Verb::Load { doc }),
    ]
    .boxed()
}

pub fn transactions() -> BoxedStrategy<Verb> {
    let members = (
        0_u8..3,
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        0_u8..8,
    );
    prop_oneof![
        5 => members.prop_map(|(append, save, create, remove, dropped)| {
            Verb::Transact(Members { append, save, create, remove, dropped: dropped == 7 })
        }),
        1 => Just(Verb::Snapshot),
    ]
    .boxed()
}

pub fn upkeep() -> BoxedStrategy<Verb> {
    prop_oneof![Just(Verb::Sync), Just(Verb::Repair)].boxed()
}

pub fn sessions() -> BoxedStrategy<Verb> {
    prop_oneof![3 => Just(Verb::Claim), 1 => Just(Verb::Release), 3 => Just(Verb::Reconcile)]
        .boxed()
}

/// The first calls of a verb, mostly.
pub fn at() -> impl Strategy<Value = At> {
    let kind = 0..u8::try_from(KINDS.len()).expect("few");
    prop_oneof![
        1 => 0_u8..12,
        1 => 0_u8..30,
        1 => 0_u8..90,
    ]
    .prop_map(At::Call)
    .boxed()
    .prop_union(
        (kind, 0_u8..4)
            .prop_map(|(kind, nth)| At::Kind { kind, nth })
            .boxed(),
    )
}

pub fn mishaps() -> BoxedStrategy<Trouble> {
    let bytes = prop_oneof![1_u16..100, 100_u16..3000];
    let then = prop_oneof![
        1 => Just(Then::GoOn),
        2 => any::<u8>().prop_map(|error| Then::Fail { error }),
        3 => Just(Then::Die),
    ];
    prop_oneof![
        2 => (at(), any::<u8>()).prop_map(|(at, error)| Trouble::Fail { at, error }),
        3 => (0_u8..3, bytes, then)
            .prop_map(|(write, bytes, then)| Trouble::Short { write, bytes, then }),
        2 => at().prop_map(|at| Trouble::Die { at }),
    ]
    .boxed()
}

/// Nothing goes wrong, mostly.
pub fn trouble() -> BoxedStrategy<Trouble> {
    prop_oneof![3 => Just(Trouble::No), 1 => mishaps()].boxed()
}

pub fn act(verb: BoxedStrategy<Verb>, trouble: BoxedStrategy<Trouble>) -> BoxedStrategy<Step> {
    (0_u8..2, verb, trouble)
        .prop_map(|(who, verb, trouble)| Step::Do { who, verb, trouble })
        .boxed()
}

pub fn ends() -> BoxedStrategy<Step> {
    prop_oneof![
        (0_u8..2).prop_map(Step::Kill),
        (0_u8..2).prop_map(Step::Reopen)
    ]
    .boxed()
}

pub fn foreign() -> BoxedStrategy<Step> {
    prop_oneof![
        3 => any::<bool>().prop_map(|locked| Foreign::Append { locked }),
        1 => Just(Foreign::AppendPart),
        2 => Just(Foreign::Truncate),
        1 => Just(Foreign::Replace),
        1 => Just(Foreign::Delete),
        1 => Just(Foreign::Link),
    ]
    .prop_map(Step::Foreign)
    .boxed()
}

pub fn foreign_appends() -> BoxedStrategy<Step> {
    prop_oneof![
        3 => any::<bool>().prop_map(|locked| Foreign::Append { locked }),
        1 => Just(Foreign::AppendPart),
        1 => Just(Foreign::Truncate),
    ]
    .prop_map(Step::Foreign)
    .boxed()
}

pub fn cut() -> impl Strategy<Value = Cut> {
    let choice = || prop_oneof![Just(0_u8), Just(1), 0_u8..9];
    (
        choice(),
        [choice(), choice(), choice(), choice(), choice(), choice()],
        any::<bool>(),
    )
        .prop_map(|(names, contents, remount)| Cut {
            names,
            contents,
            remount,
        })
}

/// In the middle of a call others do something.
pub fn paused(verb: BoxedStrategy<Verb>, meanwhile: BoxedStrategy<Step>) -> BoxedStrategy<Step> {
    let steps = vec(meanwhile, 1..4);
    (0_u8..2, verb, at(), steps)
        .prop_map(|(who, verb, at, meanwhile)| Step::Do {
            who,
            verb,
            trouble: Trouble::Pause { at, meanwhile },
        })
        .boxed()
}

pub fn any_of(verbs: Vec<(u32, BoxedStrategy<Verb>)>) -> BoxedStrategy<Verb> {
    prop::strategy::Union::new_weighted(verbs).boxed()
}

pub fn mix(steps: Vec<(u32, BoxedStrategy<Step>)>, count: std::ops::Range<usize>) -> Steps {
    vec(prop::strategy::Union::new_weighted(steps), count).boxed()
}
