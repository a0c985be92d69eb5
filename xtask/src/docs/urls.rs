//! The addresses of the project stand in the workspace's Cargo.toml. All other files
//! that name them must name the same.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("root");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn toml(path: &str) -> toml::Value {
    toml::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// `homepage`, which is the site, or `repository`.
fn address(kind: &str) -> String {
    let manifest = toml("Cargo.toml");
    let address = manifest["workspace"]["package"][kind].as_str();
    address.expect("an address").to_owned()
}

#[test]
fn every_manifest_has_the_same_addresses() {
    let (home, code) = (address("homepage"), address("repository"));
    for address in [&home, &code] {
        assert!(address.starts_with("https://"), "{address}");
    }
    for crate_ in ["core", "cli", "ffi", "engine/postgres"] {
        let manifest = toml(&format!("{crate_}/Cargo.toml"));
        for kind in ["homepage", "repository"] {
            let inherits = manifest["package"][kind]["workspace"].as_bool();
            assert_eq!(inherits, Some(true), "{crate_}: {kind}");
        }
        let pages = manifest["package"]["documentation"].as_str();
        assert!(pages.is_some_and(|pages| pages.starts_with("https://docs.rs/")));
        let readme = manifest["package"]["readme"].as_str().expect("a readme");
        assert!(!read(&format!("{crate_}/{readme}")).is_empty());
    }

    let python = toml("bindings/python/pyproject.toml");
    let named = |name: &str| {
        python["project"]["urls"][name]
            .as_str()
            .expect("a URL")
            .to_owned()
    };
    assert_eq!(named("Homepage"), home);
    assert_eq!(named("Repository"), code);
    assert_eq!(named("Documentation"), home);
    assert_eq!(named("Changelog"), format!("{code}/blob/main/CHANGELOG.md"));
    assert_eq!(named("Issues"), format!("{code}/issues"));

    let node: serde_json::Value =
        serde_json::from_str(&read("bindings/node/package.json")).expect("package.json");
    assert_eq!(node["homepage"].as_str(), Some(&*home));
    assert_eq!(
        node["repository"]["url"].as_str(),
        Some(&*format!("git+{code}.git"))
    );
    assert_eq!(
        node["repository"]["directory"].as_str(),
        Some("bindings/node")
    );
    assert_eq!(
        node["bugs"]["url"].as_str(),
        Some(&*format!("{code}/issues"))
    );

    let site = read("site/mkdocs.yml");
    assert!(site.contains(&format!("\nsite_url: {home}\n")));
    assert!(site.contains(&format!("\nrepo_url: {code}\n")));
}

/// A registry shows a page without its repository: a relative link would lead nowhere.
#[test]
fn pages_of_registries_link_by_address() {
    for page in [
        "core",
        "cli",
        "ffi",
        "engine/postgres",
        "bindings/python",
        "bindings/node",
    ] {
        let text = read(&format!("{page}/README.md"));
        for link in text.split("](").skip(1) {
            assert!(
                link.starts_with("https://") || link.starts_with('#'),
                "{page}: {link:.40}"
            );
        }
    }
}
