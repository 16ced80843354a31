//! A recorder that prints the token counts of each response, and ignores all other records.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_recorder::{Record, Recorder, RecorderError, async_trait};

/// Prints token usage to the standard output.
struct PrintTokens;

#[async_trait]
impl Recorder for PrintTokens {
    async fn record(&self, records: Vec<Record>) -> Result<(), RecorderError> {
        for record in records {
            if let Record::TokenUsage(usage) = record {
                println!("{}: {} in, {} out", usage.interception_id, usage.input_tokens, usage.output_tokens);
            }
        }
        Ok(())
    }
}

fn main() {
    // A gateway takes the recorder as `Arc<dyn Recorder>`.
    let _recorder: std::sync::Arc<dyn Recorder> = std::sync::Arc::new(PrintTokens);
}
