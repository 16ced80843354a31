//! Prints what both databases derive from the description of a table: the columns, a statement, and a row of a batch.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_recorder::{Record, UserPrompt};
use aibridge_store_core::tables::{self, Table, USER_PROMPTS};
use aibridge_store_core::{Batch, insert};
use jiff::Timestamp;
use uuid::Uuid;

fn main() {
    for table in Table::ALL {
        println!("{}: {} columns, key {}", table.name, table.columns.len(), table.key.join(", "));
    }
    println!("\n{}", USER_PROMPTS.markdown());
    for column in USER_PROMPTS.columns {
        println!("{} is {} or {}", column.name, column.kind.sqlite(), column.kind.postgres());
    }
    println!("\n{}\n", insert(&USER_PROMPTS, &[], "VALUES (?, ?, ?, ?, ?)"));

    let prompt = UserPrompt {
        id: Uuid::now_v7(),
        interception_id: Uuid::now_v7(),
        prompt: "What does this function do?".into(),
        created_at: Timestamp::now(),
    };
    // A prompt that was recorded twice, e.g. before and after a crash, becomes one row.
    let batch = Batch::of_records(vec![Record::Prompt(prompt.clone()), Record::Prompt(prompt)]);
    for (prompt, response) in &batch.prompts {
        println!("{:?}", tables::prompt(prompt, response.as_deref()));
    }
}
