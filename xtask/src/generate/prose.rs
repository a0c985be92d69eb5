//! Names and sentences, as each language writes them.

/// The words of a name in Rust: `LockTimeout` is `lock`, `timeout`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for letter in name.chars() {
        match words.last_mut() {
            Some(word) if !letter.is_uppercase() => word.push(letter),
            _ => words.push(letter.to_lowercase().collect()),
        }
    }
    words
}

/// `LockTimeout` is `LOCK_TIMEOUT`.
pub fn upper(name: &str) -> String {
    snake(name).to_uppercase()
}

/// `LockTimeout` is `lock_timeout`.
pub fn snake(name: &str) -> String {
    words(name).join("_")
}

/// `LockTimeout` is `lock-timeout`.
pub fn kebab(name: &str) -> String {
    words(name).join("-")
}

/// `lock_timeout` is `lockTimeout`.
pub fn camel(name: &str) -> String {
    let mut made = String::new();
    for word in name.split('_') {
        match word.chars().next() {
            Some(first) if !made.is_empty() => {
                made.extend(first.to_uppercase());
                made.push_str(&word[first.len_utf8()..]);
            }
            _ => made.push_str(word),
        }
    }
    made
}

/// The comments of C have no marks for code.
pub fn in_c(text: &str) -> String {
    text.replace('`', "")
}

/// The text in lines of at most `width` characters, each after `before`.
pub fn lines(before: &str, text: &str, width: usize) -> String {
    hanging(before, before, text, width)
}

/// The same, where the lines after the first begin otherwise.
pub fn hanging(first: &str, others: &str, text: &str, width: usize) -> String {
    let mut made = String::new();
    let mut line = first.to_owned();
    let mut is_new = true;
    for word in text.split_whitespace() {
        if !is_new && line.chars().count() + 1 + word.chars().count() > width {
            made.push_str(&line);
            made.push('\n');
            line = others.to_owned();
        }
        line.push(' ');
        line.push_str(word);
        is_new = false;
    }
    made + &line + "\n"
}

#[cfg(test)]
mod tests {
    use super::{camel, hanging, kebab, lines, snake, upper};

    #[test]
    fn names_are_spelled_as_each_language_does() {
        assert_eq!(upper("LockTimeout"), "LOCK_TIMEOUT");
        assert_eq!(upper("Io"), "IO");
        assert_eq!(snake("NotUtf8"), "not_utf8");
        assert_eq!(kebab("InPlace"), "in-place");
        assert_eq!(camel("cut_foreign_tail"), "cutForeignTail");
        assert_eq!(camel("keep"), "keep");
    }

    #[test]
    fn a_text_is_broken_between_words() {
        assert_eq!(
            lines("///", "one two three", 11),
            "/// one two\n/// three\n"
        );
        assert_eq!(hanging("-", " ", "one two", 5), "- one\n  two\n");
    }
}
