//! The text form of one interception with its child records.

use crate::records::{flat, list};
use crate::text_table::{lines, one_line};
use aibridge_store::FullInterception;
use std::fmt::Write as _;

/// Formats an interception as text: its fields, then its prompts, reasoning and tool calls.
pub(super) fn show(found: &FullInterception) -> String {
    let mut text = String::new();
    let values = flat::fields(&found.interception, found.tokens());
    for ((name, _), value) in flat::COLUMNS.iter().zip(values) {
        let value = value.to_text();
        let value = if value.is_empty() { "-" } else { &value };
        let _ = writeln!(text, "{name:24}  {}", one_line(value));
    }
    let cost = list::money(found.tokens().cost_nano_usd);
    let _ = writeln!(text, "{:24}  {cost}", "cost");
    for usage in &found.token_usages {
        let status = usage.cost_status.as_deref().unwrap_or("-");
        let price = usage.price_id.as_deref().unwrap_or("-");
        let _ = writeln!(text, "{:24}  {}, {}", "price", one_line(status), one_line(price));
    }
    for prompt in &found.user_prompts {
        section(&mut text, "prompt", &prompt.prompt);
    }
    for thought in &found.model_thoughts {
        section(&mut text, "thought", &thought.content);
    }
    for usage in &found.tool_usages {
        section(&mut text, &format!("tool {}", one_line(&usage.tool)), &usage.input);
    }
    text
}

fn section(text: &mut String, title: &str, content: &str) {
    let _ = writeln!(text, "\n{title}");
    for line in lines(content).lines() {
        let _ = writeln!(text, "    {line}");
    }
}
