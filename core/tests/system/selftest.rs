//! The self-test of a directory: it says what is so, finds file systems that
//! pretend, and leaves nothing behind.

use std::fs;

use crate::scene::Scene;
#[cfg(unix)]
use untorn::fault::{Op, Plan};
use untorn::{ErrorKind, Outcome, Scheme, selftest, selftest_with};

const CHECKS: [&str; 11] = [
    "exclusion",
    "exclusion_threads",
    "sharing",
    "waiting",
    "release_on_death",
    "scheme",
    "rename",
    "link",
    "sync",
    "sync_directory",
    "names",
];

#[cfg(unix)]
fn outcome(test: &untorn::SelfTest, name: &str) -> Outcome {
    let check = test.checks.iter().find(|check| check.name == name);
    check.expect(name).outcome
}

#[test]
fn an_honest_directory_passes_in_every_scheme() {
    for scheme in [Scheme::Sidecar, Scheme::InPlace, Scheme::PidFile] {
        let scene = Scene::new();
        let test = selftest_with(scene.dir(), scheme).unwrap();
        assert!(test.passed(), "{test}");
        assert_eq!(test.scheme, scheme);
        let names: Vec<_> = test.checks.iter().map(|check| check.name).collect();
        assert_eq!(names, CHECKS);
        assert!(test.checks.iter().all(|check| !check.detail.is_empty()));
        if cfg!(unix) {
            let all = test.checks.iter();
            let passed = all.filter(|check| check.outcome == Outcome::Passed);
            assert_eq!(passed.count(), CHECKS.len(), "{test}");
            assert!(test.checks[0].detail.contains("two processes"), "{test}");
        }
        assert_eq!(fs::read_dir(scene.dir()).unwrap().count(), 0);
        assert!(test.to_string().contains(&scheme.to_string()));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_file_system_is_named() {
    let test = selftest("/dev/shm").unwrap();
    assert_eq!(test.file_system, "tmpfs");
    assert!(test.passed(), "{test}");
}

#[test]
#[cfg(unix)]
fn locks_that_pretend_are_found_out() {
    // Trap 9: the call succeeds, and locks nothing.
    for scheme in [Scheme::Sidecar, Scheme::InPlace] {
        let scene = Scene::new();
        let plan = Plan::new().pretend(Op::Lock);
        let test = plan.run(|| selftest_with(scene.dir(), scheme).unwrap()).0;
        assert!(!test.passed(), "{test}");
        for name in [
            "exclusion",
            "sharing",
            "waiting",
            "release_on_death",
            "scheme",
        ] {
            assert_eq!(outcome(&test, name), Outcome::Failed, "{name}: {test}");
        }
        assert!(test.to_string().contains("locks do nothing here"), "{test}");
        assert_eq!(outcome(&test, "rename"), Outcome::Passed);
        assert_eq!(fs::read_dir(scene.dir()).unwrap().count(), 0);
    }
}

#[test]
#[cfg(unix)]
fn a_directory_without_locks() {
    let scene = Scene::new();
    let plan = Plan::new().fail_every(Op::Lock, libc::ENOSYS);
    let test = plan.run(|| selftest(scene.dir()).unwrap()).0;
    assert!(!test.passed(), "{test}");
    assert_eq!(outcome(&test, "exclusion"), Outcome::Failed);
    assert_eq!(outcome(&test, "sync"), Outcome::Passed);
    // But there are lock files.
    let plan = Plan::new().fail_every(Op::Lock, libc::ENOSYS);
    let test = plan.run(|| selftest_with(scene.dir(), Scheme::PidFile).unwrap());
    assert_eq!(outcome(&test.0, "scheme"), Outcome::Passed, "{}", test.0);
    assert_eq!(fs::read_dir(scene.dir()).unwrap().count(), 0);
}

#[test]
#[cfg(unix)]
fn what_the_system_refuses_has_failed() {
    let scene = Scene::quick();
    let run = |plan: Plan| plan.run(|| selftest(scene.dir()));
    for (op, name) in [
        (Op::Rename, "rename"),
        (Op::SyncData, "sync"),
        (Op::SyncAll, "sync"),
        (Op::SyncDir, "sync_directory"),
    ] {
        let test = run(Plan::new().fail_every(op, libc::EIO)).0.unwrap();
        assert_eq!(outcome(&test, name), Outcome::Failed, "{op:?}: {test}");
    }
    let test = run(Plan::new().fail_every(Op::Link, libc::EPERM))
        .0
        .unwrap();
    assert_eq!(outcome(&test, "link"), Outcome::Skipped, "{test}");
    assert!(test.passed(), "it can be done without: {test}");
    // Whatever fails: a report or an error, and no panic.
    let (_, calls) = run(Plan::new());
    let mut told = 0;
    for n in 0..calls.len() {
        let (result, _) = run(Plan::new().fail(n, libc::EIO));
        told += u32::from(!matches!(result, Ok(test) if test.passed()));
    }
    assert!(told > 20, "{told} of {}", calls.len());
}

#[test]
fn what_is_no_directory() {
    let scene = Scene::new();
    let error = selftest(scene.path("none")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let file = scene.with("file", "");
    let error = selftest(file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
}

#[test]
fn among_busy_threads() {
    // The second process is forked while others are in the allocator.
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                let mut kept = Vec::new();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    kept.push(vec![0_u8; fastrand::usize(1..100_000)]);
                    if kept.len() > 100 {
                        kept.clear();
                    }
                }
            });
        }
        let tests: Vec<_> = (0..2)
            .map(|_| {
                threads.spawn(|| {
                    for _ in 0..5 {
                        let scene = Scene::quick();
                        let test = selftest(scene.dir()).unwrap();
                        assert!(test.passed(), "{test}");
                    }
                })
            })
            .collect();
        let results: Vec<_> = tests.into_iter().map(|test| test.join()).collect();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(results.iter().all(Result::is_ok));
    });
    // None of them is left, not even as a zombie.
    #[cfg(target_os = "linux")]
    if let Ok(children) = fs::read_to_string("/proc/thread-self/children") {
        assert_eq!(children, "");
    }
}
