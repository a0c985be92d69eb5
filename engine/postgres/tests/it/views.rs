//! Bytes are kept as they are, and records are rows.

use postgres::Client;

use crate::client::{append, commit, read_all};
use crate::store::store;

/// The rows that `lines` must have, by the definition of a record.
fn expected(bytes: &[u8]) -> Vec<(i64, Vec<u8>)> {
    let mut rows = Vec::new();
    let mut start = 0;
    for (end, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        let line = &bytes[start..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.is_empty() {
            rows.push((start as i64, line.to_vec()));
        }
        start = end + 1;
    }
    rows
}

fn lines(client: &mut Client, key: &str) -> Vec<(i64, Vec<u8>)> {
    let query =
        "select start, bytes from lines where key = $1 and name = 'session.jsonl' order by start";
    let rows = client.query(query, &[&key]).unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[test]
fn bytes_of_every_kind_are_kept_and_their_records_are_rows() {
    let mut c = store().connect();
    let mut random = fastrand::Rng::with_seed(7);
    for (i, most) in [10, 1000, 100_000, 700_000].into_iter().enumerate() {
        let key = format!("k{i}");
        let mut all = Vec::new();
        for _ in 0..6 {
            let mut piece: Vec<u8> = (0..random.usize(1..most)).map(|_| random.u8(..)).collect();
            // Many newlines, some after a CR, NULs in a run, and a torn tail.
            for byte in &mut piece {
                if random.u8(..16) == 0 {
                    *byte = *random.choice(b"\n\n\r\0").unwrap();
                }
            }
            append(&mut c, &key, &piece);
            all.extend(piece);
        }
        for most in [777, 1 << 18, 1 << 24] {
            if all.len() / most < 2000 {
                assert!(read_all(&mut c, &key, "session.jsonl", most as i32).unwrap() == all);
            }
        }
        assert!(lines(&mut c, &key) == expected(&all), "records of {key}");
        commit(
            &mut c,
            &key,
            &[("put", "copy", &all, None, None)],
            None,
            None,
            false,
        )
        .unwrap();
        assert!(read_all(&mut c, &key, "copy", 1 << 24).unwrap() == all);
    }
}

#[test]
fn a_record_may_be_written_in_pieces_and_a_torn_tail_is_no_row() {
    let mut c = store().connect();
    for piece in [
        b"{\"a\":".as_slice(),
        b"1}",
        b"\r\n\n{\"b",
        b"\":\"\xc3\xa9\"}\n\xff\n{\"torn",
    ] {
        append(&mut c, "k", piece);
    }
    let rows = c
        .query("select start, line, bytes from lines where key = 'k'", &[])
        .unwrap();
    let found: Vec<(i64, Option<String>)> =
        rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(
        found,
        [
            (0, Some("{\"a\":1}".into())),
            (10, Some("{\"b\":\"é\"}".into())),
            (21, None)
        ]
    );
    assert_eq!(rows[2].get::<_, Vec<u8>>(2), b"\xff");
    let sum = "select sum((line::jsonb ->> 'a')::int) from lines where line is not null";
    assert_eq!(
        c.query_one(sum, &[]).unwrap().get::<_, Option<i64>>(0),
        Some(1)
    );
}

#[test]
fn a_read_sees_one_instant() {
    let store = store();
    let mut c = store.connect();
    let whole = |letter: u8| vec![letter; 600_000];
    let put = move |c: &mut Client, letter| {
        commit(
            c,
            "k",
            &[("put", "d", &whole(letter), None, None)],
            None,
            None,
            false,
        )
        .unwrap()
    };
    put(&mut c, b'a');
    let mut writer = store.connect();
    let writes = std::thread::spawn(move || {
        for letter in b'b'..=b'm' {
            put(&mut writer, letter);
        }
    });
    while !writes.is_finished() {
        let row = c
            .query_one("select * from read('k', 'd', 0, 1000000)", &[])
            .unwrap();
        let bytes: Vec<u8> = row.get("bytes");
        assert_eq!(bytes.len(), 600_000);
        assert!(
            bytes.iter().all(|byte| *byte == bytes[0]),
            "a mixture of two documents"
        );
    }
    writes.join().unwrap();
}
