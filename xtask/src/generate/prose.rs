//! Names and sentences, as each language writes them.

/// `LockTimeout` is `LOCK_TIMEOUT`.
pub fn upper(name: &str) -> String {
    let mut made = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !made.is_empty() {
            made.push('_');
        }
        made.extend(letter.to_uppercase());
    }
    made
}

/// The text in lines of at most `width` characters, each after `before`.
pub fn lines(before: &str, text: &str, width: usize) -> String {
    let mut made = String::new();
    let mut line = before.to_owned();
    for word in text.split_whitespace() {
        let is_first = line.len() == before.len();
        if !is_first && line.chars().count() + 1 + word.chars().count() > width {
            made.push_str(&line);
            made.push('\n');
            line = before.to_owned();
        }
        line.push(' ');
        line.push_str(word);
    }
    made + &line + "\n"
}

#[cfg(test)]
mod tests {
    use super::{lines, upper};

    #[test]
    fn names_are_spelled_as_constants() {
        assert_eq!(upper("LockTimeout"), "LOCK_TIMEOUT");
        assert_eq!(upper("Io"), "IO");
    }

    #[test]
    fn a_text_is_broken_between_words() {
        assert_eq!(
            lines("///", "one two three", 11),
            "/// one two\n/// three\n"
        );
    }
}
