//! `completions DIR`: writes a completion script for each shell, where a system package
//! puts it below `/usr/share`.

use std::fs::{File, create_dir_all};
use std::io;
use std::path::PathBuf;

use clap_complete::Shell;

const PLACES: [(Shell, &str, &str); 5] = [
    (Shell::Bash, "bash-completion/completions", "untorn"),
    (Shell::Zsh, "zsh/site-functions", "_untorn"),
    (Shell::Fish, "fish/vendor_completions.d", "untorn.fish"),
    (Shell::Elvish, "elvish/lib", "untorn.elv"),
    (Shell::PowerShell, "powershell", "untorn.ps1"),
];

fn main() -> io::Result<()> {
    let share = std::env::args_os().nth(1).map(PathBuf::from);
    let share = share.ok_or_else(|| io::Error::other("name a directory for the scripts"))?;
    for (shell, dir, name) in PLACES {
        let dir = share.join(dir);
        create_dir_all(&dir)?;
        let mut file = File::create(dir.join(name))?;
        clap_complete::generate(shell, &mut untorn_cli::command(), "untorn", &mut file);
    }
    Ok(())
}
