//! Every system call fails once, with each error that it can give, and every
//! write is cut short.

use untorn::Error;
use untorn::fault::{Op, Plan};

use super::Scene;
use super::lane::every;

/// The errors that a call of this kind can give (man pages).
pub fn errors(op: Op) -> Vec<i32> {
    use libc::*;
    // Microsoft's C library does not know these; and nothing interrupts a call
    // on Windows, goes stale there or says of a held lock that it is denied.
    #[cfg(windows)]
    const EDQUOT: i32 = ENOSPC;
    #[cfg(windows)]
    const ESTALE: i32 = EINTR;
    let errors: &[i32] = match op {
        Op::Open => &[EACCES, EMFILE, ENFILE, EIO, ENOMEM, EINTR, EROFS, ESTALE],
        Op::Create => &[EACCES, ENOSPC, EDQUOT, EROFS, EMFILE, EINTR],
        Op::Read => &[EIO, EINTR, ESTALE],
        Op::Write => &[ENOSPC, EDQUOT, EIO, EFBIG, EINTR, ESTALE],
        Op::Truncate => &[EIO, ENOSPC, EINTR],
        Op::SyncData | Op::SyncAll | Op::SyncDir => &[EIO, ENOSPC, EDQUOT],
        Op::Stat => &[EIO, ENOMEM, ESTALE],
        Op::StatPath | Op::Resolve | Op::List => &[EACCES, EIO, ENOMEM],
        Op::Lock => &[ENOLCK, ENOSYS, EOPNOTSUPP, EINTR, EACCES, ESTALE],
        Op::Unlock => &[EINTR],
        Op::SetAttributes => &[EPERM, EIO, ENOSPC],
        Op::Rename | Op::Link => &[EACCES, ENOSPC, EIO, EDQUOT],
        Op::Unlink => &[EACCES, EIO],
        Op::MakeDir => &[EACCES, ENOSPC],
        Op::Watch => &[EMFILE, ENOSPC],
        Op::Random => &[ENOSYS],
        Op::StartThread => &[EAGAIN],
    };
    let possible =
        |errno: &i32| cfg!(unix) || *errno != EINTR && (op, *errno) != (Op::Lock, EACCES);
    errors.iter().copied().filter(possible).collect()
}

/// The calls that `work` makes on a fresh scene when nothing fails.
pub fn calls(set_up: impl Fn(&Scene), work: impl Fn(&Scene) -> Result<(), Error>) -> Vec<Op> {
    let scene = Scene::quick();
    set_up(&scene);
    let (result, calls) = Plan::new().run(|| work(&scene));
    result.expect("nothing fails");
    calls
}

/// Fails every call in turn, cuts every write short, and both together: a
/// short write and then an error, as a disk that fills up gives.
pub fn each_fault(
    set_up: impl Fn(&Scene),
    work: impl Fn(&Scene) -> Result<(), Error>,
    check: impl Fn(&Scene, Result<(), Error>, &str),
) {
    let calls = calls(&set_up, &work);
    assert!(calls.len() >= 3, "a work that makes calls: {calls:?}");
    let run = |plan: Plan, what: String| {
        let scene = Scene::quick();
        set_up(&scene);
        let (result, _) = plan.run(|| work(&scene));
        check(&scene, result, &what);
    };
    // Every second call, and the others in another run.
    for (n, op) in every(2, calls.iter().enumerate()) {
        for errno in every(4, errors(*op)) {
            run(
                Plan::new().fail(n, errno),
                format!("call {n}, {op:?}, fails with {errno}"),
            );
        }
        if *op != Op::Write {
            continue;
        }
        for short in every(4, [1, 2, 7, 8, 9, 63, 64, 65]) {
            run(
                Plan::new().short(n, short),
                format!("call {n} writes only {short} bytes"),
            );
            for errno in every(3, errors(Op::Write)) {
                run(
                    Plan::new().short(n, short).fail(n + 1, errno),
                    format!("call {n} writes only {short} bytes, the next fails with {errno}"),
                );
                // The offset is asked for in between.
                run(
                    Plan::new().short(n, short).fail(n + 2, errno),
                    format!("call {n} writes only {short} bytes, then {errno}"),
                );
                // The roll-back fails as well.
                for after in 3..6 {
                    run(
                        Plan::new()
                            .short(n, short)
                            .fail(n + 2, errno)
                            .fail(n + after, libc::EIO),
                        format!("call {n} writes {short} bytes, then {errno}, then EIO"),
                    );
                }
            }
        }
    }
}
