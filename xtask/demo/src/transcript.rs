//! Prints a conversation as a chat client does.

use anyhow::{Context, Result};
use serde_json::Value;
use std::io::Write;

/// The column after which a line is broken at the next word.
const WIDTH: usize = 110;

/// The column of the text, after the speaker.
const MARGIN: usize = 16;

/// Prints a conversation, each piece as soon as it arrives.
pub(crate) struct Transcript<'a> {
    out: &'a mut dyn Write,
    /// The speaker of the current line.
    speaker: &'static str,
    /// The column after the last word.
    column: usize,
    /// The text of the next event that has arrived so far.
    pending: String,
    /// The bytes of an incomplete character.
    bytes: Vec<u8>,
}

impl<'a> Transcript<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, speaker: "", column: 0, pending: String::new(), bytes: Vec::new() }
    }

    /// Prints the last message of a request.
    pub(crate) fn request(&mut self, request: &str) -> Result<()> {
        let request: Value = serde_json::from_str(request)?;
        let last =
            request["messages"].as_array().or(request["input"].as_array()).and_then(|list| list.last());
        let content = &last.context("a request has messages")?["content"];
        self.say("user", content.as_str().or(content[0]["text"].as_str()).unwrap_or_default())
    }

    /// Adds a piece of the response body and prints the events that it completes.
    pub(crate) fn response(&mut self, piece: &[u8]) -> Result<()> {
        self.bytes.extend_from_slice(piece);
        let whole = match std::str::from_utf8(&self.bytes) {
            Ok(text) => text.len(),
            Err(split) => split.valid_up_to(),
        };
        self.pending.push_str(&String::from_utf8(self.bytes.drain(..whole).collect())?);
        while let Some(end) = self.pending.find("\n\n") {
            let event: String = self.pending.drain(..end + 2).collect();
            let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or_default();
            if let Ok(data) = serde_json::from_str(data) {
                self.event(&data)?;
            }
        }
        Ok(())
    }

    /// Prints a response without streaming, which is complete only now.
    pub(crate) fn end(mut self) -> Result<()> {
        if let Ok(response) = serde_json::from_str::<Value>(&self.pending) {
            self.delta(&response["choices"][0]["message"])?;
        }
        writeln!(self.out)?;
        Ok(())
    }

    fn event(&mut self, data: &Value) -> Result<()> {
        let delta = data["delta"].as_str().unwrap_or_default();
        match data["type"].as_str() {
            None => self.delta(&data["choices"][0]["delta"]),
            Some("response.reasoning_summary_text.delta") => self.say("reasoning", delta),
            Some("response.output_text.delta") => self.say("assistant", delta),
            Some("response.output_item.done") => match data["item"]["action"]["command"].as_array() {
                Some(command) => self.say("runs", &format!("$ {}", command.last().map_or("", text))),
                None => Ok(()),
            },
            Some(_) => Ok(()),
        }
    }

    /// Prints a message of a chat completion, or a part of one.
    fn delta(&mut self, delta: &Value) -> Result<()> {
        self.say("assistant", text(&delta["content"]))?;
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let function = &call["function"];
            if let Some(name) = function["name"].as_str() {
                self.say("calls", &format!("{name} "))?;
            }
            self.say("calls", text(&function["arguments"]))?;
        }
        Ok(())
    }

    fn say(&mut self, speaker: &'static str, words: &str) -> Result<()> {
        if words.is_empty() {
            return Ok(());
        }
        if speaker != self.speaker {
            let line = if self.speaker.is_empty() { "" } else { "\n" };
            write!(self.out, "{line}   {speaker:<width$}", width = MARGIN - 3)?;
            (self.speaker, self.column) = (speaker, MARGIN);
        }
        for word in words.split_inclusive(' ') {
            if self.column + word.trim_end().chars().count() > WIDTH {
                write!(self.out, "\n{:MARGIN$}", "")?;
                self.column = MARGIN;
            }
            write!(self.out, "{word}")?;
            self.column += word.chars().count();
        }
        Ok(self.out.flush()?)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(pieces: &[&[u8]]) -> String {
        let mut out = Vec::new();
        let mut transcript = Transcript::new(&mut out);
        pieces.iter().for_each(|piece| transcript.response(piece).expect("a Vec takes everything"));
        transcript.end().expect("a Vec takes everything");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn prints_text_and_tool_calls_of_a_stream_in_any_pieces() {
        let stream = concat!(
            "data: {\"choices\":[{\"delta\":{\"content\":\"Grü\"}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"ße\"}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"{}\"}}]}}]}\n\n",
            "data: [DONE]\n\n",
        );
        let expected = "   assistant    Grüße\n   calls        f {}\n";
        assert_eq!(printed(&[stream.as_bytes()]), expected);
        assert_eq!(printed(&stream.as_bytes().chunks(1).collect::<Vec<_>>()), expected);
    }

    #[test]
    fn breaks_long_lines_between_words() {
        let response =
            format!("{{\"choices\":[{{\"message\":{{\"content\":\"{}\"}}}}]}}", "word ".repeat(40));
        let text = printed(&[response.as_bytes()]);
        assert!(text.lines().count() == 3 && text.lines().all(|line| line.len() <= WIDTH + 1), "{text}");
    }
}
