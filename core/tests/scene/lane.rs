//! How much of all that could be tried is tried: everything in the deep lane
//! (`cargo xtask test --deep`), else a part that differs from run to run.

/// Whether there is time for everything.
pub fn is_deep() -> bool {
    std::env::var_os("UNTORN_DEEP").is_some()
}

/// Every `n`-th of `all`, from a random one of the first `n` on, and at least one;
/// in the deep lane all of them.
pub fn every<T>(n: usize, all: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
    let all: Vec<T> = all.into_iter().collect();
    let (first, step) = start_and_step(n.clamp(1, all.len().max(1)));
    all.into_iter().skip(first).step_by(step)
}

/// Where such a choice begins, and how far it is from one to the next.
pub fn start_and_step(n: usize) -> (usize, usize) {
    match is_deep() {
        true => (0, 1),
        false => (fastrand::usize(..n), n),
    }
}

/// So many rounds of a test whose rounds are alike, or all of them.
pub fn rounds(some: u32, all: u32) -> u32 {
    if is_deep() { all } else { some }
}
