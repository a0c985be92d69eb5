//! A PostgreSQL of the tests' own: an ordinary user's, on a socket in a temporary
//! directory. It ends with the test program, however that ends. The example
//! `with_server` starts it for tests in other languages.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use postgres::{Client, Config, NoTls};

pub struct Server {
    pub dir: PathBuf,
    user: Option<(u32, u32)>,
    /// Where it listens besides the socket.
    addresses: String,
    /// A shell that ends the server when our end of its pipe is closed.
    keeper: Option<Child>,
}

/// The directory with `initdb` and `postgres`; the tests can't pass without one.
fn programs() -> PathBuf {
    let named = std::env::var_os("UNTORN_POSTGRES_BIN").map(PathBuf::from);
    let mut places: Vec<PathBuf> = named.into_iter().collect();
    if let Ok(out) = Command::new("pg_config").arg("--bindir").output() {
        places.push(String::from_utf8_lossy(&out.stdout).trim().into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    places.extend(std::env::split_paths(&path));
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<_> = versions.map(|v| v.unwrap().path().join("bin")).collect();
        versions.sort();
        places.extend(versions.into_iter().rev());
    }
    places
        .into_iter()
        .find(|place| place.join("initdb").exists() && place.join("postgres").exists())
        .expect(
            "these tests need PostgreSQL (initdb and postgres): apt-get install postgresql, or name its \
             directory of programs with UNTORN_POSTGRES_BIN",
        )
}

fn lives(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// PostgreSQL refuses to run as root: then it is another user's.
fn ordinary_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let user = ["postgres", "nobody"].iter().find_map(|name| {
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(|id| id.parse().unwrap());
        Some((fields.next()?, fields.next()?))
    });
    Some(user.expect("a user `postgres` or `nobody` for the server"))
}

impl Server {
    /// Starts a server with nothing in it.
    pub fn start() -> Server {
        Server::start_at(&[])
    }

    /// Starts a server that also listens at these addresses, and trusts who asks there.
    pub fn start_at(addresses: &[&str]) -> Server {
        let mut server = Server::in_a_directory();
        server.addresses = addresses.join(",");
        let made = server
            .command("initdb")
            .args([
                "-U",
                "untorn",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "-D",
            ])
            .arg(server.dir.join("data"))
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        for address in addresses {
            let mut trusts = std::fs::OpenOptions::new();
            let mut trusts = trusts
                .append(true)
                .open(server.dir.join("data/pg_hba.conf"))
                .unwrap();
            writeln!(trusts, "host all all {address}/24 trust").unwrap();
        }
        server.run();
        server
    }

    fn in_a_directory() -> Server {
        let dir = tempfile::Builder::new()
            .prefix("untorn-pg")
            .tempdir_in("/tmp")
            .unwrap()
            .keep();
        let user = ordinary_user();
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(&dir, Some(uid), Some(gid)).unwrap();
        }
        Server {
            dir,
            user,
            addresses: String::new(),
            keeper: None,
        }
    }

    fn command(&self, program: &str) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = match program {
            "sh" => Command::new("sh"),
            _ => Command::new(programs().join(program)),
        };
        command.current_dir(&self.dir);
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Starts the server's programs, and returns when it takes connections.
    pub fn run(&mut self) {
        use std::os::unix::process::CommandExt;
        // A measured server may have slower flushes: see examples/slow_flush.c.
        let script = "LD_PRELOAD=$UNTORN_SERVER_PRELOAD \"$0\" -D data -k \"$PWD\" -c listen_addresses=\"$1\" -c max_connections=200 >log 2>&1 & \
                      server=$!; echo $server; read then; kill -INT $server 2>/dev/null; wait; \
                      [ \"$then\" = keep ] || rm -rf \"$PWD\"";
        let mut keeper = self
            .command("sh")
            // An interrupt from the keyboard must not reach it: it has to clean up.
            .process_group(0)
            .args(["-c", script])
            .arg(programs().join("postgres"))
            .arg(&self.addresses)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        BufReader::new(keeper.stdout.take().unwrap())
            .read_line(&mut pid)
            .unwrap();
        self.keeper = Some(keeper);
        let pid: u32 = pid.trim().parse().unwrap();
        // No event reports this: a connection shows it.
        while self.connect().is_err() {
            assert!(
                lives(&pid.to_string()),
                "the server ended: {}",
                std::fs::read_to_string(self.dir.join("log")).unwrap()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills every process of the server at once, as a crash does: what was only
    /// in the server's memory is gone.
    pub fn kill(&mut self) {
        let first = std::fs::read_to_string(self.dir.join("data/postmaster.pid")).unwrap();
        let first = first.lines().next().unwrap().to_owned();
        let children =
            std::fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap();
        let pids: Vec<&str> = std::iter::once(first.as_str())
            .chain(children.split_whitespace())
            .collect();
        for pid in &pids {
            let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        for pid in pids {
            while lives(pid) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        let mut keeper = self.keeper.take().unwrap();
        writeln!(keeper.stdin.as_mut().unwrap(), "keep").unwrap();
        keeper.wait().unwrap();
        // If no process waits for the dead server, it counts as alive.
        std::fs::remove_file(self.dir.join("data/postmaster.pid")).unwrap();
    }

    /// Starts a server that follows this one.
    pub fn standby(&self) -> Server {
        let mut standby = Server::in_a_directory();
        let copied = standby
            .command("pg_basebackup")
            .args(["-U", "untorn", "-R", "-D"])
            .arg(standby.dir.join("data"))
            .arg("-h")
            .arg(&self.dir)
            .output()
            .unwrap();
        assert!(
            copied.status.success(),
            "{}",
            String::from_utf8_lossy(&copied.stderr)
        );
        standby.run();
        standby
    }

    /// Makes a standby the primary.
    pub fn promote(&mut self) {
        let mut client = self.connect().unwrap();
        client.query_one("select pg_promote()", &[]).unwrap();
        client
            .batch_execute("alter system reset synchronous_standby_names")
            .unwrap();
        client.batch_execute("select pg_reload_conf()").unwrap();
    }

    pub fn connect(&self) -> Result<Client, postgres::Error> {
        connect(&self.dir, "untorn")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            keeper.wait().unwrap();
        } else {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// Connects by the socket in `dir`, or to the host that it names.
pub fn connect(dir: &Path, user: &str) -> Result<Client, postgres::Error> {
    let mut config = Config::new();
    if dir.is_absolute() {
        config.host_path(dir);
    } else {
        // A host that does not answer is given up soon.
        let soon = Duration::from_secs(1);
        config.host(dir.to_str().unwrap());
        config.connect_timeout(soon).tcp_user_timeout(soon);
    }
    config.user(user).dbname("postgres").connect(NoTls)
}
