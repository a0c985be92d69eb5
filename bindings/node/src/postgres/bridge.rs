//! Statements on their way to JavaScript, and their answers.

use std::collections::HashMap;
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{FnArgs, Function, FunctionRef};
use napi_derive::napi;
use untorn_postgres::{Failure, Row};

use super::refusal::refused;
use super::text::Sent;
use crate::waker::Waker;

/// One thing that JavaScript is asked to do.
#[napi(object, object_from_js = false)]
pub struct Ask {
    /// `query`, `connect`, `disconnect`, `forget` or `lost`.
    pub kind: &'static str,
    /// The number of the answer; of a lease that is lost, its number.
    pub id: u32,
    pub pool: u32,
    /// The connection that carries the statement. Without it: any of the pool.
    pub connection: Option<u32>,
    pub sql: String,
    pub params: Vec<Sent>,
}

impl Ask {
    pub fn of(kind: &'static str, id: u32, pool: u32) -> Ask {
        Ask {
            kind,
            id,
            pool,
            connection: None,
            sql: String::new(),
            params: Vec::new(),
        }
    }
}

pub type Carry = FnArgs<(Vec<Ask>,)>;
type Answer = Result<Vec<Row>, Failure>;

/// The statements of one event loop. Its threads wait here.
pub struct Bridge {
    waker: Arc<Waker>,
    /// The loop's own thread, which must not wait for itself.
    thread: ThreadId,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    closed: bool,
    last: u32,
    asked: Vec<Ask>,
    waiting: HashMap<u32, mpsc::Sender<Answer>>,
    connections: HashMap<u32, Arc<Heard>>,
}

/// The notifications that a connection has brought.
#[derive(Default)]
pub struct Heard {
    news: Mutex<News>,
    changed: Condvar,
}

#[derive(Default)]
struct News {
    channels: Vec<String>,
    broken: bool,
}

impl Heard {
    /// Waits for this long at most. `None`: the connection broke.
    pub fn wait(&self, limit: Duration) -> Option<Vec<String>> {
        let nothing = |news: &mut News| news.channels.is_empty() && !news.broken;
        let news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(news, limit, nothing);
        let mut news = waited.unwrap_or_else(PoisonError::into_inner).0;
        let channels = std::mem::take(&mut news.channels);
        (!news.broken || !channels.is_empty()).then_some(channels)
    }

    /// The server has notified on this channel.
    pub fn notified(&self, channel: String) {
        self.add(|news| news.channels.push(channel));
    }

    /// The connection has ended.
    pub fn broke(&self) {
        self.add(|news| news.broken = true);
    }

    fn add(&self, change: impl FnOnce(&mut News)) {
        change(&mut self.news.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }
}

impl Bridge {
    /// Makes the bridge of this thread's loop.
    pub fn new(waker: Arc<Waker>) -> Arc<Bridge> {
        Arc::new(Bridge {
            waker,
            thread: thread::current().id(),
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether this is the loop's own thread.
    pub fn is_here(&self) -> bool {
        thread::current().id() == self.thread
    }

    /// Returns a number that no other statement, connection or lease has.
    pub fn number(&self) -> u32 {
        let mut state = self.state();
        state.last = state.last.wrapping_add(1);
        state.last
    }

    /// Asks for something without an answer.
    pub fn send(&self, ask: Ask) {
        let mut state = self.state();
        if state.closed {
            return;
        }
        state.asked.push(ask);
        drop(state);
        self.waker.wake();
    }

    /// Asks, and waits for the answer.
    pub fn ask(&self, make: impl FnOnce(u32) -> Ask) -> Answer {
        if self.is_here() {
            return Err(refused("the event loop can't wait for itself"));
        }
        let id = self.number();
        let (sender, answer) = mpsc::channel();
        {
            let mut state = self.state();
            if state.closed {
                return Err(ended());
            }
            state.waiting.insert(id, sender);
            state.asked.push(make(id));
        }
        self.waker.wake();
        answer.recv().unwrap_or_else(|_| Err(ended()))
    }

    pub fn answer(&self, id: u32, answer: Answer) {
        let waiting = self.state().waiting.remove(&id);
        if let Some(waiting) = waiting {
            // A thread that panicked does not wait any more.
            let _ = waiting.send(answer);
        }
    }

    /// Keeps what a connection hears, from before it is opened.
    pub fn listen(&self, connection: u32) -> Arc<Heard> {
        let heard = Arc::new(Heard::default());
        self.state()
            .connections
            .insert(connection, Arc::clone(&heard));
        heard
    }

    pub fn forget_connection(&self, connection: u32) {
        self.state().connections.remove(&connection);
    }

    pub fn heard(&self, connection: u32) -> Option<Arc<Heard>> {
        self.state().connections.get(&connection).map(Arc::clone)
    }

    /// The loop ends: nothing is answered any more.
    fn close(&self) {
        let (waiting, connections) = {
            let mut state = self.state();
            state.closed = true;
            state.asked.clear();
            (
                std::mem::take(&mut state.waiting),
                std::mem::take(&mut state.connections),
            )
        };
        drop(waiting);
        for heard in connections.into_values() {
            heard.broke();
        }
    }
}

fn ended() -> Failure {
    refused("the event loop whose pool carried the statements has ended")
}

/// The bridge of a loop, and the function that carries statements.
pub struct Statements {
    bridge: Arc<Bridge>,
    carry: FunctionRef<Carry, ()>,
}

impl Statements {
    pub fn new(bridge: &Arc<Bridge>, carry: &Function<'_, Carry, ()>) -> napi::Result<Statements> {
        Ok(Statements {
            bridge: Arc::clone(bridge),
            carry: carry.create_ref()?,
        })
    }

    pub fn bridge(&self) -> &Arc<Bridge> {
        &self.bridge
    }

    /// Hands over what was asked. On the event loop.
    pub fn pass_on(&self, env: &Env) -> napi::Result<()> {
        let asked = std::mem::take(&mut self.bridge.state().asked);
        if asked.is_empty() {
            return Ok(());
        }
        self.carry.borrow_back(env)?.call((asked,).into())
    }

    pub fn close(&self) {
        self.bridge.close();
    }
}
