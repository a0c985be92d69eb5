//! The npm tarball, with the addon for this platform inside.

use crate::command::Run;
use crate::progress::Log;
use crate::site::Site;
use crate::tools::node;
use anyhow::{Context, Result, bail};

const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

pub fn make(site: &Site, log: &Log) -> Result<()> {
    let dir = node::ensure_tools(site, log)?;
    node::npm(&dir).args(["run", "build"]).log(log)?;
    site.clear_dist_files("tgz")?;
    // npm packs only what lies in the package's own directory.
    for text in LICENCES {
        std::fs::copy(site.root.join(text), dir.join(text))
            .with_context(|| format!("copy {text}"))?;
    }
    node::npm(&dir)
        .args(["pack", "--pack-destination"])
        .arg(site.dist())
        .log(log)?;
    let tarball = site.dist_file("tgz")?;
    let listing = Run::new("tar").arg("-tzf").arg(&tarball).read()?;
    // npm leaves out, without a word, what `files` in package.json does not name.
    let texts = LICENCES.into_iter().chain(["README.md"]);
    for wanted in [".node", "index.js", "index.d.ts", "types/journal.d.ts"]
        .into_iter()
        .chain(texts)
    {
        if !listing.lines().any(|name| name.ends_with(wanted)) {
            bail!("{} has no {wanted} in it:\n{listing}", tarball.display());
        }
    }
    Ok(())
}
