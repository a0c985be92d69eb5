//! The inputs of `fuzz/`, and mutations of them drawn with a fixed seed, without a
//! fuzzer: what the fuzz targets do with an input is in `fuzz/inputs.rs`.

#[path = "../../../fuzz/inputs.rs"]
mod inputs;

use crate::scene::alone::alone;
use crate::scene::lane::rounds;
use std::fs;
use std::path::{Path, PathBuf};

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(target);
    let mut all: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    all.sort();
    assert!(!all.is_empty(), "{target}");
    all
}

/// So much address space and no more: an input that asks for more memory than it
/// should ends the test.
#[cfg(target_os = "linux")]
fn limit_memory() {
    let most = 2 << 30;
    let limit = libc::rlimit {
        rlim_cur: most,
        rlim_max: most,
    };
    // SAFETY: a plain call.
    let done = unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) };
    assert_eq!(done, 0);
}

#[cfg(not(target_os = "linux"))]
fn limit_memory() {}

fn mutated(from: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    const NUMBERS: [u64; 8] = [
        0,
        1,
        0x7f,
        0xff,
        1 << 31,
        u32::MAX as u64,
        1 << 63,
        u64::MAX,
    ];
    let mut bytes = from.to_vec();
    for _ in 0..random.usize(1..6) {
        let at = random.usize(0..=bytes.len());
        match random.u8(0..6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.u8(..)),
            2 if at < bytes.len() => bytes[at] = random.u8(..),
            3 if at < bytes.len() => bytes[at] ^= 1 << random.u8(0..8),
            4 => {
                let number = random.choice(NUMBERS).unwrap_or(0).to_le_bytes();
                let wide = *[4, 8].get(random.usize(0..2)).unwrap_or(&4);
                for (place, byte) in bytes.iter_mut().skip(at).zip(&number[..wide]) {
                    *place = *byte;
                }
            }
            _ => {
                let piece = bytes[at..bytes.len().min(at + random.usize(0..40))].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

#[test]
fn no_input_panics_loops_or_takes_memory() {
    if !alone(module_path!(), "no_input_panics_loops_or_takes_memory") {
        return;
    }
    limit_memory();
    let mut random = fastrand::Rng::with_seed(0x756e_746f_726e);
    for target in inputs::TARGETS {
        let seeds = corpus(target);
        let whole = seeds.iter().map(|(path, bytes)| (path, bytes.clone()));
        let more: Vec<_> = (0..rounds(30, 150) as usize)
            .map(|n| {
                let (path, seed) = &seeds[n % seeds.len()];
                (path, mutated(seed, &mut random))
            })
            .collect();
        for (path, data) in whole.chain(more) {
            let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
            let dir = dir.unwrap();
            let done = std::panic::catch_unwind(|| inputs::run(target, dir.path(), &data));
            assert!(
                done.is_ok(),
                "{target}, from {path:?}: {:?}",
                String::from_utf8_lossy(&data)
            );
        }
    }
}
