//! An answer that is lost is no answer: the retry finds out, whatever broke where.

use crate::client::{Terms, append_with, commit, new_id, read_all, records};
use crate::proxy::{Break, From, Plan, Proxy};
use crate::store::{Store, store};

/// Calls `change` with a connection through `proxy`, and again with a new one
/// until it has an answer.
fn until_answered<T>(
    proxied: &Store,
    proxy: &Proxy,
    plan: Plan,
    mut change: impl FnMut(&mut postgres::Client) -> Result<T, postgres::Error>,
) -> (T, bool) {
    let mut client = proxied.connect();
    proxy.plan(plan);
    loop {
        match change(&mut client) {
            Ok(answer) => return (answer, proxy.has_broken()),
            Err(error) => {
                assert!(error.as_db_error().is_none(), "{error:?}");
                client = proxied.connect();
            }
        }
    }
}

/// Runs `change` with each plan, until a plan's message is none that it has.
fn at_every_message(store: &Store, mut change: impl FnMut(&Store, &Proxy, Plan) -> bool) -> u32 {
    let proxy = Proxy::new(&store.dir);
    let proxied = Store {
        dir: proxy.dir.path().to_owned(),
        schema: store.schema.clone(),
    };
    let mut broken = 0;
    for from in [From::Client, From::Server] {
        for how in [Break::Before, Break::Half, Break::After] {
            for message in 0.. {
                if !change(&proxied, &proxy, Plan { from, message, how }) {
                    break;
                }
                broken += 1;
            }
        }
    }
    broken
}

#[test]
fn an_append_is_never_lost_and_never_twice_whatever_message_is_lost() {
    let store = store();
    let mut appended = Vec::new();
    let broken = at_every_message(&store, |proxied, proxy, plan| {
        let record = format!("\"{plan:?}\"");
        let terms = Terms {
            id: Some(new_id()),
            ..Terms::default()
        };
        let line = format!("{record}\n").into_bytes();
        let (answer, broke) =
            until_answered(proxied, proxy, plan, |c| append_with(c, "k", &line, &terms));
        appended.push((record, answer.end));
        broke
    });
    let mut end = 0;
    let found = records(&mut store.connect(), "k");
    let found: Vec<_> = found
        .into_iter()
        .map(|record| {
            end += record.len() as i64 + 1;
            (record, end)
        })
        .collect();
    assert_eq!(found, appended);
    assert!(broken > 30, "only {broken} messages");
}

#[test]
fn a_commit_that_ends_a_lease_is_made_once_whatever_message_is_lost() {
    let store = store();
    let mut direct = store.connect();
    let mut round = 0u64;
    at_every_message(&store, |proxied, proxy, plan| {
        let token = crate::client::claim(&mut direct, "k", "owner", "1 h").unwrap();
        let id = new_id();
        let count = (round + 1).to_string();
        round += 1;
        let changes = [
            ("append", "session.jsonl", b"1\n".as_slice(), None, None),
            ("put", "count", count.as_bytes(), None, None),
        ];
        let (_, broke) = until_answered(proxied, proxy, plan, |c| {
            commit(c, "k", &changes, Some(token), Some(&id), true)
        });
        broke
    });
    assert_eq!(records(&mut direct, "k").len() as u64, round);
    assert_eq!(
        read_all(&mut direct, "k", "count", 10).unwrap(),
        round.to_string().into_bytes()
    );
    let owners = "select count(*) from session where owner is not null";
    assert_eq!(direct.query_one(owners, &[]).unwrap().get::<_, i64>(0), 0);
}
