//! The holder of a lock that another program has, which writes no line.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::scene::Scene;
use untorn::{ErrorKind, FileLock};

#[test]
fn a_holder_without_a_line_is_known_from_the_system() {
    let scene = Scene::new();
    let path = scene.path("j");
    fs::write(scene.path("j.lock"), "").unwrap();
    let mut other = Command::new("flock")
        .arg(scene.path("j.lock"))
        .args(["sh", "-c", "echo held; read line"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("util-linux flock");
    let mut line = String::new();
    let mut out = std::io::BufReader::new(other.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    let error = FileLock::options()
        .timeout(Some(Duration::ZERO))
        .acquire(&path)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert_eq!(error.holder().unwrap().pid, other.id(), "{error}");
    // It has no label, so the message has the name of its program.
    #[cfg(target_os = "linux")]
    {
        let named = format!("the lock is held; held by pid {} (flock)", other.id());
        assert!(error.to_string().contains(&named), "{error}");
    }
    assert_eq!(untorn::holder(&path).unwrap().unwrap().pid, other.id());
    drop(other.stdin.take());
    other.wait().unwrap();
    // Blocking until it is gone, since its shell may live a moment longer.
    drop(FileLock::acquire(&path).unwrap());
    assert_eq!(untorn::holder(&path).unwrap(), None);
}
