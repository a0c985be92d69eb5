//! The way of JavaScript's answers to the statements that wait for them.

use std::sync::Arc;

use napi::bindgen_prelude::{Either, Function, Uint8Array};
use napi_derive::napi;
use untorn_postgres::Failure;

use super::bridge::{Bridge, Carry, Statements};
use super::refusal::{refused, said};
use super::text;
use crate::port::Port;

#[napi]
pub struct PostgresBridge(Arc<Bridge>);

#[napi]
impl PostgresBridge {
    /// `carry(asks)` is called with what the library asks for. One for each port.
    #[napi(constructor, catch_unwind)]
    pub fn new(port: &Port, carry: Function<'_, Carry, ()>) -> napi::Result<PostgresBridge> {
        let inner = port.inner();
        let bridge = Bridge::new(inner.waker()?);
        inner.carry_statements(Statements::new(&bridge, &carry)?);
        Ok(PostgresBridge(bridge))
    }

    /// The rows of a statement: the type of each column, and all cells.
    #[napi(catch_unwind)]
    pub fn answer(&self, id: u32, types: Vec<u32>, cells: Vec<Option<Either<String, Uint8Array>>>) {
        let rows = text::rows(&types, cells).map_err(|why| Failure::Driver(why.into()));
        self.0.answer(id, rows);
    }

    /// The server answered with an error.
    #[napi(catch_unwind)]
    pub fn refuse(
        &self,
        id: u32,
        sqlstate: String,
        message: String,
        detail: Option<String>,
        hint: Option<String>,
    ) {
        let failure = said(sqlstate, message, detail, hint);
        self.0.answer(id, Err(failure));
    }

    /// There was no connection (`no_connection`), it broke (`no_answer`), or no later try
    /// can do better (`closed`).
    #[napi(catch_unwind)]
    pub fn fail(&self, id: u32, kind: String, message: String) {
        let failure = match kind.as_str() {
            "no_connection" => Failure::NoConnection(message.into()),
            "no_answer" => Failure::NoAnswer(message.into()),
            _ => refused(&message),
        };
        self.0.answer(id, Err(failure));
    }

    /// The server has notified on this channel.
    #[napi(catch_unwind)]
    pub fn notify(&self, connection: u32, channel: String) {
        if let Some(heard) = self.0.heard(connection) {
            heard.notified(channel);
        }
    }

    /// A connection that the library keeps has ended.
    #[napi(catch_unwind)]
    pub fn disconnected(&self, connection: u32) {
        if let Some(heard) = self.0.heard(connection) {
            heard.broke();
        }
    }

    /// Returns a number for a pool.
    #[napi(catch_unwind)]
    pub fn number(&self) -> u32 {
        self.0.number()
    }
}
