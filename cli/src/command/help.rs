//! `untorn help TOPIC` and the completion scripts.

use clap::CommandFactory;

use crate::args::Args;
use crate::exit::{Result, USAGE};
use crate::output::Output;

const TOPICS: [(&str, &str); 4] = [
    ("files", include_str!("../../topics/files.txt")),
    ("durability", include_str!("../../topics/durability.txt")),
    ("errors", include_str!("../../topics/errors.txt")),
    ("json", include_str!("../../topics/json.txt")),
];

pub fn run(topic: Option<&str>, out: &mut Output) -> Result {
    let Some(topic) = topic else {
        Args::command().print_long_help()?;
        return Ok(0);
    };
    if let Some((_, text)) = TOPICS.iter().find(|(name, _)| *name == topic) {
        out.line(text.trim_end())?;
        return Ok(0);
    }
    let mut all = Args::command();
    if let Some(command) = all.find_subcommand_mut(topic) {
        command.print_long_help()?;
        return Ok(0);
    }
    let names: Vec<_> = TOPICS.iter().map(|(name, _)| *name).collect();
    out.complain(&format!(
        "unknown topic {topic:?}; topics are {}, and every command",
        names.join(", ")
    ));
    Ok(USAGE)
}

pub fn version(out: &mut Output) -> Result {
    let version = env!("CARGO_PKG_VERSION");
    if out.json {
        out.object(&serde_json::json!({ "version": version }))?;
    } else {
        out.line(format!("untorn {version}"))?;
    }
    Ok(0)
}

pub fn completions(shell: clap_complete::Shell) -> Result {
    clap_complete::generate(
        shell,
        &mut Args::command(),
        "untorn",
        &mut std::io::stdout(),
    );
    Ok(0)
}
