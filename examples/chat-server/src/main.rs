//! `untorn-chat-server ROOMS ROOM NAME`: says each line of the standard input in
//! the room, and answers with one line when it is safe.

use std::io::{self, BufRead, Write};

use untorn_chat_server::{Message, Room};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().collect();
    let [_, rooms, room, from] = &arguments[..] else {
        return Err("usage: untorn-chat-server ROOMS ROOM NAME".into());
    };
    let room = Room::open(rooms, room)?;
    for text in io::stdin().lock().lines() {
        let from = from.clone();
        room.say(&Message { from, text: text? })?;
        writeln!(io::stdout(), "said")?;
    }
    Ok(())
}
