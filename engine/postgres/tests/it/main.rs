//! The protocol, on a server of the tests' own. The server needs a Unix system.
#![cfg(unix)]

mod client;
mod clocks;
mod conformance;
mod copy;
mod crash;
mod crate_failover;
mod crate_storm;
mod documents;
mod event_loop;
mod fold_cursor;
mod follow;
mod history;
mod hosts;
mod journal;
mod judge;
mod lease;
mod lease_storm;
mod leases;
mod lost_answers;
mod network;
mod page;
mod proxy;
mod retries;
mod rewrites;
mod rights;
mod scale;
mod selftest;
mod server;
mod sessions;
mod standby;
mod statements;
mod stopping;
mod store;
#[cfg(feature = "tokio-postgres")]
mod tokio;
mod transactions;
mod verbs;
mod views;
mod worker;
