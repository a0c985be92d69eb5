//! Link arguments of the addon.

fn main() {
    napi_build::setup();
    // Threads of the library may wait in the kernel when the last worker that
    // loaded the addon ends; unloading would pull the code from under them.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
