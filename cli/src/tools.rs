//! The trees of tools that people have, from the table `tools.tsv`.

use std::path::PathBuf;

use crate::exit::{Failure, Result};

const TABLE: &str = include_str!("../tools.tsv");

struct Tree {
    tool: &'static str,
    variable: &'static str,
    directory: &'static str,
    below: &'static str,
}

/// Returns the names of the tools, in the order of the table.
pub fn names() -> Vec<&'static str> {
    trees().map(|tree| tree.tool).collect()
}

/// Returns the files and directories of a tool that exist here; of every tool for `all`.
pub fn paths(tool: &str) -> Result<Vec<PathBuf>> {
    if tool != "all" && !names().contains(&tool) {
        return Err(Failure::usage(format!(
            "unknown tool {tool:?}; known are {}, and all; any other tree is a path",
            names().join(", ")
        )));
    }
    let of_tool = |tree: &Tree| tool == "all" || tree.tool == tool;
    let all = trees()
        .filter(of_tool)
        .filter_map(|tree| Some((directory(&tree)?, tree)));
    let paths = all.flat_map(|(directory, tree)| {
        let below = tree.below.split(' ');
        below
            .map(move |name| directory.join(name))
            .collect::<Vec<_>>()
    });
    Ok(paths.filter(|path| path.exists()).collect())
}

fn trees() -> impl Iterator<Item = Tree> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let mut fields = line.split('\t');
        Some(Tree {
            tool: fields.next()?,
            variable: fields.next()?,
            directory: fields.next()?,
            below: fields.next()?,
        })
    })
}

fn directory(tree: &Tree) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(tree.variable).filter(|named| !named.is_empty()) {
        return Some(named.into());
    }
    match tree.directory.strip_prefix("~/") {
        Some(rest) => Some(std::env::home_dir()?.join(rest)),
        None => Some(tree.directory.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{names, trees};

    #[test]
    fn every_line_of_the_table_is_whole() {
        let text = super::TABLE;
        let lines = text.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(trees().count(), lines);
        assert!(names().len() >= 7);
        for tree in trees() {
            assert!(!tree.below.is_empty() && tree.directory.starts_with(['~', '.']));
        }
    }
}
