//! Comma-separated values, as RFC 4180 has them.

use serde_json::Value;

use crate::json;

/// Returns one line, with the columns in this order. A missing value is empty, a string
/// is its text, any other value is JSON.
pub fn line(record: &str, columns: &[String]) -> Result<String, String> {
    let mut fields = Vec::with_capacity(columns.len());
    for column in columns {
        let steps = json::steps(column)?;
        let value = json::select(record, &steps).unwrap_or("null");
        let text = match serde_json::from_str(value) {
            Ok(Value::Null) => String::new(),
            Ok(Value::String(text)) => text,
            _ => value.to_owned(),
        };
        fields.push(field(&text));
    }
    Ok(fields.join(","))
}

/// Returns the head of the columns.
pub fn head(columns: &[String]) -> String {
    let names = columns
        .iter()
        .map(|column| field(column.trim_start_matches('.')));
    names.collect::<Vec<_>>().join(",")
}

/// Returns the keys of an object as columns.
pub fn columns(record: &str) -> Vec<String> {
    match serde_json::from_str(record) {
        Ok(Value::Object(map)) => map.keys().map(|key| format!(".{key}")).collect(),
        _ => vec![".".to_owned()],
    }
}

fn field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{columns, head, line};

    #[test]
    fn quotes_and_nested_values() {
        let record = r#"{"a":"x,\"y\"\n","b":{"c":[1,2]},"d":null,"e":1.50}"#;
        let all = columns(record);
        assert_eq!(head(&all), "a,b,d,e");
        let text = line(record, &all).unwrap();
        assert_eq!(text, "\"x,\"\"y\"\"\n\",\"{\"\"c\"\":[1,2]}\",,1.50");
        let some = [".b.c.1".to_owned(), ".z".to_owned()];
        assert_eq!(line(record, &some).unwrap(), "2,");
        assert_eq!(columns("[1]"), ["."]);
    }
}
