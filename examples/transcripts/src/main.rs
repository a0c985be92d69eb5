//! `transcripts DIR [FILES [BYTES [EACH]]]`: writes a directory of transcripts, and prints
//! which are damaged and how.

#![allow(clippy::print_stdout, reason = "the list is the output")]

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, otherwise| words.get(at).map_or(Ok(otherwise), |word| word.parse());
    let (Some(dir), Ok(files), Ok(bytes), Ok(each)) = (
        words.first(),
        number(1, 1000),
        number(2, 200_000),
        number(3, 3),
    ) else {
        eprintln!("transcripts DIR [FILES [BYTES [EACH]]]");
        return ExitCode::from(2);
    };
    match untorn_transcripts::make(Path::new(dir), files, bytes, each) {
        Ok(made) => {
            for damaged in made {
                println!("{}\t{}", damaged.kind, damaged.path.display());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("transcripts: {dir}: {error}");
            ExitCode::FAILURE
        }
    }
}
