//! Salvage, what `.torn` holds, and who waits for a lock. What is found goes as JSON.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use serde_json::{Value, json};
use untorn::tasks::Order;
use untorn::{CallOptions, Held, Salvage, TornEntry};

use crate::call::{How, blocking};
use crate::failure::{self, told};
use crate::journal::Journal;
use crate::lock::Lock;
use crate::port::Port;
use crate::values::Position;

#[napi]
impl Journal {
    #[napi(catch_unwind)]
    pub fn salvage_plan_sync(&self) -> napi::Result<String> {
        told(self.journal.salvage_plan()).map(|done| described(&done))
    }

    #[napi(catch_unwind)]
    pub fn salvage_plan(&self) -> u32 {
        self.read("salvage", untorn::Journal::salvage_plan, |_, done| {
            described(&done)
        })
    }

    #[napi(catch_unwind)]
    pub fn salvage_sync(&self, timeout: f64, lock: Option<&Lock>) -> napi::Result<String> {
        let call = blocking(timeout, lock);
        told(self.journal.salvage_with(&call)).map(|done| described(&done))
    }

    #[napi(catch_unwind)]
    pub fn salvage(&self, try_once: bool, lock: Option<&Lock>) -> u32 {
        let work = |journal: &untorn::Journal, call: &CallOptions<'_>| journal.salvage_with(call);
        self.change("salvage", How::new(try_once, lock), work, |_, done| {
            described(&done)
        })
    }

    #[napi(catch_unwind)]
    pub fn torn_sync(&self) -> napi::Result<String> {
        told(self.journal.torn()).map(|found| listed(&found))
    }

    #[napi(catch_unwind)]
    pub fn torn(&self) -> u32 {
        self.read("torn", untorn::Journal::torn, |_, found| listed(&found))
    }

    #[napi(catch_unwind)]
    pub fn torn_bytes_sync(&self, number: f64) -> napi::Result<Buffer> {
        told(self.journal.torn_bytes(number as u64)).map(Buffer::from)
    }

    #[napi(catch_unwind)]
    pub fn torn_bytes(&self, number: f64) -> u32 {
        let read = move |journal: &untorn::Journal| journal.torn_bytes(number as u64);
        self.read("torn", read, |_, bytes| Buffer::from(bytes))
    }

    #[napi(catch_unwind)]
    pub fn restore_torn_sync(
        &self,
        number: f64,
        timeout: f64,
        lock: Option<&Lock>,
    ) -> napi::Result<Position> {
        let call = blocking(timeout, lock);
        told(self.journal.restore_torn_with(number as u64, &call)).map(Position::from)
    }

    #[napi(catch_unwind)]
    pub fn restore_torn(&self, number: f64, try_once: bool, lock: Option<&Lock>) -> u32 {
        let work = move |journal: &untorn::Journal, call: &CallOptions<'_>| {
            journal.restore_torn_with(number as u64, call)
        };
        self.change("append", How::new(try_once, lock), work, |_, end| {
            Position::from(end)
        })
    }

    #[napi(catch_unwind)]
    pub fn prune_torn_sync(
        &self,
        older_than: f64,
        timeout: f64,
        lock: Option<&Lock>,
    ) -> napi::Result<f64> {
        let call = blocking(timeout, lock);
        told(
            self.journal
                .prune_torn_with(milliseconds(older_than), &call),
        )
        .map(|n| n as f64)
    }

    #[napi(catch_unwind)]
    pub fn prune_torn(&self, older_than: f64, try_once: bool, lock: Option<&Lock>) -> u32 {
        let work = move |journal: &untorn::Journal, call: &CallOptions<'_>| {
            journal.prune_torn_with(milliseconds(older_than), call)
        };
        self.change("prune_torn", How::new(try_once, lock), work, |_, n| {
            n as f64
        })
    }
}

#[napi]
impl Port {
    #[napi(catch_unwind)]
    pub fn waiters(&self, path: String) -> u32 {
        let path: Arc<Path> = Path::new(&path).into();
        let asked = Arc::clone(&path);
        self.inner().run(
            Order::Read,
            ("waiters", &path),
            false,
            move |_| untorn::waiters(&asked),
            |_, found| processes(&found).to_string(),
        )
    }

    #[napi(catch_unwind)]
    pub fn waiters_sync(&self, path: String) -> napi::Result<String> {
        told(untorn::waiters(path)).map(|found| processes(&found).to_string())
    }

    #[napi(catch_unwind)]
    pub fn held_below(&self, dir: String) -> u32 {
        let dir: Arc<Path> = Path::new(&dir).into();
        let asked = Arc::clone(&dir);
        self.inner().run(
            Order::Read,
            ("held", &dir),
            false,
            move |_| untorn::held_below(&asked),
            |_, found| held(&found),
        )
    }

    #[napi(catch_unwind)]
    pub fn held_below_sync(&self, dir: String) -> napi::Result<String> {
        told(untorn::held_below(dir)).map(|found| held(&found))
    }
}

pub fn milliseconds(number: f64) -> Duration {
    Duration::from_secs_f64((number / 1000.0).clamp(0.0, 1e12))
}

fn described(done: &Salvage) -> String {
    let line = |line: &untorn::SalvagedLine| {
        json!({
            "kind": line.kind.as_str(),
            "offset": line.offset,
            "length": line.length,
            "line": line.line,
            "records": line.records,
            "kept": line.kept,
            "nuls": line.nuls,
        })
    };
    let tail = done.tail.map(|repair| {
        json!({
            "offset": repair.offset,
            "cut": repair.cut,
            "newlineAdded": repair.newline_added,
        })
    });
    json!({
        "lines": done.lines.iter().map(line).collect::<Vec<_>>(),
        "lineCount": done.line_count,
        "records": done.records,
        "kept": done.kept,
        "nuls": done.nuls,
        "left": done.left,
        "tail": tail,
    })
    .to_string()
}

fn listed(found: &[TornEntry]) -> String {
    let entries: Vec<_> = found
        .iter()
        .map(|entry| {
            json!({
                "number": entry.number,
                "time": entry.time,
                "offset": entry.offset,
                "length": entry.length,
                "nuls": entry.nuls,
                "why": entry.why,
            })
        })
        .collect();
    Value::from(entries).to_string()
}

fn processes(found: &[untorn::Process]) -> Value {
    found.iter().map(untorn::Process::to_json).collect()
}

fn held(found: &[Held]) -> String {
    let all: Vec<_> = found
        .iter()
        .map(|held| {
            json!({
                "path": held.path,
                "holder": failure::holder(&held.holder),
                "waiters": processes(&held.waiters),
            })
        })
        .collect();
    Value::from(all).to_string()
}
