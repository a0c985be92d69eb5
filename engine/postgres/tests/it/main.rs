//! The protocol, on a server of the tests' own. The server needs a Unix system.
#![cfg(unix)]

mod client;
mod crash;
mod history;
mod journal;
mod judge;
mod lease;
mod lease_storm;
mod network;
mod page;
mod proxy;
mod retries;
mod rights;
mod scale;
mod server;
mod standby;
mod store;
mod verbs;
mod views;
mod worker;
