//! Owners of sessions, as the database has them: a line of JSON that names the process.

use untorn::Holder;

/// Returns the text of an owner.
pub(crate) fn text(owner: &Holder) -> String {
    serde_json::to_string(owner).unwrap_or_else(|_| owner.pid.to_string())
}

/// Returns the owner of a text. A text of another program (`psql`) becomes the label of
/// process 0.
pub(crate) fn of_text(text: &str) -> Holder {
    serde_json::from_slice(text.as_bytes()).unwrap_or_else(|_| nobody(Some(text)))
}

/// Returns an owner of whom only a label is known.
fn nobody(label: Option<&str>) -> Holder {
    let mut holder = untorn::engine::owner("");
    holder.pid = 0;
    holder.start = None;
    holder.boot = None;
    holder.namespace = None;
    holder.host = None;
    holder.since = None;
    holder.label = label.map(str::to_owned);
    holder
}
