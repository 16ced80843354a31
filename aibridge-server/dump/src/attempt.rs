//! The tap that dumps the requests and responses of one provider.

use crate::file_name::{PASSTHROUGH, model_folder};
use crate::queue::{DumpFile, Queue};
use crate::raw_http;
use aibridge_intercept::tap::{AttemptTap, Subject, Tap, TapEvent};
use std::path::PathBuf;
use std::sync::Arc;

/// Creates the dumps of one provider.
#[derive(Debug)]
pub(crate) struct ProviderDump {
    folder: PathBuf,
    queue: Queue,
}

/// The dump files of one attempt: one request to the provider.
struct AttemptDump {
    queue: Queue,
    request: Arc<DumpFile>,
    response: Arc<DumpFile>,
    error: Arc<DumpFile>,
}

impl ProviderDump {
    pub(crate) fn new(folder: PathBuf, queue: Queue) -> Self {
        Self { folder, queue }
    }
}

impl Tap for ProviderDump {
    fn attempt(&self, subject: &Subject, number: u32) -> Arc<dyn AttemptTap> {
        let folder = match &subject.model {
            Some(model) => self.folder.join(model_folder(model)),
            None => self.folder.join(PASSTHROUGH),
        };
        let Subject { id, started_at, .. } = subject;
        let attempt = if number > 1 { format!("-{number}") } else { String::new() };
        let name = format!("{}-{id}{attempt}", started_at.as_millisecond());
        let file = |kind| Arc::new(DumpFile::new(folder.join(format!("{name}.{kind}.txt"))));
        Arc::new(AttemptDump {
            queue: self.queue.clone(),
            request: file("req"),
            response: file("resp"),
            error: file("req_error"),
        })
    }
}

impl AttemptTap for AttemptDump {
    fn on_event(&self, event: TapEvent<'_>) {
        match event {
            TapEvent::Request { method, target, headers } => {
                self.queue.append(&self.request, raw_http::request(method, target, headers));
            }
            TapEvent::RequestBody(piece) => self.queue.append(&self.request, piece),
            TapEvent::Response { version, status, headers } => {
                self.queue.append(&self.response, raw_http::response(version, status, headers));
            }
            TapEvent::ResponseBody(piece) => self.queue.append(&self.response, piece),
            TapEvent::Failed(why) => self.queue.append(&self.error, format!("{why}\n").into()),
        }
    }
}
