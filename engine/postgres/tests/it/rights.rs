//! Migrations, and the rights of the roles that call the verbs.

use postgres::error::SqlState;
use untorn_postgres::{ErrorKind, MIGRATIONS, migrate, migrate_with};

use crate::client::{append, claim, kind, records};
use crate::server::connect;
use crate::sessions::pool;
use crate::store::store;

#[test]
fn a_role_with_least_rights_has_the_verbs_and_nothing_else() {
    let store = store();
    let mut owner = store.connect();
    let role = format!("app_{}", store.schema);
    let setup = format!("create role {role} login; call allow('{role}')");
    owner.batch_execute(&setup).unwrap();
    append(&mut owner, "k", b"1\n");
    let mut app = connect(&store.dir, &role).unwrap();
    app.batch_execute(&format!("set search_path = {}", store.schema))
        .unwrap();

    append(&mut app, "k", b"2\n");
    app.batch_execute("call put('k', 'd', 'x')").unwrap();
    let token = claim(&mut app, "k", "app", "1 h").unwrap();
    assert_eq!(kind(&claim(&mut app, "k", "other", "1 h")), "LOCKED");
    for call in ["renew('k', $1)", "transfer('k', $1, 'h')"] {
        app.query_one(&format!("select {call}"), &[&token]).unwrap();
    }
    let token: i64 = app
        .query_one("select token from claim('k', 'app', successor => 'h')", &[])
        .unwrap()
        .get(0);
    app.query_one("select release('k', $1)", &[&token]).unwrap();
    assert_eq!(records(&mut app, "k"), ["1", "2"]);
    app.batch_execute("call rewrite('k', 'd', 'y', keep => true)")
        .unwrap();
    app.batch_execute("call append('k', 'd', 'z', must_exist => true)")
        .unwrap();
    for query in [
        "select * from lines",
        "select * from files",
        "select * from stat('k')",
        "select * from sessions()",
        "select * from holder('k')",
        "select * from reconcile('k', 'r')",
        "select * from selftest()",
        "select protocol()",
        "select channel('k', 'session.jsonl')",
        "select prune()",
        "select * from rotated('k', 'd')",
        "select * from next_generation('k', 'd', 1)",
        "select remove('k')",
    ] {
        app.query(query, &[])
            .unwrap_or_else(|error| panic!("{query}: {error:?}"));
    }
    for query in [
        "select * from session",
        "update file set token = 0",
        "delete from chunk",
        "select * from answer",
        "insert into migration values (99)",
        "select new_token(null)",
        "select put_chunks(1, 0, 'x')",
        "select copy_chunks(1, 0, 1, 2, 0)",
        "select * from rewritten",
        "call allow('public')",
        "create table mine (n int)",
    ] {
        let refused = app.batch_execute(query).unwrap_err();
        assert_eq!(
            refused.code(),
            Some(&SqlState::INSUFFICIENT_PRIVILEGE),
            "{query}"
        );
    }
    // A temporary table does not stand in for one of ours.
    app.batch_execute("create temporary table file (n int); create temporary table chunk (n int)")
        .unwrap();
    append(&mut app, "k", b"3\n");

    let mut stranger = connect(&store.dir, "untorn").unwrap();
    stranger
        .batch_execute(&format!("create role x{role} login"))
        .unwrap();
    let mut stranger = connect(&store.dir, &format!("x{role}")).unwrap();
    let refused = stranger.batch_execute(&format!("select {}.protocol()", store.schema));
    assert_eq!(
        refused.unwrap_err().code(),
        Some(&SqlState::INSUFFICIENT_PRIVILEGE)
    );
}

#[test]
fn a_role_that_had_the_verbs_has_those_of_a_later_migration() {
    let store = store();
    let (mut owner, schema) = (store.connect(), format!("{}_old", store.schema));
    for step in MIGRATIONS.iter().filter(|step| step.version < 7) {
        owner.batch_execute(&step.sql(&schema)).unwrap();
    }
    let role = format!("app_{schema}");
    owner
        .batch_execute(&format!(
            "create role {role} login; create role not_{role} login; call {schema}.allow('{role}')"
        ))
        .unwrap();
    migrate(&mut owner, &schema).unwrap();
    let rewrite = format!("call {schema}.rewrite('k', 'd', 'y')");
    let append = format!("call {schema}.append('k', 'd', 'x')");
    let mut app = connect(&store.dir, &role).unwrap();
    app.batch_execute(&append).unwrap();
    app.batch_execute(&rewrite).unwrap();
    let mut stranger = connect(&store.dir, &format!("not_{role}")).unwrap();
    assert!(stranger.batch_execute(&append).is_err());
}

#[test]
fn migrations_are_applied_once_to_a_schema_of_any_name() {
    let store = store();
    // Also one that looks like the end of a quotation with dollars.
    let schema = "Odd \"one\"'s $$ $do$ $body$";
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let mut c = store.connect();
            std::thread::spawn(move || migrate(&mut c, schema).unwrap())
        })
        .collect();
    let applied: usize = calls.into_iter().map(|call| call.join().unwrap()).sum();
    assert_eq!(applied, MIGRATIONS.len());
    let mut c = store.connect();
    assert_eq!(migrate(&mut c, schema).unwrap(), 0);
    c.batch_execute("set search_path = public").unwrap();
    let quoted = format!("\"{}\"", schema.replace('"', "\"\""));
    // Each ends transactions, so it is a statement of its own.
    for call in ["append('k', 'session.jsonl', 'x')", "put('k', 'd', 'x')"] {
        c.batch_execute(&format!("call {quoted}.{call}")).unwrap();
    }
    let bad = format!("select count(*) from {quoted}.selftest() where not ok");
    assert_eq!(c.query_one(&bad, &[]).unwrap().get::<_, i64>(0), 0);

    c.batch_execute(&format!("insert into {quoted}.migration values (99)"))
        .unwrap();
    let newer = migrate(&mut c, schema).unwrap_err();
    assert_eq!(newer.kind(), ErrorKind::Conflict);
    assert!(
        newer.to_string().contains("update untorn-postgres"),
        "{newer}"
    );
}

#[test]
fn a_migration_without_the_right_to_it_says_what_is_missing() {
    let store = store();
    let role = format!("no_{}", store.schema);
    store
        .connect()
        .batch_execute(&format!("create role {role} login"))
        .unwrap();
    let mut app = connect(&store.dir, &role).unwrap();
    let refused = migrate(&mut app, "theirs").unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("0001_tables.sql: permission denied"),
        "{refused}"
    );
    assert!(
        refused
            .to_string()
            .contains("connect as the schema's owner"),
        "{refused}"
    );
    // The connection is as it was.
    app.batch_execute("select 1").unwrap();
}

#[test]
fn the_files_are_what_psql_runs() {
    let store = store();
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for step in MIGRATIONS {
        let out = std::process::Command::new("psql")
            .arg("-h")
            .arg(&store.dir)
            .args([
                "-U",
                "untorn",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-v",
                "schema=by psql",
                "-f",
            ])
            .arg(dir.join(step.name))
            .arg("postgres")
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
    }
    assert_eq!(std::fs::read_dir(dir).unwrap().count(), MIGRATIONS.len());
    assert_eq!(migrate(&mut store.connect(), "by psql").unwrap(), 0);
}

#[test]
fn many_callers_migrate_with_any_driver_and_each_step_is_applied_once() {
    let store = store();
    let schema = "raced \\ \"it's\" $$";
    let applied: usize = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| migrate_with(pool(&store.dir), schema).unwrap()))
            .collect();
        callers
            .into_iter()
            .map(|caller| caller.join().unwrap())
            .sum()
    });
    assert_eq!(applied, MIGRATIONS.len());
    assert_eq!(migrate_with(pool(&store.dir), schema).unwrap(), 0);
    let mut c = store.connect();
    assert_eq!(migrate(&mut c, schema).unwrap(), 0);
    // They are the same functions, byte for byte.
    let mut all = |schema: &str| -> String {
        let query = "select string_agg(proname || prosrc, '' order by proname, prosrc) \
                     from pg_proc where pronamespace = quote_ident($1)::regnamespace";
        c.query_one(query, &[&schema]).unwrap().get(0)
    };
    let (theirs, ours) = (all(&store.schema), all(schema));
    assert!(theirs.len() > 1000);
    let quoted = format!("\"{}\"", schema.replace('"', "\"\""));
    let same = theirs.replace(&store.schema, "S") == ours.replace(&quoted, "S");
    assert!(same, "they differ");
}
