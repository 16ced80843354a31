//! An observer for an API of its own. It reads the tool call and the usage of a recorded stream, while the events are
//! relayed.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_error::{Error, ErrorResponse};
use aibridge_json::Json;
use aibridge_observer::assembly::ToolCalls;
use aibridge_observer::observer::Usage;
use aibridge_observer::response_reader::ResponseReader;
use aibridge_observer::{Ending, EventAction, Observer, ResponseSummary};
use aibridge_sse::{Event, Splitter};
use bytes::Bytes;

const STREAM: &str = r#"data: {"tool":"read"}

data: {"arguments":"{\"path\":"}

data: {"arguments":"\"a\"}"}

data: {"input":30,"output":12}

"#;

/// The state of the observer.
#[derive(Default)]
struct ToolObserver {
    tools: ToolCalls,
    current: Option<usize>,
    summary: ResponseSummary,
}

impl Observer for ToolObserver {
    fn event(&mut self, event: &Event) -> EventAction {
        let Some(data) = event.data() else { return EventAction::Relay };
        self.body(&data);
        if self.summary.ending == Ending::Complete { EventAction::Terminal } else { EventAction::Relay }
    }

    fn body(&mut self, body: &[u8]) {
        let members = Json::object(body, ["tool", "arguments", "input", "output"]);
        let Ok([tool, arguments, input, output]) = members else { return };
        if let Some(name) = tool.and_then(Json::non_empty_string) {
            self.current = self.tools.start();
            self.current.inspect(|at| self.tools.set_name(*at, &name));
        }
        if let (Some(at), Some(piece)) = (self.current, arguments.and_then(Json::non_empty_string)) {
            self.tools.append_input(at, &piece);
        }
        if let (Some(input), Some(output)) = (input.and_then(Json::count), output.and_then(Json::count)) {
            self.summary.usage = Some(Usage { input, output, ..Usage::default() });
            self.summary.ending = Ending::Complete;
        }
    }

    fn has_failed(&self) -> bool {
        false
    }

    fn finish(&mut self) -> ResponseSummary {
        ResponseSummary { tools: self.tools.finish(), ..std::mem::take(&mut self.summary) }
    }

    fn error_event(&self, error: &Error) -> Bytes {
        format!("data: {{\"error\":{}}}\n\n", ErrorResponse::from(error).to_object()).into()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut reader = ResponseReader::new(Box::new(ToolObserver::default()));
    let mut splitter = Splitter::default();
    splitter.push(Bytes::from_static(STREAM.as_bytes()));
    while let Some(event) = splitter.next_event() {
        let action = reader.read_event(&event).await;
        println!("{action:?} {}", String::from_utf8_lossy(&event.raw).trim_end());
    }
    let summary = reader.finish();
    println!("{:?}, {} tokens", summary.ending, summary.limit_tokens().0);
    summary.tools.iter().for_each(|call| println!("{} {}", call.name, call.input));
}
