//! Gives the linker its arguments for the shared library.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if system == "macos" {
        // Else programs would look for it where it was built.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libuntorn.0.dylib");
    }
    if system != "linux" {
        return;
    }
    // A thread of ours may be waiting in the kernel for a lock, and a fork
    // handler is registered: code that goes away under them would crash.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    if std::env::var_os("CARGO_FEATURE_CAPI").is_none() {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libuntorn.so.0");
    }
}
