//! Link arguments of the addon.

fn main() {
    napi_build::setup();
    match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        // Threads of the library may wait in the kernel when the last worker that
        // loaded the addon ends; unloading would pull the code from under them.
        Ok("linux") => {
            link("-Wl,-z,nodelete");
            // `strip` of the profile counts for no package with an `opt-level` of its own.
            if std::env::var("PROFILE").as_deref() == Ok("release") {
                link("-Wl,--strip-all");
            }
        }
        // Else the linker writes down where it was built.
        Ok("macos") => link("-Wl,-install_name,@rpath/untorn.node"),
        _ => {}
    }
    // The unwinder, for packages that run on other systems: `xtask/src/package/toolchain.rs`.
    println!("cargo:rerun-if-env-changed=UNTORN_LINK_WITH");
    if let Ok(library) = std::env::var("UNTORN_LINK_WITH") {
        link(&library);
    }
}

fn link(argument: &str) {
    println!("cargo:rustc-cdylib-link-arg={argument}");
}
