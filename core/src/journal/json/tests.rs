//! The verdict is that of `serde_json`, whatever the bytes.

use super::is_value;

/// Texts that parsers of JSON get wrong, after the classes of JSONTestSuite. The letter
/// says whether it must be accepted (y) or refused (n).
const CASES: &[(char, &[u8])] = &[
    ('y', b"[]"),
    ('y', b"{}"),
    ('y', b" [ ] "),
    ('y', b"\t{\t}\r"),
    ('y', b"null"),
    ('y', b"true"),
    ('y', b"false"),
    ('y', b"\"\""),
    ('y', b"0"),
    ('y', b"-0"),
    ('y', b"-0.0e-0"),
    ('y', b"1E+2"),
    ('y', b"123456789012345678901234567890"),
    ('y', b"1e999"),
    ('y', b"[1,2,[3,{\"a\":[]}]]"),
    ('y', b"{\"a\":1,\"a\":2}"),
    ('y', b"{\"\":0}"),
    ('y', b"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD834\\uDd1e\""),
    ('y', b"\"\\ud800\""),
    ('y', b"\"\\udc00\\ud800\""),
    ('y', b"\"\\u0000\""),
    ('y', b"\"\x7f\""),
    ('y', "\"é€𝄞\u{2028}\u{feff}\"".as_bytes()),
    ('n', b""),
    ('n', b" "),
    ('n', b"\xef\xbb\xbf{}"),
    ('n', "\u{a0}1".as_bytes()),
    ('n', b"\x0c1"),
    ('n', b"\x0b[]"),
    ('n', b"\0"),
    ('n', b"[]\0"),
    ('n', b"[1,]"),
    ('n', b"[,1]"),
    ('n', b"[1,,2]"),
    ('n', b"[1 2]"),
    ('n', b"[1"),
    ('n', b"["),
    ('n', b"]"),
    ('n', b"[]]"),
    ('n', b"[}"),
    ('n', b"{]"),
    ('n', b"[{]}"),
    ('n', b"{"),
    ('n', b"{\"a\"}"),
    ('n', b"{\"a\":}"),
    ('n', b"{\"a\":1,}"),
    ('n', b"{,}"),
    ('n', b"{\"a\":1 \"b\":2}"),
    ('n', b"{a:1}"),
    ('n', b"{1:1}"),
    ('n', b"{'a':1}"),
    ('n', b"{\"a\"::1}"),
    ('n', b"{\"a\",1}"),
    ('n', b"[1:2]"),
    ('n', b"{}{}"),
    ('n', b"1 2"),
    ('n', b"[] x"),
    ('n', b"[]/**/"),
    ('n', b"01"),
    ('n', b"-01"),
    ('n', b"-"),
    ('n', b"+1"),
    ('n', b".5"),
    ('n', b"1."),
    ('n', b"1.e1"),
    ('n', b"1e"),
    ('n', b"1e+"),
    ('n', b"1e1.5"),
    ('n', b"0x1"),
    ('n', b"1_000"),
    ('n', b"NaN"),
    ('n', b"-Infinity"),
    ('n', b"nul"),
    ('n', b"nulll"),
    ('n', b"True"),
    ('n', b"truefalse"),
    ('n', b"\""),
    ('n', b"\"\\\""),
    ('n', b"\"\\"),
    ('n', b"\"\\x41\""),
    ('n', b"\"\\u12\""),
    ('n', b"\"\\u12g4\""),
    ('n', b"\"\\u 123\""),
    ('n', b"\"\\U0041\""),
    ('n', b"\"a\tb\""),
    ('n', b"\"a\0b\""),
    ('n', b"\"\x1f\""),
    ('n', b"'a'"),
    ('n', b"\"\x80\""),
    ('n', b"\"\xc0\x80\""),
    ('n', b"\"\xed\xa0\x80\""),
    ('n', b"\"\xf4\x90\x80\x80\""),
    ('n', b"\"\xe2\x82\""),
    ('n', b"[\xff]"),
];

fn by_serde(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
        // It does not look into the bytes of a string that it passes.
        && std::str::from_utf8(text).is_ok()
}

#[track_caller]
fn agrees(text: &[u8]) {
    let expected = by_serde(text) && !text.contains(&b'\n');
    assert_eq!(is_value(text), expected, "{}", text.escape_ascii());
}

#[test]
fn each_class_of_mistake_is_refused_and_nothing_else() {
    for (letter, text) in CASES {
        assert_eq!(is_value(text), *letter == 'y', "{}", text.escape_ascii());
        agrees(text);
    }
}

/// A token may begin at every offset of a block, and the line may end at each.
#[test]
fn the_verdict_is_the_same_at_every_offset() {
    for (_, text) in CASES {
        for before in 0..140 {
            let spaces = vec![b' '; before];
            agrees(&[&spaces[..], text].concat());
            agrees(&[&spaces[..], text, &spaces[..before.min(70)]].concat());
            let inside = [b"[\"", &vec![b'x'; before][..], b"\",", text, b"]"].concat();
            agrees(&inside);
        }
    }
}

#[test]
fn a_line_cut_at_any_byte_is_refused_as_serde_refuses_it() {
    for (_, text) in CASES {
        let line = [
            b"{\"role\":\"user\",\"text\":\"",
            &[b'y'; 90][..],
            b"\",\"n\":",
            text,
            b"}",
        ]
        .concat();
        (0..=line.len()).for_each(|end| agrees(&line[..end]));
    }
}

/// Changes whole lines at random, with the bytes that mean something.
#[test]
fn the_verdict_on_mutated_lines_is_that_of_serde() {
    const BYTES: &[u8] = b"\"\\{}[]:,ntfu0159-+.eE \t\r\n\0\x1f\x7f\x80\xc3\xa9\xe2\xf0\xff";
    let rounds = match std::env::var_os("UNTORN_DEEP") {
        Some(_) => 5_000_000,
        None => 60_000,
    };
    let mut random = fastrand::Rng::with_seed(2);
    let mut accepted = 0;
    for _ in 0..rounds {
        let mut line = Vec::new();
        for _ in 0..random.usize(1..4) {
            let (_, text) = CASES[random.usize(..CASES.len())];
            let around: [&[u8]; 2] = match random.u8(..5) {
                0 => [b"[", b"]"],
                1 => [b"{\"key\":", b"}"],
                2 => [
                    b"\"some text of a record that is longer than one block of bytes, ",
                    b"\"",
                ],
                3 => [b",", b""],
                _ => [b"", b""],
            };
            line = [around[0], &line, text, around[1]].concat();
        }
        for _ in 0..random.usize(..3) {
            let at = random.usize(..=line.len());
            let byte = BYTES[random.usize(..BYTES.len())];
            match random.u8(..3) {
                0 => line.insert(at, byte),
                1 if at < line.len() => drop(line.remove(at)),
                _ if at < line.len() => line[at] = byte,
                _ => {}
            }
        }
        agrees(&line);
        accepted += usize::from(is_value(&line));
    }
    assert!(accepted > rounds / 100, "{accepted} of {rounds}");
}

#[test]
fn a_line_may_nest_as_deep_as_it_is_long() {
    for depth in [63, 64, 65, 127, 128, 129, 1_000, 1_000_000] {
        let mut line = Vec::new();
        (0..depth).for_each(|n| line.extend_from_slice(if n % 3 == 0 { b"{\"\":" } else { b"[" }));
        line.extend_from_slice(b"0");
        (0..depth)
            .rev()
            .for_each(|n| line.push(if n % 3 == 0 { b'}' } else { b']' }));
        assert!(is_value(&line), "{depth}");
        // One that closes the wrong one.
        let last = line.len() - depth / 2 - 1;
        line[last] = if line[last] == b'}' { b']' } else { b'}' };
        assert!(!is_value(&line), "{depth}");
    }
}

#[test]
fn numbers_of_every_length_end_at_every_byte() {
    for length in 1..20 {
        let digits = &b"1234567890123456789"[..length];
        for end in 0..=u8::MAX {
            agrees(&[digits, &[end]].concat());
            // With more after it, so that eight bytes are there.
            agrees(&[b"[", digits, &[end], b"1,2,3,4,5,6,7]"].concat());
        }
        agrees(digits);
    }
}
