//! Prints what a journal's directory holds, and changes nothing:
//! `cargo run -p aibridge-journal-format --example inspect -- DIRECTORY`.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "an example is a program with arguments")]

use aibridge_journal_format::{inspect, peek};
use std::env;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = env::args_os().nth(1).ok_or("name the directory of a journal")?;
    let inspection = inspect(&directory)?.ok_or("there is no such directory")?;
    let recovery = &inspection.recovery;
    if recovery.is_new {
        println!("no journal");
        return Ok(());
    }
    println!("journal {}, {}", recovery.journal, if recovery.was_closed { "closed" } else { "not closed" });
    match &recovery.frames {
        Some(frames) => println!("frames {} to {}", frames.start(), frames.end()),
        None => println!("no frames"),
    }
    // `peek` is fast, because it verifies nothing.
    if let Some(peek) = peek(&directory)? {
        println!("the last frame that was appended is {}", peek.last);
    }
    for damage in &recovery.damage {
        println!("{damage}");
    }
    for file in &inspection.kept_aside {
        println!("{file}: kept aside");
    }
    Ok(())
}
