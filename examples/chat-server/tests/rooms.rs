//! The reports: messages of two servers on one line, and a room that no user
//! could enter any more after a server had been killed. The file itself was
//! locked, and opened to append. Windows refuses to lock such a file.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use untorn_chat_server::{Message, Room};

/// A server process.
struct Server {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Server {
    fn start(rooms: &Path, name: &str) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_untorn-chat-server"))
            .arg(rooms)
            .args(["../the lobby", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Server { child, answers }
    }

    /// Says a message without waiting for the answer.
    fn say(&mut self, n: usize) {
        let stdin = self.child.stdin.as_mut().unwrap();
        writeln!(stdin, "{n} {}", "x".repeat(n % 300)).unwrap();
    }

    fn wait_for_answers(&mut self, count: usize) {
        let mut line = String::new();
        for _ in 0..count {
            line.clear();
            self.answers.read_line(&mut line).unwrap();
            assert_eq!(line, "said\n");
        }
    }

    /// How many more answers there are until it ends.
    fn remaining_answers(self) -> usize {
        self.answers
            .lines()
            .filter(|line| line.as_deref().is_ok_and(|line| line == "said"))
            .count()
    }
}

fn number(message: &Message) -> usize {
    message.text.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn servers_share_a_room_and_some_are_killed() {
    const EACH: usize = 400;
    let dir = tempfile::tempdir().unwrap();
    let room = Room::open(dir.path(), "../the lobby").unwrap();
    let names = ["a", "b", "c", "d", "killed 1", "killed 2"];
    let mut servers: Vec<_> = names
        .iter()
        .map(|name| Server::start(dir.path(), name))
        .collect();
    // In turns, so that all of them are at work at the same time.
    for n in 0..EACH {
        servers.iter_mut().for_each(|server| server.say(n));
    }
    // At any instruction after this many.
    let mut safe = HashMap::new();
    for (name, server) in names.iter().zip(&mut servers).skip(4) {
        server.wait_for_answers(EACH / 5);
        server.child.kill().unwrap();
        safe.insert(*name, EACH / 5);
    }
    for (name, mut server) in names.iter().zip(servers) {
        drop(server.child.stdin.take());
        assert_ne!(
            server.child.wait().unwrap().success(),
            name.starts_with("killed")
        );
        *safe.entry(name).or_insert(0) += server.remaining_answers();
    }

    // Every line, as any reader of JSON Lines sees it.
    let text = std::fs::read_to_string(room.path()).unwrap();
    let all: Vec<Message> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for name in names {
        let said: Vec<_> = all
            .iter()
            .filter(|message| message.from == name)
            .map(number)
            .collect();
        assert_eq!(
            said,
            (0..said.len()).collect::<Vec<_>>(),
            "{name}: once each, in order"
        );
        // One may be in the file and its answer not: that is what killed means.
        assert!(
            (safe[name]..=safe[name] + 1).contains(&said.len()),
            "{name}: {}",
            said.len()
        );
        assert!(name.starts_with("killed") || said.len() == EACH, "{name}");
    }
    assert_eq!(room.last(50).unwrap(), all[all.len() - 50..]);
    assert_eq!(room.last(usize::MAX).unwrap(), all);
}

#[test]
fn half_a_message_harms_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let room = Room::open(dir.path(), "lobby").unwrap();
    let message = |text: &str| Message {
        from: "a".into(),
        text: text.into(),
    };
    room.say(&message("before")).unwrap();

    // What a server without untorn leaves that is killed in its write.
    let half = br#"{"from":"b","text":"half a mess"#;
    let mut file = OpenOptions::new().append(true).open(room.path()).unwrap();
    file.write_all(half).unwrap();
    drop(file);
    assert_eq!(room.last(10).unwrap(), [message("before")]);

    room.say(&message("after")).unwrap();
    assert_eq!(
        room.last(10).unwrap(),
        [message("before"), message("after")]
    );
    // And nothing is thrown away.
    let torn = std::fs::read(room.path().with_extension("jsonl.torn")).unwrap();
    assert!(torn.windows(half.len()).any(|piece| piece == half));
}
