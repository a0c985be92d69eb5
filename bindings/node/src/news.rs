//! News for an event loop: the library's events, and how far its long calls are.
//! They gather here, and the next wake-up of the loop takes them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};

use serde_json::{Value, json};
use untorn::Progress;
use untorn::events::Event;

use crate::failure;
use crate::values::out;
use crate::waker::Waker;

/// How many events wait for a loop at most. A loop that is blocked must not take all
/// memory.
const MOST: usize = 1024;

/// The loops of this process, the oldest first.
static LOOPS: Mutex<Vec<Weak<News>>> = Mutex::new(Vec::new());

/// The news that one loop has not taken.
pub struct News {
    waker: Arc<Waker>,
    gathered: Mutex<Gathered>,
}

#[derive(Default)]
struct Gathered {
    /// As JSON.
    events: Vec<String>,
    /// How many events had no room.
    dropped: u64,
    /// The last report of each call, by the call's number.
    progress: HashMap<u32, Progress>,
}

impl News {
    /// Opens the news of a loop. From the first one on, the library reports its events.
    pub fn open(waker: Arc<Waker>) -> Arc<News> {
        static SINK: Once = Once::new();
        let news = Arc::new(News {
            waker,
            gathered: Mutex::default(),
        });
        lock(&LOOPS).push(Arc::downgrade(&news));
        SINK.call_once(|| untorn::events::set_sink(tell_all));
        news
    }

    /// Keeps the progress of a call for the loop.
    pub fn report(&self, id: u32, progress: Progress) {
        lock(&self.gathered).progress.insert(id, progress);
        self.waker.wake();
    }

    /// Takes the events, each as JSON.
    pub fn events(&self) -> Vec<String> {
        let mut gathered = lock(&self.gathered);
        let mut events = std::mem::take(&mut gathered.events);
        let dropped = std::mem::take(&mut gathered.dropped);
        if dropped > 0 {
            let message = format!("events: {dropped} events came too fast, and were dropped");
            events.push(
                json!({
                    "kind": untorn::EventKind::Dropped.as_str(),
                    "severity": untorn::Severity::Warning.as_str(),
                    "operation": "events",
                    "path": "",
                    "message": message,
                    "count": dropped,
                })
                .to_string(),
            );
        }
        events
    }

    /// Takes the reports of the calls: number, done and total of each.
    pub fn progress(&self) -> Vec<f64> {
        let progress = std::mem::take(&mut lock(&self.gathered).progress);
        progress
            .into_iter()
            .flat_map(|(id, at)| [f64::from(id), out(at.done), out(at.total)])
            .collect()
    }

    /// Whether no older loop is open: that one warns the user.
    pub fn is_first(&self) -> bool {
        let mut loops = lock(&LOOPS);
        loops.retain(|news| news.strong_count() > 0);
        loops
            .first()
            .is_some_and(|first| std::ptr::eq(first.as_ptr(), self))
    }

    fn tell(&self, event: &str) {
        {
            let mut gathered = lock(&self.gathered);
            if gathered.events.len() >= MOST {
                gathered.dropped += 1;
                return;
            }
            gathered.events.push(event.to_owned());
        }
        self.waker.wake();
    }
}

/// The sink. It runs on a thread that holds no lock.
fn tell_all(event: &Event) {
    let loops: Vec<Arc<News>> = lock(&LOOPS).iter().filter_map(Weak::upgrade).collect();
    if loops.is_empty() {
        return;
    }
    let text = text_of(event);
    for news in loops {
        news.tell(&text);
    }
}

fn text_of(event: &Event) -> String {
    let mut told = json!({
        "kind": event.kind.as_str(),
        "severity": event.severity().as_str(),
        "operation": event.operation,
        "path": event.path.to_string_lossy(),
        "message": failure::in_javascript(&event.to_string(), event.operation, &event.path),
    });
    let kept = event.kept.as_ref().map(|kept| kept.to_string_lossy());
    let details: [(&str, Option<Value>); 8] = [
        ("holder", event.holder.as_ref().map(failure::holder)),
        (
            "waited",
            event.waited.map(|waited| json!(waited.as_secs_f64() * 1e3)),
        ),
        ("offset", event.offset.map(Value::from)),
        ("bytes", event.bytes.map(Value::from)),
        ("count", event.count.map(Value::from)),
        ("kept", kept.map(|kept| json!(kept))),
        ("damage", event.damage.map(Value::from)),
        ("detail", event.detail.as_deref().map(Value::from)),
    ];
    for (name, value) in details {
        if let Some(value) = value {
            told[name] = value;
        }
    }
    told.to_string()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
