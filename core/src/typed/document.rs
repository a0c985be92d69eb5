//! A document that holds a value of one type.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::document::{self, Version, document_json};
use crate::error::{Error, ErrorKind, Result};

/// A document that holds a value of the type `T`. See the [module](crate::typed).
pub struct Document<T> {
    raw: document::Document,
    of: PhantomData<fn(T) -> T>,
}

impl document::Document {
    /// Loads and saves the document as a value of the type `T`.
    #[must_use]
    pub fn typed<T>(self) -> Document<T> {
        Document {
            raw: self,
            of: PhantomData,
        }
    }
}

impl<T> Document<T> {
    /// Returns the document of bytes, for all that has nothing to do with values.
    pub fn raw(&self) -> &document::Document {
        &self.raw
    }
}

impl<T: DeserializeOwned> Document<T> {
    /// Returns the value. Takes no lock.
    ///
    /// # Errors
    /// `NOT_FOUND`; `CORRUPT` if the file is not JSON, or is no such value.
    pub fn load(&self) -> Result<T> {
        self.load_version().map(|(value, _)| value)
    }

    /// Returns the value and its version.
    ///
    /// # Errors
    /// As [`Document::load`].
    pub fn load_version(&self) -> Result<(T, Version)> {
        let (bytes, version) = self.raw.load()?;
        Ok((self.decode(&bytes)?, version))
    }

    fn decode(&self, bytes: &[u8]) -> Result<T> {
        let path = self.raw.path();
        serde_json::from_str(document_json(path, bytes)?).map_err(|error| {
            let detail = format!("the document is not such a value: {error}");
            Error::new(ErrorKind::Corrupt, "load", path, detail).caused_by(error.into())
        })
    }
}

impl<T: Serialize> Document<T> {
    /// Replaces the whole document, whatever it was.
    ///
    /// # Errors
    /// `INVALID_RECORD` if `serde` can't write the value; also the errors of
    /// [`document::Document::save`].
    pub fn save(&self, value: &T) -> Result<Version> {
        self.raw.save(&self.encode(value)?)
    }

    /// Replaces the whole document if it still has this version; with `None`, if it is
    /// missing.
    ///
    /// # Errors
    /// `CONFLICT` or `ALREADY_EXISTS`; and as [`Document::save`].
    pub fn save_if(&self, version: Option<Version>, value: &T) -> Result<Version> {
        self.raw.save_if(version, &self.encode(value)?)
    }

    fn encode(&self, value: &T) -> Result<Vec<u8>> {
        serde_json::to_vec(value).map_err(|error| {
            let detail = format!("serde can't write the value: {error}; nothing was changed");
            Error::invalid_record("save", self.raw.path(), detail).caused_by(error.into())
        })
    }
}

impl<T: Serialize + DeserializeOwned> Document<T> {
    /// Changes the value in place, under one lock, so that no other writer's update is
    /// lost. A missing document begins with the default value. If `change` panics, the
    /// document is as it was.
    ///
    /// # Errors
    /// As [`Document::load`] without `NOT_FOUND`, and as [`Document::save`].
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R>
    where
        T: Default,
    {
        let mut result = None;
        self.try_update(|old| {
            let mut value = old.unwrap_or_default();
            result = Some(change(&mut value));
            Ok::<T, Error>(value)
        })?;
        result.ok_or_else(|| Error::internal("update", self.raw.path(), "nothing was changed"))
    }

    /// Replaces the value by what `change` makes of it, under one lock. `change` gets
    /// `None` if the document is missing. If it fails, the document is as it was.
    ///
    /// # Errors
    /// The error of `change`, and as [`Document::update`].
    pub fn try_update<E: From<Error>>(
        &self,
        change: impl FnOnce(Option<T>) -> std::result::Result<T, E>,
    ) -> std::result::Result<Version, E> {
        self.raw.try_update(|old| {
            let old = old.map(|bytes| self.decode(bytes)).transpose()?;
            Ok(self.encode(&change(old)?)?)
        })
    }
}

impl<T> fmt::Debug for Document<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}
