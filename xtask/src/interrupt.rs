//! Ends what we started: on Ctrl-C, and when a program takes longer than anything should.

use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process_group};
use std::process::{Child, ExitStatus};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

/// What Ctrl-C has to do at the moment.
enum Duty {
    /// Nothing but to end.
    End,
    /// Kill the group of the program that is running, then end.
    Kill(Pid),
    /// Tell a channel, whose reader then ends in order.
    Tell(Box<dyn Fn() + Send>),
}

static DUTY: Mutex<Duty> = Mutex::new(Duty::End);

fn set(duty: Duty) {
    *DUTY.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = duty;
}

/// To be called once, first of all.
pub fn install() -> Result<()> {
    ctrlc::set_handler(|| {
        match &*DUTY.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            Duty::Tell(tell) => return tell(),
            Duty::Kill(group) => {
                // It is gone already if this fails.
                let _ = kill_process_group(*group, Signal::KILL);
            }
            Duty::End => {}
        }
        std::process::exit(130)
    })?;
    Ok(())
}

/// From now on Ctrl-C only calls this.
pub fn tell(tell: impl Fn() + Send + 'static) {
    set(Duty::Tell(Box::new(tell)));
}

/// Waits for a program that leads its own process group. With it goes all that
/// it started: the test program that hangs is not cargo, but cargo's child. `None`
/// if it had to be killed because it took too long.
pub fn wait(mut child: Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let group = Pid::from_child(&child);
    set(Duty::Kill(group));
    let (ended, end) = channel::<()>();
    let watchdog = std::thread::spawn(move || {
        let late = end.recv_timeout(limit).is_err();
        if late {
            let _ = kill_process_group(group, Signal::KILL);
        }
        late
    });
    let status = child.wait();
    let _ = ended.send(());
    set(Duty::End);
    let late = watchdog.join().unwrap_or(false);
    Ok(if late { None } else { Some(status?) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    fn shell(script: &str) -> Child {
        Command::new("sh")
            .args(["-c", script])
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh")
    }

    #[test]
    fn a_program_that_ends_has_its_status() {
        let status = wait(shell("exit 3"), Duration::from_secs(60)).expect("wait");
        assert_eq!(status.and_then(|s| s.code()), Some(3));
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_its_children() {
        let mut child = shell("sleep 1000000 & wait");
        let mut output = child.stdout.take().expect("piped");
        let status = wait(child, Duration::from_millis(50)).expect("wait");
        assert!(status.is_none());
        // The pipe ends only when the last process that could write to it is gone.
        let mut text = Vec::new();
        output.read_to_end(&mut text).expect("read");
        assert_eq!(text, b"");
    }
}
