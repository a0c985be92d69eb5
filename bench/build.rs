//! Compiles the floors: the loops of bare system calls that everything is compared with.

fn main() {
    println!("cargo::rerun-if-changed=src/floors.c");
    // -O2 whatever the profile: a floor compiled without optimisation would flatter us.
    cc::Build::new()
        .file("src/floors.c")
        .opt_level(2)
        .warnings(true)
        .extra_warnings(true)
        .compile("floors");
}
