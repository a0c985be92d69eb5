//! Prints and changes JSON texts without decoding them, so that a number keeps
//! its digits and an object the order of its keys.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;

/// Adds line breaks, and two spaces per level.
pub fn pretty(text: &str) -> String {
    let mut made = String::with_capacity(text.len() * 2);
    let mut depth = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                made.push(c);
                while let Some(c) = chars.next() {
                    made.push(c);
                    match c {
                        '"' => break,
                        '\\' => made.extend(chars.next()),
                        _ => {}
                    }
                }
            }
            ' ' | '\t' | '\r' | '\n' => {}
            '{' | '[' => {
                made.push(c);
                while chars.next_if(|c| c.is_ascii_whitespace()).is_some() {}
                if let Some(end) = chars.next_if(|c| matches!(c, '}' | ']')) {
                    made.push(end);
                } else {
                    depth += 1;
                    break_line(&mut made, depth);
                }
            }
            '}' | ']' => {
                depth -= 1;
                break_line(&mut made, depth);
                made.push(c);
            }
            ',' => {
                made.push(c);
                break_line(&mut made, depth);
            }
            ':' => made.push_str(": "),
            _ => made.push(c),
        }
    }
    made
}

fn break_line(made: &mut String, depth: usize) {
    made.push('\n');
    made.extend(std::iter::repeat_n("  ", depth));
}

/// Splits a path such as `.message.role` or `.items.0` into its steps.
pub fn steps(path: &str) -> Result<Vec<&str>, String> {
    let Some(rest) = path.strip_prefix('.') else {
        return Err(format!(
            "{path:?} is not a path to a value: it must begin with a dot, as in .message.role"
        ));
    };
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    Ok(rest.split('.').collect())
}

type Object<'a> = HashMap<Cow<'a, str>, &'a RawValue>;

/// Returns the text of the value at a path; `None` if it has none.
pub fn select<'a>(text: &'a str, steps: &[&str]) -> Option<&'a str> {
    let Some((first, rest)) = steps.split_first() else {
        return Some(text.trim());
    };
    let inner = match text.trim_start().as_bytes().first()? {
        b'{' => {
            let object: Object<'a> = serde_json::from_str(text).ok()?;
            object.get(*first).map(|value| value.get())
        }
        b'[' => {
            let array: Vec<&'a RawValue> = serde_json::from_str(text).ok()?;
            array
                .get(first.parse::<usize>().ok()?)
                .map(|value| value.get())
        }
        _ => None,
    };
    select(inner?, rest)
}

/// Returns the texts of the members with these names, as far as the object has them.
pub fn members<'a, const N: usize>(text: &'a str, names: [&str; N]) -> [Option<&'a str>; N] {
    let object: Object<'a> = serde_json::from_str(text).unwrap_or_default();
    names.map(|name| object.get(name).map(|value| value.get()))
}

/// Returns the text with another value at a path. A missing last step is added.
pub fn set(text: &str, steps: &[&str], value: &str) -> Result<String, String> {
    let Some((last, parents)) = steps.split_last() else {
        return Ok(value.to_owned());
    };
    if let Some(old) = select(text, steps) {
        return Ok(spliced(text, old, value));
    }
    let parent =
        select(text, parents).ok_or_else(|| format!(".{} does not exist", parents.join(".")))?;
    let key = serde_json::to_string(last).map_err(|error| error.to_string())?;
    let inner = parent.trim();
    let added = match inner.as_bytes().first() {
        Some(b'{') => format!("{key}:{value}"),
        Some(b'[') if *last == "+" => value.to_owned(),
        _ => return Err(format!(".{} is not an object", parents.join("."))),
    };
    let body = inner[1..inner.len() - 1].trim_end();
    let comma = if body.trim().is_empty() { "" } else { "," };
    let (open, close) = (&inner[..1], &inner[inner.len() - 1..]);
    Ok(spliced(
        text,
        parent,
        &format!("{open}{body}{comma}{added}{close}"),
    ))
}

/// Returns the text without the value at a path; `None` if it has none.
pub fn removed(text: &str, steps: &[&str]) -> Result<Option<String>, String> {
    let Some((last, parents)) = steps.split_last() else {
        return Err("the whole value can't be removed: remove the file".to_owned());
    };
    if select(text, steps).is_none() {
        return Ok(None);
    }
    let parent = select(text, parents).unwrap_or(text);
    // The keys keep the order of the text.
    let made = if parent.trim_start().starts_with('{') {
        let left = entries(parent)?.into_iter().filter(|(key, _)| key != last);
        let left: Result<Vec<_>, String> = left
            .map(|(key, value)| {
                let key = serde_json::to_string(&key).map_err(|error| error.to_string())?;
                Ok(format!("{key}:{value}"))
            })
            .collect();
        format!("{{{}}}", left?.join(","))
    } else {
        let array: Vec<&RawValue> =
            serde_json::from_str(parent).map_err(|error| error.to_string())?;
        let at: usize = last
            .parse()
            .map_err(|_| format!("{last:?} is not an index"))?;
        let left = array.iter().enumerate().filter(|(n, _)| *n != at);
        let left: Vec<_> = left.map(|(_, value)| value.get()).collect();
        format!("[{}]", left.join(","))
    };
    Ok(Some(spliced(text, parent, &made)))
}

fn entries(object: &str) -> Result<Vec<(String, &str)>, String> {
    struct InOrder<'a>(Vec<(String, &'a RawValue)>);
    impl<'de> serde::Deserialize<'de> for InOrder<'de> {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = InOrder<'de>;
                fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    formatter.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Self::Value, A::Error> {
                    let mut entries = Vec::new();
                    while let Some(entry) = map.next_entry()? {
                        entries.push(entry);
                    }
                    Ok(InOrder(entries))
                }
            }
            from.deserialize_map(Visitor)
        }
    }
    let found: InOrder<'_> = serde_json::from_str(object).map_err(|error| error.to_string())?;
    Ok(found
        .0
        .into_iter()
        .map(|(key, value)| (key, value.get()))
        .collect())
}

/// `part` is a part of `text`, not a copy.
fn spliced(text: &str, part: &str, by: &str) -> String {
    let at = part.as_ptr() as usize - text.as_ptr() as usize;
    format!("{}{by}{}", &text[..at], &text[at + part.len()..])
}

#[cfg(test)]
mod tests {
    use super::{pretty, removed, select, set, steps};

    #[test]
    fn digits_and_order_are_kept() {
        let text = r#"{"z":12345678901234567890123,"a":[1e999, {}, [ ]],"s":"a\"{,:"}"#;
        let shown = pretty(text);
        assert_eq!(
            shown,
            "{\n  \"z\": 12345678901234567890123,\n  \"a\": [\n    1e999,\n    {},\n    []\n  ],\n  \"s\": \"a\\\"{,:\"\n}"
        );
    }

    #[test]
    fn paths() {
        let text = r#"{"a":{"b":[1,{"c":"x"}]},"d":null}"#;
        assert_eq!(select(text, &steps(".a.b.1.c").unwrap()), Some("\"x\""));
        assert_eq!(select(text, &steps(".").unwrap()), Some(text));
        assert_eq!(select(text, &steps(".d").unwrap()), Some("null"));
        assert_eq!(select(text, &steps(".a.x").unwrap()), None);
        assert_eq!(select(text, &steps(".a.b.7").unwrap()), None);
        assert!(steps("a").is_err());
    }

    #[test]
    fn a_change_leaves_the_rest_as_it_is_written() {
        let text = r#"{ "a" : {"n": 1.0 } , "b":[ ] }"#;
        assert_eq!(
            set(text, &["a", "n"], "2").unwrap(),
            r#"{ "a" : {"n": 2 } , "b":[ ] }"#
        );
        assert_eq!(
            set(text, &["a", "m"], "2").unwrap(),
            r#"{ "a" : {"n": 1.0,"m":2} , "b":[ ] }"#
        );
        assert_eq!(
            set(text, &["b", "+"], "2").unwrap(),
            r#"{ "a" : {"n": 1.0 } , "b":[2] }"#
        );
        assert_eq!(set("{}", &["x"], "true").unwrap(), r#"{"x":true}"#);
        assert!(set(text, &["x", "y"], "1").is_err());
        assert_eq!(
            removed(text, &["a", "n"]).unwrap().unwrap(),
            r#"{ "a" : {} , "b":[ ] }"#
        );
        assert_eq!(removed("[1,2,3]", &["1"]).unwrap().unwrap(), "[1,3]");
        assert_eq!(removed(text, &["x"]).unwrap(), None);
    }
}
