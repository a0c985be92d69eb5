//! The options that several commands have.

use std::time::Duration;

use clap::Args as ClapArgs;
use untorn::{CallOptions, Document, Durability, Format, Journal, JournalOptions, Scheme};

use crate::exit::Result;
use crate::when::span;

/// How files are opened.
#[derive(ClapArgs)]
pub struct Handle {
    /// Which failure a finished change survives: process or power
    #[arg(long, global = true, value_name = "WHAT", env = "UNTORN_DURABILITY", value_parser = durability, help_heading = "Files", hide_env = true)]
    pub durability: Option<Durability>,
    /// Which lock all programs use for the file: sidecar, in-place or pid-file
    #[arg(long, global = true, value_name = "SCHEME", env = "UNTORN_SCHEME", value_parser = scheme, help_heading = "Files", hide_env = true)]
    pub scheme: Option<Scheme>,
    /// Read the first line as a header if it begins with this text
    #[arg(
        long,
        global = true,
        value_name = "TEXT",
        env = "UNTORN_HEADER_PREFIX",
        help_heading = "Files",
        hide_env = true
    )]
    pub header_prefix: Option<String>,
    /// The format of a record: json or lines
    #[arg(long, global = true, value_name = "FORMAT", env = "UNTORN_FORMAT", value_parser = format, help_heading = "Files", hide_env = true)]
    pub format: Option<Format>,
    /// Records have seals (a checksum each)
    #[arg(long, global = true, help_heading = "Files")]
    pub sealed: bool,
    /// Wait at most this long for a lock, such as 5s or 2m; 0 tries once
    #[arg(long, global = true, value_name = "TIME", env = "UNTORN_TIMEOUT", value_parser = span, help_heading = "Files", hide_env = true)]
    pub timeout: Option<Duration>,
}

fn durability(text: &str) -> std::result::Result<Durability, String> {
    text.parse()
}

fn scheme(text: &str) -> std::result::Result<Scheme, String> {
    text.parse()
}

fn format(text: &str) -> std::result::Result<Format, String> {
    match text {
        "json" => Ok(Format::Json),
        "lines" => Ok(Format::Lines),
        _ => Err("json or lines".to_owned()),
    }
}

impl Handle {
    pub fn journal(
        &self,
        path: impl AsRef<std::path::Path>,
        create: bool,
        parents: bool,
    ) -> Result<Journal> {
        let options = self.options().create(create).parents(parents);
        Ok(options.open(path)?)
    }

    fn options(&self) -> JournalOptions {
        let mut options = Journal::options().sealed(self.sealed).timeout(self.timeout);
        if let Some(durability) = self.durability {
            options = options.durability(durability);
        }
        if let Some(scheme) = self.scheme {
            options = options.scheme(scheme);
        }
        if let Some(format) = self.format {
            options = options.format(format);
        }
        if let Some(prefix) = &self.header_prefix {
            options = options.header_prefix(prefix.clone());
        }
        options
    }

    pub fn document(&self, path: impl AsRef<std::path::Path>) -> Result<Document> {
        let mut options = Document::options().timeout(self.timeout);
        if let Some(durability) = self.durability {
            options = options.durability(durability);
        }
        if let Some(scheme) = self.scheme {
            options = options.scheme(scheme);
        }
        Ok(options.open(path)?)
    }

    pub fn is_json(&self) -> bool {
        !matches!(self.format, Some(Format::Lines))
    }

    pub fn call(&self) -> CallOptions<'static> {
        match self.timeout {
            Some(limit) => CallOptions::new().timeout(Some(limit)),
            None => CallOptions::new(),
        }
    }
}

/// How records are printed.
#[derive(ClapArgs)]
pub struct Shape {
    /// One line per record, as in the file (the default in a pipe)
    #[arg(short, long, conflicts_with = "pretty")]
    pub compact: bool,
    /// With line breaks (the default on a terminal)
    #[arg(short, long)]
    pub pretty: bool,
    /// Print only this value of each record, such as .message.role
    #[arg(long, value_name = "PATH")]
    pub select: Option<String>,
}
