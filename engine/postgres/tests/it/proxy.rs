//! A connection that breaks at a message of one's choice.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Client,
    Server,
}

/// How the connection breaks at the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// The message is lost.
    Before,
    /// Half of it arrives.
    Half,
    /// It arrives, and the answer is lost.
    After,
}

#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub from: From,
    /// The message, counted from when the plan was made.
    pub message: u32,
    pub how: Break,
}

/// Stands between clients and a server. It breaks one connection, once.
pub struct Proxy {
    pub dir: tempfile::TempDir,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    plan: Mutex<Option<Plan>>,
    seen: AtomicU32,
}

impl Proxy {
    pub fn new(server: &Path) -> Proxy {
        let dir = tempfile::tempdir_in("/tmp").unwrap();
        let listener = UnixListener::bind(dir.path().join(".s.PGSQL.5432")).unwrap();
        let state = Arc::new(State::default());
        let (server, shared) = (server.join(".s.PGSQL.5432"), state.clone());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let _ = serve(client.unwrap(), &server, &shared);
            }
        });
        Proxy { dir, state }
    }

    pub fn plan(&self, plan: Plan) {
        self.state.seen.store(0, Ordering::SeqCst);
        *self.state.plan.lock().unwrap() = Some(plan);
    }

    /// Takes the plan back; whether it was carried out.
    pub fn has_broken(&self) -> bool {
        self.state.plan.lock().unwrap().take().is_none()
    }
}

fn serve(client: UnixStream, server: &PathBuf, state: &Arc<State>) -> io::Result<()> {
    let server = UnixStream::connect(server)?;
    let pumps = [
        (client.try_clone()?, server.try_clone()?, From::Client),
        (server, client, From::Server),
    ];
    for (mut from, mut to, side) in pumps {
        let state = state.clone();
        std::thread::spawn(move || {
            // A startup message has no type.
            let mut typed = side == From::Server;
            while let Ok(message) = next(&mut from, typed) {
                typed = true;
                let how = state.breaks(side);
                let arrives = match how {
                    None | Some(Break::After) => &message[..],
                    Some(Break::Half) => &message[..message.len() / 2],
                    Some(Break::Before) => &[],
                };
                if to.write_all(arrives).is_err() || how.is_some() {
                    break;
                }
            }
            let _ = from.shutdown(std::net::Shutdown::Both);
            let _ = to.shutdown(std::net::Shutdown::Both);
        });
    }
    Ok(())
}

impl State {
    fn breaks(&self, side: From) -> Option<Break> {
        let mut plan = self.plan.lock().unwrap();
        let wanted = plan.filter(|plan| plan.from == side)?;
        if self.seen.fetch_add(1, Ordering::SeqCst) != wanted.message {
            return None;
        }
        plan.take();
        Some(wanted.how)
    }
}

fn next(from: &mut UnixStream, typed: bool) -> io::Result<Vec<u8>> {
    let mut message = vec![0; if typed { 5 } else { 4 }];
    from.read_exact(&mut message)?;
    let length = message[message.len() - 4..]
        .try_into()
        .map(u32::from_be_bytes);
    let begun = message.len();
    message.resize(begun + length.unwrap() as usize - 4, 0);
    from.read_exact(&mut message[begun..])?;
    Ok(message)
}
