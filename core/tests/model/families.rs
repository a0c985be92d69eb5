//! Cases, at random: families, each with what it is about.

use proptest::prelude::*;

use super::directed::{commits, cut_off, deaths, settling, undone};
use super::generate::*;
use super::step::{Case, Locks, Setting, Step, Trouble, Verb};

const PLAIN: Setting = Setting {
    locks: Locks::Sidecar,
    max_bytes: 0,
    power: false,
    sealed: false,
    session: false,
    cuts: false,
};

pub struct Family {
    pub name: &'static str,
    pub cases: BoxedStrategy<Case>,
    /// How many the deep lane tries; the daily one tries half of them.
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

pub fn families() -> Vec<Family> {
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
            25,
            plain(),
            mix(
                vec![(8, act(journal(), trouble())), (1, ends()), (2, foreign())],
                2..14,
            ),
        ),
        family(
            "headers",
            25,
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
            25,
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
            25,
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
            25,
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
            25,
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
            40,
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
            20,
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
            25,
            plain(),
            cut_off(all(), Just(Step::Remount).boxed()),
        ),
        family(
            "sessions",
            20,
            Just(session).boxed(),
            mix(
                vec![
                    (5, act(sessions(), trouble())),
                    (2, act(sessions(), deaths())),
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
        family("deaths", 25, plain(), cut_off(all(), ends())),
        family("undone", 20, plain(), undone()),
        family("commits", 25, Just(PLAIN).boxed(), commits()),
        family(
            "in-place",
            25,
            sealed_or_not(Setting {
                locks: Locks::InPlace,
                ..PLAIN
            }),
            mix(
                vec![
                    (6, act(journal(), trouble())),
                    (2, act(documents(), trouble())),
                    // To rotate copies here: who dies in it leaves records twice.
                    (1, act(replacing(), trouble())),
                    (1, ends()),
                    (2, foreign_appends()),
                ],
                2..12,
            ),
        ),
        family(
            "pid-file",
            25,
            sealed_or_not(Setting {
                locks: Locks::PidFile,
                ..PLAIN
            }),
            mix(
                vec![
                    (6, act(journal(), trouble())),
                    (2, act(documents(), trouble())),
                    (1, act(rewrites(), trouble())),
                    (
                        2,
                        paused(
                            journal(),
                            act(
                                any_of(vec![(2, appends()), (1, documents())]),
                                Just(Trouble::No).boxed(),
                            ),
                        ),
                    ),
                    (1, ends()),
                ],
                2..12,
            ),
        ),
        family(
            "limits",
            25,
            sealed_or_not(Setting {
                max_bytes: 120,
                ..PLAIN
            }),
            mix(
                vec![
                    (6, act(plain_appends(), trouble())),
                    (2, act(plain_appends(), deaths())),
                    (2, act(plain_reads(), Just(Trouble::No).boxed())),
                    (1, act(Just(Verb::Rotate).boxed(), trouble())),
                    (1, ends()),
                ],
                2..14,
            ),
        ),
        family("settling", 25, Just(PLAIN).boxed(), settling()),
    ]
}
