//! `examples/c-abi/`: other languages, through the C header.

use crate::command::{Run, on_path};
use crate::log::Log;
use crate::site::Site;
use crate::tools::system;
use anyhow::Result;
use std::path::Path;

/// What a language needs, and the Debian packages that it comes in.
const LANGUAGES: [(&str, &str); 6] = [
    ("go", "golang-go"),
    ("ruby", "ruby"),
    ("php", "php-cli"),
    ("luajit", "luajit"),
    (
        "/usr/share/java/jna.jar",
        "default-jdk-headless libjna-java",
    ),
    ("mcs", "mono-mcs mono-runtime"),
];

/// `run.py` names a language that is missing and can't be installed. If packages can be
/// installed, that is a failure.
pub fn test(site: &Site, log: &Log) -> Result<()> {
    let is_there = |need: &str| on_path(need) || Path::new(need).exists();
    let missing = LANGUAGES.iter().filter(|(need, _)| !is_there(need));
    let missing: Vec<_> = missing.map(|(_, packages)| *packages).collect();
    let installs = system::may_install();
    if installs && !missing.is_empty() {
        Run::new("apt-get").arg("update").log(log)?;
        system::install(&missing.join(" "), log)?;
    }
    Run::new("python3")
        .arg(site.root.join("examples/c-abi/run.py"))
        .arg("--prefix")
        .arg(site.dist_c())
        .args((!installs).then_some("--may-lack"))
        .dir(&site.root)
        .log(log)
}
