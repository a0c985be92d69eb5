//! Measures the crate on a server, each figure next to its floor of the same run:
//!
//! ```sh
//! cargo run --release -p untorn-postgres --example measure -- "host=/run/postgresql user=me dbname=test"
//! ```
//!
//! It makes the schema `untorn_measure` and removes it. `slow_flush.c` says how it runs on
//! a slower medium.
#![allow(clippy::print_stdout, reason = "a program that prints figures")]

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use postgres::fallible_iterator::FallibleIterator;
use postgres::{Client, Error, NoTls};
use untorn_postgres::{Connections, Journal, Prepared, Store};

/// How long each figure is taken, and how often.
const TIME: Duration = Duration::from_secs(2);
const ROUNDS: usize = 5;

/// A plain row, with the server's own settings. All statements are prepared.
const FLOOR: &str = "insert into plain values ($1)";
/// An append as one bare statement: less than an update and an insert can't be. It waits for
/// the medium with the row locked.
const NAIVE: &str = "with j as (update naive set size = size + octet_length($2::bytea) where id = $1 \
    returning size - octet_length($2::bytea) as start) insert into naive_chunk select $1, start, $2 from j";
/// An append as `psql` has it.
const CALL: &str = "call append('s' || $1::int, 'session.jsonl', $2)";

fn main() -> Result<(), Error> {
    let url = std::env::args()
        .nth(1)
        .or_else(|| std::env::var("UNTORN_TEST_POSTGRES").ok())
        .unwrap_or_default();
    let connect = || -> Result<Client, Error> {
        let mut client = Client::connect(&url, NoTls)?;
        client.batch_execute("set search_path = untorn_measure")?;
        Ok(client)
    };
    let mut client = connect()?;
    client.batch_execute("drop schema if exists untorn_measure cascade")?;
    untorn_postgres::migrate(&mut client, "untorn_measure").expect("the schema can be made");
    client.batch_execute(
        "create table plain (b bytea); create table naive (id int primary key, size bigint) with (fillfactor = 50); \
         create table naive_chunk (id int, start bigint, bytes bytea, primary key (id, start)); \
         insert into naive select n, 0 from generate_series(0, 7) n",
    )?;
    // One that is missing could not be watched.
    for journal in 0..8 {
        let make = format!("call append('f{journal}', 'session.jsonl', '1\n')");
        client.batch_execute(&make)?;
    }
    let run = |sql: &'static str, writers: i32, journals: i32, batch: usize| {
        rate(&connect, sql, writers, journals, batch)
    };
    // The rates behind the ratios, as this machine is just now.
    let show = |what: &str, rate: f64| {
        println!("{what:<56} {rate:.0}/s");
        rate
    };
    // The rounds of all figures alternate, as other work on the machine comes and goes.
    let mut ratios: Vec<(&str, Vec<f64>)> = Vec::new();
    let mut note = |what, ratio: f64| match ratios.iter_mut().find(|(name, _)| *name == what) {
        Some((_, all)) => all.push(ratio),
        None => ratios.push((what, vec![ratio])),
    };
    for _ in 0..ROUNDS {
        let plain = show("plain insert", run(FLOOR, 1, 1, 1)?);
        let bare = show("bare update and insert", run(NAIVE, 1, 1, 1)?);
        note("bare update and insert / plain insert", bare / plain);
        let one = show("append", appends(&url, ('s', 1, 1), true, 1));
        note("1 writer / plain insert", one / plain);
        note("1 writer / bare update and insert", one / bare);
        let call = show("append by `call`", run(CALL, 1, 1, 1)?);
        note("1 writer by `call` / plain insert", call / plain);
        let naive = show(
            "8 writers on 1 journal, one statement a commit",
            run(NAIVE, 8, 1, 1)?,
        );
        let together = show(
            "8 threads with a handle of 1 journal",
            appends(&url, ('s', 8, 1), true, 1),
        );
        note(
            "8 threads with 1 handle / one statement a commit",
            together / naive,
        );
        let apart = show(
            "8 programs with 1 journal",
            appends(&url, ('s', 8, 1), false, 1),
        );
        note(
            "8 programs, 1 journal / one statement a commit",
            apart / naive,
        );
        let plain = show("8 plain inserters", run(FLOOR, 8, 8, 1)?);
        let bare = show("8 bare updates and inserts", run(NAIVE, 8, 8, 1)?);
        note(
            "8 bare updates and inserts / 8 plain inserters",
            bare / plain,
        );
        let followers = followers(&connect)?;
        let followed = show(
            "8 writers on 8 journals, followed",
            appends(&url, ('f', 8, 8), false, 1),
        );
        followers();
        note(
            "8 writers on 8 journals, followed / 8 plain inserters",
            followed / plain,
        );
        note(
            "8 writers on 8 journals, followed / 8 bare",
            followed / bare,
        );
        let batched = show("batches of 100", appends(&url, ('s', 1, 1), true, 100));
        note(
            "records of batches of 100 / single appends",
            batched * 100.0 / one,
        );
        let put = latency(
            &mut client,
            "call put('t', 'a', convert_to(repeat('x', 4096), 'UTF8'))",
        )?;
        let transaction = latency(
            &mut client,
            "call commit('t', '{put,put,put,append}', '{a,b,c,session.jsonl}', array[convert_to(repeat('x', 4096), 'UTF8'), \
             convert_to(repeat('x', 4096), 'UTF8'), convert_to(repeat('x', 4096), 'UTF8'), '1'::bytea])",
        )?;
        note(
            "3 saves and an append in a commit / one save",
            transaction / put,
        );
        note("follow, ms from call to bytes", follow(&connect)? * 1e3);
    }
    for (what, mut all) in ratios {
        all.sort_by(f64::total_cmp);
        println!(
            "{what:<56} median {:.2}, from {:.2} to {:.2}",
            all[ROUNDS / 2],
            all[0],
            all[ROUNDS - 1]
        );
    }
    client.batch_execute("drop schema untorn_measure cascade")
}

/// A connection, and the pool that takes it back.
struct Pooled(Option<Prepared>, Arc<Mutex<Vec<Prepared>>>);

impl Deref for Pooled {
    type Target = Prepared;

    fn deref(&self) -> &Prepared {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Prepared {
        self.0.as_mut().expect("it is there until it is dropped")
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let mut pool = self.1.lock().expect("the pool");
        pool.extend(self.0.take());
    }
}

/// A handle of a journal, with a pool of its own.
fn journal(url: &str, key: &str) -> Journal {
    let url = url.to_owned();
    let pool = Arc::new(Mutex::new(Vec::new()));
    let connect = move || -> Result<Pooled, Error> {
        let free = pool.lock().expect("the pool").pop();
        let client = match free {
            Some(client) => client,
            None => Client::connect(&url, NoTls)?.into(),
        };
        Ok(Pooled(Some(client), Arc::clone(&pool)))
    };
    let options = Store::options().journal_name("session.jsonl");
    let store = options.open(Connections::prepared(connect), "untorn_measure");
    let session = store.and_then(|store| store.session(key));
    session
        .and_then(|session| session.journal())
        .expect("a journal")
}

/// Appends a second of `writers` at once. They share handles, or each is like a program.
fn appends(
    url: &str,
    (session, writers, journals): (char, usize, usize),
    shared: bool,
    batch: usize,
) -> f64 {
    let record = format!("{{\"role\":\"user\",\"text\":\"{}\"}}", "x".repeat(171));
    let records = vec![record; batch];
    let mut handles: Vec<Journal> = Vec::new();
    for writer in 0..writers {
        let handle = match handles.get(writer % journals) {
            Some(handle) if shared => handle.clone(),
            _ => journal(url, &format!("{session}{}", writer % journals)),
        };
        // It connects, and learns its way.
        handle.append_all(&records).expect("an append");
        handle.append_all(&records).expect("an append");
        handles.push(handle);
    }
    let done = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for handle in &handles {
            let (records, done) = (&records, &done);
            scope.spawn(move || {
                let began = Instant::now();
                while began.elapsed() < TIME {
                    handle.append_all(records).expect("an append");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    done.into_inner() as f64 / TIME.as_secs_f64()
}

/// Calls a second of `writers` at once.
fn rate(
    connect: &(dyn Fn() -> Result<Client, Error> + Sync),
    sql: &str,
    writers: i32,
    journals: i32,
    batch: usize,
) -> Result<f64, Error> {
    let record = format!("{{\"role\":\"user\",\"text\":\"{}\"}}\n", "x".repeat(171));
    let bytes = record.repeat(batch).into_bytes();
    let done = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..writers)
            .map(|writer| {
                let (bytes, done) = (&bytes, &done);
                scope.spawn(move || -> Result<(), Error> {
                    let mut client = connect()?;
                    let statement = client.prepare(sql)?;
                    let journal = writer % journals;
                    let began = Instant::now();
                    while began.elapsed() < TIME {
                        match statement.params().len() {
                            1 => client.execute(&statement, &[bytes])?,
                            _ => client.execute(&statement, &[&journal, bytes])?,
                        };
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(())
                })
            })
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().expect("a writer"))
    })?;
    Ok(done.into_inner() as f64 / TIME.as_secs_f64())
}

/// The median time of a statement, in seconds.
fn latency(client: &mut Client, sql: &str) -> Result<f64, Error> {
    let statement = client.prepare(sql)?;
    let mut times = Vec::new();
    for _ in 0..100 {
        let began = Instant::now();
        client.execute(&statement, &[])?;
        times.push(began.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// Two followers of two of the journals, which are none of the other figures'. The result ends them.
fn followers(connect: &dyn Fn() -> Result<Client, Error>) -> Result<impl FnOnce() + use<>, Error> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut threads = Vec::new();
    for journal in 0..2 {
        let mut client = connect()?;
        listen(&mut client, &format!("f{journal}"))?;
        let stop = stop.clone();
        threads.push(std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let mut notifications = client.notifications();
                let _ = notifications
                    .timeout_iter(Duration::from_millis(100))
                    .next();
            }
        }));
    }
    Ok(move || {
        stop.store(true, Ordering::Relaxed);
        threads
            .into_iter()
            .for_each(|thread| thread.join().expect("a follower"));
    })
}

fn listen(client: &mut Client, key: &str) -> Result<(), Error> {
    let channel: String = client
        .query_one("select channel($1, 'session.jsonl')", &[&key])?
        .get(0);
    client.batch_execute(&format!(
        "listen {channel}; select watch('{key}', 'session.jsonl')"
    ))
}

/// The median time from the call of an append to its bytes at a follower.
fn follow(connect: &dyn Fn() -> Result<Client, Error>) -> Result<f64, Error> {
    let (mut writer, mut follower) = (connect()?, connect()?);
    let append = "call append('followed', 'session.jsonl', '1\n')";
    writer.batch_execute(append)?;
    listen(&mut follower, "followed")?;
    let size = "select size from stat('followed')";
    let mut at: i64 = writer.query_one(size, &[])?.get(0);
    let mut times = Vec::new();
    for _ in 0..100 {
        let began = Instant::now();
        let write = std::thread::spawn(move || {
            writer.batch_execute(append)?;
            Ok::<_, Error>(writer)
        });
        follower.notifications().blocking_iter().next()?;
        let read = "select bytes from read('followed', 'session.jsonl', $1)";
        at += follower.query_one(read, &[&at])?.get::<_, Vec<u8>>(0).len() as i64;
        times.push(began.elapsed().as_secs_f64());
        writer = write.join().expect("a writer")?;
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
