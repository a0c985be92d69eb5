//! The code of docs/protocol-postgres.md runs as it is there.

use std::path::Path;
use std::process::Command;

use crate::store::store;

#[test]
fn the_code_of_the_page_runs() {
    let store = store();
    let setup = [
        "create database app encoding 'UTF8' template template0",
        "create role app_role login",
    ];
    for statement in setup {
        store.connect().batch_execute(statement).unwrap();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/protocol-postgres.md")).unwrap();
    let run = |shell: &str, code: &str| {
        let out = Command::new("sh")
            .args(["-e", "-c", shell, "sh", code])
            .env("PGHOST", &store.dir)
            .env("PGUSER", "untorn")
            .env("PGDATABASE", "app")
            .current_dir(&root)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(
            out.status.success(),
            "{code}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        said
    };
    let psql = "psql -q -A -t -v ON_ERROR_STOP=1 -c \"$1\"";
    let mut ran = 0;
    let mut said = String::new();
    for block in page.split("\n```").skip(1).step_by(2) {
        let (language, code) = block.split_once('\n').unwrap();
        match language {
            "sh" => {
                run("eval \"$1\"", code);
                run(psql, "create table orders (id int)");
            }
            // A `call` that commits is a statement of its own.
            "sql" if code.starts_with("begin") => drop(run(psql, code)),
            "sql" => said.extend(code.split_inclusive(";\n").map(|one| run(psql, one))),
            _ => continue,
        }
        ran += 1;
    }
    assert_eq!(ran, 4, "blocks of the page");
    assert!(said.contains("\nuser\n"), "{said}");
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("session_1.jsonl|16|"), "{said}");
    run(psql, "set role app_role; select untorn.protocol()");
}
