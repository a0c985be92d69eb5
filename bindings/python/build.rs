//! How the extension is linked.

fn main() {
    // `src/json/encode.rs` asks for which Python it is compiled.
    pyo3_build_config::use_pyo3_cfgs();
    match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        // A thread of the library may be waiting in the kernel for a lock, and
        // fork handlers are registered: the code must never be unmapped.
        Ok("linux") => {
            link("-Wl,-z,nodelete");
            // `strip` of the profile counts for no package with an `opt-level` of its own.
            if std::env::var("PROFILE").as_deref() == Ok("release") {
                link("-Wl,--strip-all");
            }
        }
        // Python's functions come from the program that loads it. As maturin links it by itself.
        Ok("macos") => {
            link("-Wl,-undefined,dynamic_lookup");
            let abi = match std::env::var_os("CARGO_FEATURE_ABI3T") {
                Some(_) => "abi3t",
                None => "abi3",
            };
            link(&format!("-Wl,-install_name,@rpath/_untorn.{abi}.so"));
        }
        _ => {}
    }
    // The unwinder, for packages that run on other systems: `xtask/src/package/toolchain.rs`.
    println!("cargo::rerun-if-env-changed=UNTORN_LINK_WITH");
    if let Ok(library) = std::env::var("UNTORN_LINK_WITH") {
        link(&library);
    }
    println!("cargo::rerun-if-changed=build.rs");
}

fn link(argument: &str) {
    println!("cargo::rustc-cdylib-link-arg={argument}");
}
