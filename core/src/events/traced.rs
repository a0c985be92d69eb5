//! Events for the `tracing` subscriber.

use tracing::level_filters::LevelFilter;
use tracing::{Level, Span};

use super::event::Event;
use super::words::Severity;

pub fn is_listening() -> bool {
    LevelFilter::current() >= Level::ERROR
}

/// Records the event below the span in which it happened.
pub fn record(event: &Event, span: &Span) {
    macro_rules! record {
        ($level:expr) => {
            tracing::event!(
                target: "untorn",
                parent: span,
                $level,
                kind = event.kind.as_str(),
                operation = event.operation,
                path = %event.path.display(),
                holder = event.holder.as_ref().map(|holder| holder.pid),
                waited_ms = event.waited.map(|waited| waited.as_millis() as u64),
                offset = event.offset,
                bytes = event.bytes,
                count = event.count,
                kept = event.kept.as_ref().map(|kept| tracing::field::display(kept.display())),
                damage = event.damage,
                "{event}"
            )
        };
    }
    match event.severity() {
        Severity::Info => record!(Level::INFO),
        Severity::Warning => record!(Level::WARN),
        Severity::Error => record!(Level::ERROR),
    }
}
