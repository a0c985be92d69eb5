//! Stories that chance alone would seldom tell: the order of the steps is given,
//! the steps are not.

use proptest::collection::vec;
use proptest::prelude::*;

use super::generate::*;
use super::step::{At, Foreign, KINDS, Members, Step, Then, Trouble, Verb};

/// It surely dies, at a call that others see.
pub fn deaths() -> BoxedStrategy<Trouble> {
    let kind = 0..u8::try_from(KINDS.len()).expect("few");
    let bytes = prop_oneof![2 => 10_u16..60, 1 => 1_u16..200];
    prop_oneof![
        1 => (kind, 0_u8..10).prop_map(|(kind, nth)| Trouble::Die { at: At::Kind { kind, nth } }),
        1 => (0_u8..3, bytes).prop_map(|(write, bytes)| Trouble::Short {
            write,
            bytes,
            then: Then::Die,
        }),
    ]
    .boxed()
}

/// Again and again one dies in the middle of a change of more than one record,
/// then perhaps this happens, and others go on.
pub fn cut_off(others: BoxedStrategy<Verb>, then: BoxedStrategy<Step>) -> Steps {
    let ok = || Just(Trouble::No).boxed();
    let many = (2_u8..5, 0_u16..30).prop_map(|(count, size)| Verb::AppendAll { count, size });
    let change = any_of(vec![
        (3, many.boxed()),
        (2, headers()),
        (3, transactions()),
        (1, rewrites()),
        (1, documents()),
    ]);
    let round = (
        vec(act(others.clone(), ok()), 0..3),
        act(change, deaths()),
        vec(then, 0..2),
        vec(act(others, ok()), 0..3),
    )
        .prop_map(|(mut steps, dying, then, more)| {
            steps.push(dying);
            steps.extend(then);
            steps.extend(more);
            steps
        });
    vec(round, 1..4).prop_map(|rounds| rounds.concat()).boxed()
}

/// Again and again one dies in a transaction, and the next to come finds the same
/// files on another device.
pub fn commits() -> Steps {
    let ok = || Just(Trouble::No).boxed();
    let others = || any_of(vec![(1, appends()), (1, documents()), (1, transactions())]);
    let members = (0_u8..3, any::<bool>(), any::<bool>(), any::<bool>());
    let change = members.prop_map(|(append, save, create, remove)| {
        Verb::Transact(Members {
            append,
            save,
            create,
            remove,
            dropped: false,
        })
    });
    // Before one of its writes, cuts, renames or unlinks.
    let death = (0_u8..4, 0_u8..8).prop_map(|(kind, nth)| Trouble::Die {
        at: At::Kind { kind, nth },
    });
    let round = (
        vec(act(others(), ok()), 0..3),
        act(change.boxed(), death.boxed()),
        vec(act(others(), ok()), 0..3),
    )
        .prop_map(|(mut steps, dying, more)| {
            steps.push(dying);
            steps.push(Step::Remount);
            steps.extend(more);
            steps
        });
    // There is a journal to append to, as a rule.
    let first = act(appends(), ok());
    (first, vec(round, 1..4))
        .prop_map(|(first, rounds)| [vec![first], rounds.concat()].concat())
        .boxed()
}

/// An append of many is cut off, or a foreign program cuts the file. Before that a
/// reader began to read, and it goes on after others have appended.
pub fn undone() -> Steps {
    let ok = || Just(Trouble::No).boxed();
    let cut_off = prop_oneof![
        Just(Then::Die),
        any::<u8>().prop_map(|error| Then::Fail { error }),
    ];
    let many = (2_u8..5, 0_u16..40).prop_map(|(count, size)| Verb::AppendAll { count, size });
    let short = (1_u16..150, cut_off).prop_map(|(bytes, then)| Trouble::Short {
        write: 1,
        bytes,
        then,
    });
    let by_1 = |verb| Step::Do {
        who: 1,
        verb,
        trouble: Trouble::No,
    };
    let by_0 = |(verb, trouble)| Step::Do {
        who: 0,
        verb,
        trouble,
    };
    let part = prop_oneof![
        (many.clone(), short).prop_map(move |step| (by_0(step), None)),
        many.prop_map(move |verb| {
            let cut = Step::Foreign(Foreign::Truncate);
            (by_0((verb, Trouble::No)), Some(cut))
        }),
    ];
    let before = vec(act(appends(), ok()), 0..2);
    (before, part, 1_u8..6, vec(act(appends(), ok()), 1..3))
        .prop_map(move |(mut steps, (many, cut), count, more)| {
            steps.extend([many, by_1(Verb::OpenReader), by_1(Verb::ReadOn { count })]);
            steps.extend(cut);
            steps.extend(more);
            steps.push(by_1(Verb::ReadOn { count: u8::MAX }));
            steps
        })
        .boxed()
}

/// A transaction is paused, and the lock file of one of its members loses its name.
/// Another process, which is new there, finds the transaction by that member. It is
/// paused in turn, while the first goes on.
pub fn settling() -> Steps {
    let before = vec(
        act(
            any_of(vec![(1, documents()), (1, appends())]),
            Just(Trouble::No).boxed(),
        ),
        0..3,
    );
    // Before one of its renames or writes: the first rename is the commit.
    let call = (prop_oneof![Just(2_u8), Just(0)], 0_u8..8);
    let owner = (1_u8..3, any::<bool>(), any::<bool>(), call);
    // Before one of its locks.
    let finder = (0_u8..3, 0_u8..6, 0_u8..3);
    (before, owner, finder)
        .prop_map(
            |(before, (append, create, remove, (kind, nth)), (doc, lock, of))| {
                let members = Members {
                    append,
                    save: true,
                    create,
                    remove,
                    dropped: false,
                };
                let doing = |who, verb, trouble| Step::Do { who, verb, trouble };
                let goes_on = Trouble::Pause {
                    at: At::Kind { kind: 5, nth: lock },
                    meanwhile: vec![Step::Resume(0)],
                };
                let (finder, of) = match of {
                    0 => (Verb::Append { size: 1 }, 0),
                    _ => (Verb::Touch { doc }, doc + 1),
                };
                let meanwhile = vec![
                    Step::Foreign(Foreign::UnlinkLock { of }),
                    doing(1, finder, goes_on),
                ];
                let mut steps = before;
                steps.push(Step::Kill(1));
                let at = At::Kind { kind, nth };
                steps.push(doing(
                    0,
                    Verb::Transact(members),
                    Trouble::Pause { at, meanwhile },
                ));
                steps
            },
        )
        .boxed()
}
