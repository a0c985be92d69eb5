//! Two hosts, as network namespaces: the owner's network is cut for longer than its time
//! to live.
#![allow(clippy::print_stdout, reason = "what was left out is said")]

use std::process::Command;
use std::time::Duration;

use crate::server::Server;
use crate::sessions::{sessions, texts};
use crate::store::{Store, Worker, program};

/// A namespace with one link to the server's host.
struct Host {
    name: String,
    link: String,
    /// The server's address on the link.
    server: String,
}

fn ip(args: &[&str]) -> Result<(), String> {
    let done = Command::new("ip").args(args).output();
    match done {
        Ok(done) if done.status.success() => Ok(()),
        Ok(done) => Err(String::from_utf8_lossy(&done.stderr).trim().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

impl Host {
    fn new(n: u32) -> Result<Host, String> {
        let pid = std::process::id();
        let net = pid % 100 * 2 + n;
        let host = Host {
            name: format!("untorn-{pid}-{n}"),
            link: format!("ut{pid}x{n}"),
            server: format!("10.213.{net}.1"),
        };
        let (name, link) = (&host.name[..], &host.link[..]);
        ip(&["netns", "add", name])?;
        ip(&[
            "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name,
        ])?;
        ip(&["addr", "add", &format!("{}/24", host.server), "dev", link])?;
        ip(&["link", "set", link, "up"])?;
        let own = format!("10.213.{net}.2/24");
        ip(&["-n", name, "addr", "add", &own, "dev", "eth0"])?;
        ip(&["-n", name, "link", "set", "eth0", "up"])?;
        Ok(host)
    }

    /// A worker on this host, which reaches the server by the network only.
    fn worker(&self, worker: &str, ttl: &str) -> Worker {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program());
        let store = Store {
            dir: self.server.clone().into(),
            schema: "store".to_owned(),
        };
        store.worker_by(command, worker, ttl)
    }

    /// Cuts the network, or mends it. What is sent meanwhile is lost without an answer.
    fn network(&self, state: &str) {
        ip(&["link", "set", &self.link, state]).unwrap();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = ip(&["netns", "del", &self.name]);
    }
}

#[test]
fn an_owner_that_is_cut_off_for_its_time_to_live_can_change_nothing_any_more() {
    let hosts = Host::new(0).and_then(|first| Ok((first, Host::new(1)?)));
    let (first, second) = match hosts {
        Ok(hosts) => hosts,
        Err(why) => {
            // Namespaces need rights, and a kernel that has them.
            println!("left out: no network namespaces: {why}");
            return;
        }
    };
    let server = Server::start_at(&[&first.server, &second.server]);
    untorn_postgres::migrate(&mut server.connect().unwrap(), "store").unwrap();
    let here = Store {
        dir: server.dir.clone(),
        schema: "store".to_owned(),
    };
    let mut owner = first.worker("crate own", "500");
    assert_eq!(owner.says().unwrap(), "owns");
    owner.tell("");
    assert_eq!(owner.says().unwrap(), "ok ok true");

    first.network("down");
    owner.tell("");
    let mut next = second.worker("crate next", "60000");
    assert_eq!(next.says().unwrap(), "own");
    let said = owner.says().unwrap();
    assert!(!said.contains("ok"), "{said}");
    first.network("up");
    // It hears of the loss by a renewal or a change, whichever gets through first.
    let mut told = Vec::new();
    while told
        .last()
        .is_none_or(|said| said != "LEASE_LOST LEASE_LOST false")
    {
        assert!(told.len() < 100, "{told:?}");
        owner.tell("");
        told.push(owner.says().unwrap());
        assert!(!told.iter().any(|said| said.contains("ok")), "{told:?}");
        // The kernel sends again when it likes, and reports nothing of it.
        std::thread::sleep(Duration::from_millis(20));
    }
    let session = sessions(&here).session("k").unwrap();
    assert_eq!(session.state().unwrap().load().unwrap().0, b"next");
    assert_eq!(texts(&session.journal().unwrap()), ["\"own\""]);
}
