//! The examples of `docs/cli.md` print what the page says.

use std::fs;

/// The files that the page's examples begin with.
const FILES: [(&str, &str); 5] = [
    (
        "transcripts/a.jsonl",
        "{\"n\":1}\n{\"n\":2} {\"n\":3}\n{\"half\":\n{\"n\":4}\n",
    ),
    ("transcripts/b.jsonl", "{\"n\":5}\n{\"torn"),
    ("transcripts/c.jsonl", "{\"n\":6}\n{\"n\":9}"),
    ("transcripts/d.jsonl", "{\"n\":7}\n"),
    ("settings.json", "{\"theme\": \"light\"}\n"),
];

#[test]
fn the_examples_of_the_page() {
    let dir = tempfile::tempdir().unwrap();
    // The examples run next to the page, in a directory of its name. They change files.
    fs::copy("../docs/cli.md", dir.path().join("cli.md")).unwrap();
    let place = dir.path().join("cli.in");
    fs::create_dir_all(place.join("transcripts")).unwrap();
    for (name, text) in FILES {
        fs::write(place.join(name), text).unwrap();
    }
    let program = trycmd::schema::Bin::Path(env!("CARGO_BIN_EXE_untorn").into());
    trycmd::TestCases::new()
        .register_bin("untorn", program)
        .env("NO_COLOR", "1")
        .env("UNTORN_DURABILITY", "process")
        .case(dir.path().join("cli.md").to_str().unwrap());
}
