//! Events go to the subscriber of `tracing`, below the span in which they happened.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use untorn::Journal;

/// Writes down what it gets: the level, the target, the span, the fields.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let span = context.event_span(event).map_or("none", |span| span.name());
        let about = event.metadata();
        let mut fields = Fields(format!("{} {} in {span}:", about.level(), about.target()));
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }
}

#[test]
fn an_event_is_below_the_span_of_its_call() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    std::fs::write(&path, "[1]\n[2").unwrap();
    let seen = Seen::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(seen.clone()))
        .unwrap();
    tracing::info_span!("a_request").in_scope(|| {
        Journal::open(&path).unwrap().append(b"[3]").unwrap();
    });
    assert!(untorn::events::flush(Duration::from_secs(60)));
    let seen = seen.0.lock().unwrap();
    // The subscriber is the process's, and other tests have events too.
    let own = dir.path().to_str().unwrap();
    let own: Vec<_> = seen.iter().filter(|line| line.contains(own)).collect();
    let [line] = &own[..] else {
        panic!("{seen:?}");
    };
    assert!(line.starts_with("WARN untorn in a_request:"), "{line}");
    for field in [
        r#" kind="repaired""#,
        r#" operation="repair""#,
        " offset=4",
        " bytes=2",
        "j.torn",
        "a torn tail of 2 bytes at offset 4 was cut",
    ] {
        assert!(line.contains(field), "no {field} in {line}");
    }
}
