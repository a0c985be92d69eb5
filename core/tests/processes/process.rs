//! Which process it is, and whether it lives: with pids that are used again,
//! zombies, other users, containers, other hosts and other clocks.
//!
//! The time of day is not changed here, as that would concern the whole
//! machine. No identity holds one: `no_part_of_it_is_a_time_of_day` looks.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::scene;
use crate::scene::program::{self, Outcome, Part, Test, player, said, say, unshare};
use untorn::{Alive, Process};

/// Whom the system gives no rights over others' processes.
const NOBODY: u32 = 65_534;

pub const PARTS: &[Part] = &[
    ("idle", idle),
    ("who are you", || {
        say(&serde_json::to_string(&Process::current()).unwrap());
        idle();
    }),
    ("who is the first", || {
        let first = Process::of(1);
        say(&format!("{:?} {}", first.start, first.alive().as_str()));
    }),
    ("does it live", does_it_live),
    ("only a thread", only_a_thread),
    ("first of a namespace", a_reused_pid_in_here),
];

pub const TESTS: &[Test] = &[
    ("this_process", this_process),
    ("nobody", nobody),
    ("a_zombie", a_zombie),
    (
        "a_process_whose_main_thread_ended",
        a_process_whose_main_thread_ended,
    ),
    ("a_reused_pid", a_reused_pid),
    ("another_users_process", another_users_process),
    (
        "a_process_hidden_by_the_system",
        a_process_hidden_by_the_system,
    ),
    ("another_container", another_container),
    (
        "a_container_with_its_hosts_proc",
        a_container_with_its_hosts_proc,
    ),
    ("another_host", another_host),
    ("another_clock_since_boot", another_clock_since_boot),
    (
        "no_part_of_it_is_a_time_of_day",
        no_part_of_it_is_a_time_of_day,
    ),
];

/// Lives until no process holds the other end of its standard input.
fn idle() {
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Is asked about a process in JSON.
fn does_it_live() {
    let mut asked = String::new();
    std::io::stdin().read_to_string(&mut asked).unwrap();
    let process: Process = serde_json::from_str(&asked).unwrap();
    say(&format!("{} {process}", process.alive().as_str()));
}

/// A process that lives until it is dropped.
struct Idle(Child);

impl Idle {
    fn start(mut command: Command) -> Idle {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Idle(command.spawn().unwrap())
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let out = self.0.stdout.as_mut().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// Who it says it is.
    fn told(&mut self) -> Process {
        serde_json::from_str(&self.line()).unwrap()
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

/// What a process says of `process` that is started by `command`.
fn asked(mut command: Command, process: &Process) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut into = child.stdin.take().unwrap();
    into.write_all(serde_json::to_string(process).unwrap().as_bytes())
        .unwrap();
    drop(into);
    program::answer(&child.wait_with_output().unwrap())
}

/// `what` with this program in a part behind it.
fn playing(mut what: Command, part: &str) -> Command {
    let player = player(part);
    what.arg(player.get_program());
    for (key, value) in player.get_envs() {
        what.env(key, value.unwrap());
    }
    what
}

fn this_process() -> Outcome {
    let own = Process::current();
    assert_eq!(own.pid, std::process::id());
    assert_eq!(own, Process::of(own.pid));
    assert_eq!(own.alive(), Alive::Alive);
    assert!(own.start.is_some() && own.boot.is_some() && own.namespace.is_some());
    let said = asked(player("does it live"), &own);
    assert_eq!(said, format!("alive pid {}", own.pid));
    // A child sees itself as we see it.
    let mut child = Idle::start(player("who are you"));
    let told = child.told();
    assert_eq!(told, Process::of(child.0.id()));
    assert_ne!(told, own);
    drop(child);
    assert_eq!(told.alive(), Alive::Dead);
    assert!(told.to_string().ends_with("which is dead"), "{told}");
    Outcome::Passed
}

fn nobody() -> Outcome {
    // 0 is no process, and no pid is as large as the others.
    for pid in [0, i32::MAX as u32, u32::MAX] {
        let process = Process::of(pid);
        assert_eq!(process.start, None);
        assert_eq!(process.alive(), Alive::Dead, "{pid}");
    }
    Outcome::Passed
}

fn a_zombie() -> Outcome {
    // Trap 22: a pid alone says nothing.
    let mut child = Idle::start(player("idle"));
    let process = Process::of(child.0.id());
    assert_eq!(process.alive(), Alive::Alive);
    drop(child.0.stdin.take());
    // Its end is awaited, but it is not reaped: so it is a zombie.
    let id = rustix::process::Pid::from_child(&child.0);
    let options = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
    rustix::process::waitid(rustix::process::WaitId::Pid(id), options).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.pid)).unwrap();
    assert!(stat.contains(") Z "), "{stat}");
    assert_eq!(process.alive(), Alive::Dead);
    assert_eq!(Process::of(process.pid).start, None);
    Outcome::Passed
}

/// Ends its main thread and lives on in another.
fn only_a_thread() {
    std::thread::spawn(|| {
        let task = format!("/proc/{}/stat", std::process::id());
        while !std::fs::read_to_string(&task).unwrap().contains(") Z ") {
            std::thread::yield_now();
        }
        say("the main thread ended");
        idle();
        std::process::exit(0);
    });
    // SAFETY: ends this thread as `pthread_exit` does, but without unwinding.
    // Nothing of it is used by the other.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
}

fn a_process_whose_main_thread_ended() -> Outcome {
    let mut child = Idle::start(player("only a thread"));
    let before = Process::of(child.0.id());
    assert_eq!(child.line(), "the main thread ended");
    assert_eq!(before.alive(), Alive::Alive, "it runs, and keeps its locks");
    assert_eq!(Process::of(before.pid), before);
    drop(child);
    assert_eq!(before.alive(), Alive::Dead);
    Outcome::Passed
}

fn a_reused_pid() -> Outcome {
    // Trap 22: a pid alone says nothing.
    match unshare(&["--pid", "--fork", "--mount-proc"]) {
        Err(why) => Outcome::Skipped(why),
        Ok(command) => {
            let said = said(playing(command, "first of a namespace"));
            if let Some(why) = said.strip_prefix("skipped: ") {
                return Outcome::Skipped(why.to_owned());
            }
            assert_eq!(said, "done");
            Outcome::Passed
        }
    }
}

/// In a pid namespace, whose next pid can be chosen.
fn a_reused_pid_in_here() {
    const LAST: &str = "/proc/sys/kernel/ns_last_pid";
    assert_eq!(std::process::id(), 1);
    assert_eq!(
        Process::current().alive(),
        Alive::Alive,
        "pid 1 of a container"
    );
    let first = Idle::start(player("idle"));
    let old = Process::of(first.0.id());
    drop(first);
    assert_eq!(old.alive(), Alive::Dead);
    loop {
        if let Err(error) = std::fs::write(LAST, (old.pid - 1).to_string()) {
            say(&format!("skipped: {LAST}: {error}"));
            return;
        }
        let second = Idle::start(player("idle"));
        assert_eq!(second.0.id(), old.pid, "the same pid again");
        let new = Process::of(old.pid);
        assert_eq!(new.alive(), Alive::Alive);
        // Start times are in hundredths of a second.
        if new.start != old.start {
            assert_eq!(old.alive(), Alive::Dead, "another process with its pid");
            break;
        }
    }
    say("done");
}

/// This program where `NOBODY` can run it: the build's directory may be closed to
/// others.
fn copy_for_others(scene: &scene::Scene) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;

    let copy = scene.path("program");
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(scene.dir(), open.clone()).unwrap();
    std::fs::set_permissions(&copy, open).unwrap();
    copy
}

fn another_users_process() -> Outcome {
    // Trap 22: a pid alone says nothing.
    if !program::is_root() {
        return Outcome::Skipped("only root can become another user".to_owned());
    }
    let scene = scene::Scene::new();
    let copy = copy_for_others(&scene);
    let other = |part: &str| {
        let mut command = Command::new(&copy);
        let player = player(part);
        for (key, value) in player.get_envs() {
            command.env(key, value.unwrap());
        }
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
        command
    };
    // We are root's, and that user may not send us signals: EPERM.
    let own = Process::current();
    let said = asked(other("does it live"), &own);
    assert_eq!(said, format!("alive pid {}", own.pid));
    let child = Idle::start(other("idle"));
    let process = Process::of(child.0.id());
    assert_eq!(process.alive(), Alive::Alive);
    drop(child);
    let said = asked(other("does it live"), &process);
    assert_eq!(said, format!("dead pid {}, which is dead", process.pid));
    Outcome::Passed
}

fn a_process_hidden_by_the_system() -> Outcome {
    if !program::is_root() {
        return Outcome::Skipped("only root can hide processes from others".to_owned());
    }
    let hidden = match unshare(&["--mount", "--fork"]) {
        Err(why) => return Outcome::Skipped(why),
        Ok(command) => command,
    };
    let scene = scene::Scene::new();
    let copy = copy_for_others(&scene);
    let asks = |process: &Process| {
        let mut command = Command::new(hidden.get_program());
        command.args(hidden.get_args()).args([
            "sh",
            "-c",
            "mount -t proc -o hidepid=2 proc /proc && cd / && \
             exec setpriv --reuid 65534 --regid 65534 --clear-groups \"$0\"",
        ]);
        command.arg(&copy);
        for (key, value) in player("does it live").get_envs() {
            command.env(key, value.unwrap());
        }
        asked(command, process)
    };
    let own = Process::current();
    let said = asks(&own);
    assert!(said.starts_with("unknown "), "hidden, so not dead: {said}");
    let child = Idle::start(player("idle"));
    let process = Process::of(child.0.id());
    drop(child);
    assert!(
        asks(&process).starts_with("dead "),
        "hidden or not, it is gone"
    );
    Outcome::Passed
}

fn another_container() -> Outcome {
    // Trap 22: a pid alone says nothing.
    let container = || {
        let mut command = unshare(&["--pid", "--fork", "--mount-proc"])?;
        command.arg("--kill-child");
        Ok::<_, String>(command)
    };
    let mut first = match container() {
        Err(why) => return Outcome::Skipped(why),
        Ok(command) => Idle::start(playing(command, "who are you")),
    };
    let inside = first.told();
    let own = Process::current();
    assert_eq!(inside.pid, 1);
    assert_eq!(inside.boot, own.boot, "one kernel, one boot");
    assert_ne!(inside.namespace, own.namespace);
    // There is a pid 1 out here too, and it is not that one.
    assert_eq!(inside.alive(), Alive::Unknown);
    let ask = |process: &Process| asked(playing(container().unwrap(), "does it live"), process);
    let said = ask(&inside);
    assert!(said.starts_with("unknown "), "of another container: {said}");
    let said = ask(&own);
    assert!(said.starts_with("unknown "), "of the host: {said}");
    Outcome::Passed
}

fn a_container_with_its_hosts_proc() -> Outcome {
    let mut first = match unshare(&["--pid", "--fork", "--kill-child"]) {
        Err(why) => return Outcome::Skipped(why),
        Ok(command) => Idle::start(playing(command, "who are you")),
    };
    let inside = first.told();
    assert_eq!(inside.pid, 1);
    assert_ne!(
        inside.start,
        Process::of(1).start,
        "its own start, not that of the first process of the host"
    );
    assert_eq!(inside.alive(), Alive::Unknown);
    // Nor is what is shown in there as pid 1 taken for the first of in there.
    let mut second = unshare(&["--pid", "--fork", "--kill-child"]).unwrap();
    second.args(["sh", "-c", "\"$0\"; true"]);
    let said = said(playing(second, "who is the first"));
    assert_eq!(said, "None unknown");
    Outcome::Passed
}

fn another_host() -> Outcome {
    // Trap 22: a pid alone says nothing.
    let mut command = match unshare(&["--uts"]) {
        Err(why) => return Outcome::Skipped(why),
        Ok(command) => command,
    };
    command.args(["sh", "-c", "hostname elsewhere.invalid && exec \"$0\""]);
    let mut other = Idle::start(playing(command, "who are you"));
    let told = other.told();
    assert_eq!(told.host.as_deref(), Some("elsewhere.invalid"));
    assert_eq!(told.alive(), Alive::Unknown);
    let said = told.to_string();
    assert!(
        said.ends_with("on elsewhere.invalid"),
        "it is said so: {said}"
    );
    Outcome::Passed
}

fn another_clock_since_boot() -> Outcome {
    let command = match unshare(&["--time", "--boottime", "100000", "--fork"]) {
        Err(why) => return Outcome::Skipped(why),
        Ok(command) => command,
    };
    // There our start time has 100,000 seconds more.
    let said = asked(playing(command, "does it live"), &Process::current());
    assert!(said.starts_with("unknown "), "{said}");
    Outcome::Passed
}

fn no_part_of_it_is_a_time_of_day() -> Outcome {
    let own = Process::current();
    let ticks = rustix::param::clock_ticks_per_second();
    let up = std::fs::read_to_string("/proc/uptime").unwrap();
    let up: f64 = up.split(' ').next().unwrap().parse().unwrap();
    let start = own.start.unwrap() as f64 / ticks as f64;
    assert!(
        start <= up && up - start < 3600.0,
        "{start} of {up} s since boot"
    );
    Outcome::Passed
}
