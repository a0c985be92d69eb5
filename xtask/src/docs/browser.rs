//! The built site in a headless browser, as a reader sees it.

use super::{build, index, packages, place};
use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use crate::tools::system;
use anyhow::{Context, Result};

/// Drives the browser; the last one that Node 20 can run.
pub const PUPPETEER: &str = "puppeteer-core@24.8.2";

const CHROMIUM: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

pub fn check(site: &Site, log: &Log) -> Result<()> {
    if !index(site).exists() {
        build(site, log)?;
    }
    let chromium = system::either(&CHROMIUM, "chromium", log)?;
    let chromium = Run::new("sh")
        .args(["-c", &format!("command -v {chromium}")])
        .read()?;
    let project = packages(site, log)?;
    // Node looks for packages beside the script.
    let script = project.join("look.mjs");
    std::fs::copy(site.root.join("site/browser/look.mjs"), &script)
        .with_context(|| format!("copy to {}", script.display()))?;
    Run::new("node")
        .arg(script)
        .arg(place(site))
        .arg(chromium.trim())
        .arg(site.own("docs-pictures"))
        .dir(&project)
        .log(log)
}
