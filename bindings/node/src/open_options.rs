// Generated from spec/options.toml by `cargo xtask generate`. Do not edit.
//! The options of journals and documents.

use std::path::Path;

use napi::bindgen_prelude::{Either, Uint8Array};
use napi_derive::napi;

use crate::scheme::choose_scheme;
use crate::values::{bytes_of, whole, word};

#[napi(object)]
#[derive(Default)]
pub struct OpenOptions {
    pub max_record: Option<f64>,
    pub mode: Option<u32>,
    pub durability: Option<String>,
    pub format: Option<String>,
    pub create: Option<bool>,
    pub parents: Option<bool>,
    pub cut_foreign_tail: Option<bool>,
    pub scheme: Option<String>,
    pub on_unsupported: Option<String>,
    pub stale: Option<f64>,
    pub max_bytes: Option<f64>,
    pub keep: Option<f64>,
    pub header_prefix: Option<Either<String, Uint8Array>>,
    pub header_reserve: Option<f64>,
    pub header_mode: Option<String>,
    pub sealed: Option<bool>,
}

impl OpenOptions {
    pub fn journal(&self, path: &Path) -> napi::Result<untorn::JournalOptions> {
        let mut options = untorn::Journal::options();
        if let Some(n) = whole(self.max_record, "maxRecord", path)? {
            options = options.max_record(n);
        }
        options = options.mode(self.mode);
        if let Some(given) = &self.durability {
            options = options.durability(word(given, path)?);
        }
        if let Some(given) = &self.format {
            options = options.format(word(given, path)?);
        }
        if let Some(yes) = self.create {
            options = options.create(yes);
        }
        if let Some(yes) = self.parents {
            options = options.parents(yes);
        }
        if let Some(yes) = self.cut_foreign_tail {
            options = options.cut_foreign_tail(yes);
        }
        options = options.max_bytes(whole(self.max_bytes, "maxBytes", path)?);
        options = options
            .keep(whole(self.keep, "keep", path)?.map(|n| u32::try_from(n).unwrap_or(u32::MAX)));
        if let Some(data) = &self.header_prefix {
            options = options.header_prefix(bytes_of(data));
        }
        if let Some(n) = whole(self.header_reserve, "headerReserve", path)? {
            options = options.header_reserve(usize::try_from(n).unwrap_or(usize::MAX));
        }
        if let Some(given) = &self.header_mode {
            options = options.header_mode(word(given, path)?);
        }
        if let Some(yes) = self.sealed {
            options = options.sealed(yes);
        }
        Ok(choose_scheme!(options, self, "open", path))
    }

    pub fn document(&self, path: &Path) -> napi::Result<untorn::DocumentOptions> {
        let mut options = untorn::Document::options();
        options = options.mode(self.mode);
        if let Some(given) = &self.durability {
            options = options.durability(word(given, path)?);
        }
        if let Some(yes) = self.parents {
            options = options.parents(yes);
        }
        Ok(choose_scheme!(options, self, "open", path))
    }
}
