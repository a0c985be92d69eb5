//! A process that dies before each of its system calls in turn, and in the
//! middle of each write.

use std::path::Path;

use untorn::fault::{Op, Plan, Verdict};

use super::Scene;
use super::lane::every;

/// The plan of a process that dies in its first write to this file, when so many bytes of it
/// are there.
pub fn dies_within_a_write(file: &Path, part: usize) -> Plan {
    let name = file.file_name().expect("a file").to_owned();
    let mut dead = false;
    Plan::new().judge(move |call| {
        let writes = call.op == Op::Write && call.path.is_some_and(|path| path.ends_with(&name));
        let verdict = match (dead, writes, part) {
            (true, ..) | (false, true, 0) => Verdict::Fail(libc::EIO),
            (false, true, part) => Verdict::Short(part),
            (false, false, _) => Verdict::Go,
        };
        dead |= writes;
        verdict
    })
}

/// Runs `work` until it dies at its `n`-th call, for each `n`; where that is a
/// write, also after a part of it.
pub fn each_death(
    set_up: impl Fn(&Scene),
    work: impl Fn(&Scene) -> untorn::Result<()>,
    check: impl Fn(&Scene, &str),
) {
    let scene = Scene::quick();
    set_up(&scene);
    let (result, calls) = Plan::new().run(|| work(&scene));
    result.expect("it lives");
    // Every third call, and others in the next run.
    for (n, op) in every(3, calls.iter().enumerate()) {
        let run = |plan: Plan, what: &str| {
            let scene = Scene::quick();
            set_up(&scene);
            let (result, _) = plan.run(|| work(&scene));
            // The last calls only clear up: their failure is not reported.
            assert!(result.is_err() || n + 4 >= calls.len(), "{what}: it died");
            check(&scene, what);
        };
        run(Plan::new().die(n), &format!("before call {n}, {op:?}"));
        if *op == Op::Write {
            for part in every(4, [1, 5, 8, 20, 64, 100, 127, 300]) {
                run(
                    Plan::new().short(n, part).die(n + 1),
                    &format!("after {part} bytes of call {n}"),
                );
            }
        }
    }
}
