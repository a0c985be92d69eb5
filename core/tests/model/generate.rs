//! Cases, at random, each family with what it is about.

use proptest::collection::vec;
use proptest::prelude::*;

use super::off::{Known, is_off};
use super::step::{At, Case, Cut, Foreign, KINDS, Members, Setting, Step, Then, Trouble, Verb};

const PLAIN: Setting = Setting {
    power: false,
    sealed: false,
    session: false,
    cuts: false,
};

type Steps = BoxedStrategy<Vec<Step>>;

fn size() -> impl Strategy<Value = u16> {
    prop_oneof![4 => 0_u16..40, 1 => Just(600), 1 => Just(5000)]
}

fn appends() -> BoxedStrategy<Verb> {
    prop_oneof![
        3 => size().prop_map(|size| Verb::Append { size }),
        3 => (2_u8..5, size()).prop_map(|(count, size)| Verb::AppendAll { count, size }),
        1 => (slot(), 1_u8..3).prop_map(|(slot, count)| Verb::AppendAt { slot, count }),
    ]
    .boxed()
}

/// 200 is where the last append ended.
fn slot() -> impl Strategy<Value = u8> {
    prop_oneof![0_u8..2, Just(200)]
}

fn headers() -> BoxedStrategy<Verb> {
    prop_oneof![
        2 => any::<u8>().prop_map(|size| Verb::SetHeader { size }),
        1 => (0_u8..4, any::<u8>())
            .prop_map(|(count, size)| Verb::AppendWithHeader { count, size }),
    ]
    .boxed()
}

fn rewrites() -> BoxedStrategy<Verb> {
    prop_oneof![
        2 => slot().prop_map(|slot| Verb::Rewind { slot }),
        1 => Just(Verb::Rotate),
        1 => (0_u8..3).prop_map(|count| Verb::Replace { count }),
        1 => Just(Verb::Compact),
    ]
    .boxed()
}

fn reads() -> BoxedStrategy<Verb> {
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

fn documents() -> BoxedStrategy<Verb> {
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

fn transactions() -> BoxedStrategy<Verb> {
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

fn upkeep() -> BoxedStrategy<Verb> {
    prop_oneof![Just(Verb::Sync), Just(Verb::Repair)].boxed()
}

fn sessions() -> BoxedStrategy<Verb> {
    prop_oneof![3 => Just(Verb::Claim), 1 => Just(Verb::Release), 3 => Just(Verb::Reconcile)]
        .boxed()
}

/// The first calls of a verb, mostly.
fn at() -> impl Strategy<Value = At> {
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

fn mishaps() -> BoxedStrategy<Trouble> {
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
fn trouble() -> BoxedStrategy<Trouble> {
    prop_oneof![3 => Just(Trouble::No), 1 => mishaps()].boxed()
}

fn act(verb: BoxedStrategy<Verb>, trouble: BoxedStrategy<Trouble>) -> BoxedStrategy<Step> {
    (0_u8..2, verb, trouble)
        .prop_map(|(who, verb, trouble)| Step::Do { who, verb, trouble })
        .boxed()
}

fn ends() -> BoxedStrategy<Step> {
    prop_oneof![
        (0_u8..2).prop_map(Step::Kill),
        (0_u8..2).prop_map(Step::Reopen)
    ]
    .boxed()
}

fn foreign() -> BoxedStrategy<Step> {
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

fn cut() -> impl Strategy<Value = Cut> {
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
fn paused(verb: BoxedStrategy<Verb>, meanwhile: BoxedStrategy<Step>) -> BoxedStrategy<Step> {
    let steps = vec(meanwhile, 1..4);
    (0_u8..2, verb, at(), steps)
        .prop_map(|(who, verb, at, meanwhile)| Step::Do {
            who,
            verb,
            trouble: Trouble::Pause { at, meanwhile },
        })
        .boxed()
}

pub struct Family {
    pub name: &'static str,
    pub cases: BoxedStrategy<Case>,
    /// How many are tried by default.
    pub count: u32,
}

fn family(
    name: &'static str,
    count: u32,
    settings: BoxedStrategy<Setting>,
    steps: Steps,
) -> Family {
    let cases = (settings, steps).prop_map(|(setting, steps)| Case { setting, steps });
    Family {
        name,
        cases: cases.boxed(),
        count,
    }
}

fn sealed_or_not(setting: Setting) -> BoxedStrategy<Setting> {
    prop_oneof![3 => Just(false), 1 => Just(true)]
        .prop_map(move |sealed| Setting { sealed, ..setting })
        .boxed()
}

fn any_of(verbs: Vec<(u32, BoxedStrategy<Verb>)>) -> BoxedStrategy<Verb> {
    prop::strategy::Union::new_weighted(verbs).boxed()
}

fn mix(steps: Vec<(u32, BoxedStrategy<Step>)>, count: std::ops::Range<usize>) -> Steps {
    vec(prop::strategy::Union::new_weighted(steps), count).boxed()
}

pub fn families() -> Vec<Family> {
    let mut all = every_family();
    let off = |name: &str| match name {
        "power" | "syncs" => is_off(Known::SkippedSync),
        "settling" => is_off(Known::OldManifest),
        _ => false,
    };
    all.retain(|family| !off(family.name));
    all
}

fn every_family() -> Vec<Family> {
    let plain = || sealed_or_not(PLAIN);
    let power = Setting {
        power: true,
        cuts: true,
        ..PLAIN
    };
    let synced = Setting {
        cuts: true,
        ..PLAIN
    };
    let session = Setting {
        session: true,
        ..PLAIN
    };
    let journal = || {
        any_of(vec![
            (4, appends()),
            (1, headers()),
            (1, upkeep()),
            (1, reads()),
        ])
    };
    let all = || {
        any_of(vec![
            (4, appends()),
            (1, headers()),
            (1, upkeep()),
            (2, rewrites()),
            (2, reads()),
            (2, documents()),
            (2, transactions()),
        ])
    };
    let cuts = || cut().prop_map(Step::PowerCut).boxed();
    vec![
        family(
            "appends",
            40,
            plain(),
            mix(
                vec![(8, act(journal(), trouble())), (1, ends()), (2, foreign())],
                2..14,
            ),
        ),
        family(
            "headers",
            40,
            plain(),
            mix(
                vec![
                    (1, act(appends(), trouble())),
                    (6, act(headers(), trouble())),
                    (1, ends()),
                ],
                2..10,
            ),
        ),
        family(
            "readers",
            40,
            plain(),
            mix(
                vec![
                    (
                        4,
                        act(appends(), prop_oneof![Just(Trouble::No), mishaps()].boxed()),
                    ),
                    (4, act(reads(), Just(Trouble::No).boxed())),
                    (
                        1,
                        paused(appends(), act(reads(), Just(Trouble::No).boxed())),
                    ),
                ],
                2..14,
            ),
        ),
        family(
            "rewrites",
            40,
            plain(),
            mix(
                vec![
                    (
                        4,
                        act(any_of(vec![(3, appends()), (1, headers())]), trouble()),
                    ),
                    (4, act(rewrites(), trouble())),
                    (3, act(reads(), trouble())),
                    (1, ends()),
                    (1, foreign()),
                ],
                2..14,
            ),
        ),
        family(
            "documents",
            40,
            Just(PLAIN).boxed(),
            mix(
                vec![
                    (3, act(documents(), trouble())),
                    (4, act(transactions(), trouble())),
                    (1, act(appends(), trouble())),
                    (1, ends()),
                ],
                2..12,
            ),
        ),
        family(
            "together",
            40,
            plain(),
            mix(
                vec![
                    (3, act(all(), trouble())),
                    (
                        4,
                        paused(
                            all(),
                            prop_oneof![4 => act(all(), trouble()), 1 => foreign()].boxed(),
                        ),
                    ),
                    (1, ends()),
                ],
                1..8,
            ),
        ),
        family(
            "power",
            60,
            sealed_or_not(power),
            mix(
                vec![
                    (
                        6,
                        act(
                            any_of(vec![
                                (3, appends()),
                                (2, headers()),
                                (1, upkeep()),
                                (1, rewrites()),
                            ]),
                            trouble(),
                        ),
                    ),
                    (
                        2,
                        act(
                            any_of(vec![(1, documents()), (1, transactions())]),
                            trouble(),
                        ),
                    ),
                    (1, paused(all(), cuts())),
                    (1, foreign()),
                    (2, cuts()),
                ],
                2..12,
            ),
        ),
        family(
            "syncs",
            30,
            sealed_or_not(synced),
            mix(
                vec![
                    (
                        4,
                        act(any_of(vec![(3, appends()), (2, headers())]), trouble()),
                    ),
                    (3, act(upkeep(), trouble())),
                    (1, act(rewrites(), Just(Trouble::No).boxed())),
                    (2, cuts()),
                ],
                2..12,
            ),
        ),
        family(
            "restarts",
            40,
            plain(),
            mix(
                vec![
                    (4, act(all(), trouble())),
                    (
                        3,
                        act(
                            any_of(vec![(2, appends()), (1, headers()), (2, transactions())]),
                            mishaps(),
                        ),
                    ),
                    (3, Just(Step::Remount).boxed()),
                ],
                2..10,
            ),
        ),
        family(
            "sessions",
            30,
            Just(session).boxed(),
            mix(
                vec![
                    (6, act(sessions(), trouble())),
                    (
                        1,
                        act(any_of(vec![(1, appends()), (1, documents())]), trouble()),
                    ),
                    (2, (0_u8..2).prop_map(Step::Kill).boxed()),
                    (1, Just(Step::Remount).boxed()),
                ],
                2..12,
            ),
        ),
        family("undone", 30, plain(), undone()),
        family("settling", 40, Just(PLAIN).boxed(), settling()),
    ]
}

/// An append of many is cut off; somebody begins to read; others append; the
/// reader goes on.
fn undone() -> Steps {
    let ok = || Just(Trouble::No).boxed();
    let cut_off = prop_oneof![
        Just(Then::Die),
        any::<u8>().prop_map(|error| Then::Fail { error }),
    ];
    let many =
        (2_u8..5, 0_u16..40, 1_u16..150, cut_off).prop_map(|(count, size, bytes, then)| Step::Do {
            who: 0,
            verb: Verb::AppendAll { count, size },
            trouble: Trouble::Short {
                write: 1,
                bytes,
                then,
            },
        });
    let by_1 = |verb| Step::Do {
        who: 1,
        verb,
        trouble: Trouble::No,
    };
    (
        vec(act(appends(), ok()), 0..2),
        many,
        1_u8..6,
        vec(act(appends(), ok()), 1..3),
    )
        .prop_map(move |(mut steps, many, count, more)| {
            steps.extend([many, by_1(Verb::OpenReader), by_1(Verb::ReadOn { count })]);
            steps.extend(more);
            steps.push(by_1(Verb::ReadOn { count: u8::MAX }));
            steps
        })
        .boxed()
}

/// A transaction is paused; the lock file of one of its members loses its name;
/// another process, which has not been there, finds the transaction by that
/// member and is paused in turn, while the first goes on.
fn settling() -> Steps {
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
