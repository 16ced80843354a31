//! Batches: the rows that a number of frames inserts, updates and deletes.

use crate::payload::{self, RECORDS, REVOKED};
use aibridge_journal::Frame;
use aibridge_recorder::{
    Interception, InterceptionEnd, ObjectOwner, Reasoning, Record, TokenUsage, ToolUsage, UserPrompt,
};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// The rows of some frames. A start and its end become one row. All rows have ids, so writing them again changes nothing.
#[derive(Debug, Default)]
pub struct Batch {
    /// Interceptions that start, with their end if that is in the batch, too.
    pub interceptions: Vec<(Arc<Interception>, Option<InterceptionEnd>)>,
    /// Prompts, with the id of the response if the end is in the batch.
    pub prompts: Vec<(UserPrompt, Option<String>)>,
    /// The token usages of responses.
    pub token_usages: Vec<TokenUsage>,
    /// The tools that models selected.
    pub tool_usages: Vec<ToolUsage>,
    /// The reasoning in responses.
    pub thoughts: Vec<Reasoning>,
    /// The owners of objects at providers.
    pub owners: Vec<ObjectOwner>,
    /// The ends of interceptions that started before the batch.
    pub ends: Vec<InterceptionEnd>,
    /// Interceptions that started before the batch, and whose start is taken back.
    pub revoked: Vec<Uuid>,
    /// The records that the database refused for their content.
    pub rejected: Vec<Rejected>,
}

/// A record that the database refused for its content.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// The id of the row.
    pub id: Uuid,
    /// The interception that the record belongs to, if any.
    pub interception_id: Option<Uuid>,
    /// The frame that holds the record.
    pub position: u64,
    /// The error of the database.
    pub reason: String,
    /// The record as JSON; `None` if the database refuses that text, too.
    pub record: Option<String>,
    /// The time of the rejection.
    pub rejected_at: Timestamp,
}

impl Rejected {
    /// Rejects a record of the frame at `position`, now.
    pub fn new(position: u64, record: Option<&Record>, reason: String) -> Self {
        Self {
            id: Uuid::now_v7(),
            interception_id: record.and_then(payload::interception_of),
            position,
            reason,
            record: record.and_then(|record| serde_json::to_string(record).ok()),
            rejected_at: Timestamp::now(),
        }
    }
}

impl Batch {
    /// The rows of frames, which are in order.
    pub fn of(frames: &[Frame]) -> Self {
        let mut builder = Builder::default();
        for frame in frames {
            builder.add_frame(frame);
        }
        builder.batch
    }

    /// The rows of the records of one call.
    pub fn of_records(records: Vec<Record>) -> Self {
        let mut builder = Builder::default();
        records.into_iter().for_each(|record| builder.add(record));
        builder.batch
    }

    /// A batch of nothing but rejected records.
    pub fn of_rejected(rejected: Vec<Rejected>) -> Self {
        Self { rejected, ..Self::default() }
    }
}

/// Gathers the records of a batch.
#[derive(Debug, Default)]
struct Builder {
    batch: Batch,
    /// The index of each interception of the batch.
    started: HashMap<Uuid, usize>,
    /// The prompts of each interception of the batch.
    prompts: HashMap<Uuid, Vec<usize>>,
}

impl Builder {
    fn add_frame(&mut self, frame: &Frame) {
        let position = frame.head.sequence;
        match frame.head.kind {
            RECORDS => match serde_json::from_slice::<Vec<Record>>(&frame.payload) {
                Ok(records) => records.into_iter().for_each(|record| self.add(record)),
                Err(error) => self.reject(position, &frame.payload, error.to_string()),
            },
            REVOKED => match Uuid::from_slice(&frame.payload) {
                Ok(id) => self.revoke(id),
                Err(error) => self.reject(position, &frame.payload, error.to_string()),
            },
            kind => {
                let reason = format!("frames of the kind {kind} are from another version");
                self.reject(position, &frame.payload, reason);
            }
        }
    }

    fn add(&mut self, record: Record) {
        let batch = &mut self.batch;
        match record {
            Record::Start(start) => {
                if let std::collections::hash_map::Entry::Vacant(entry) = self.started.entry(start.id) {
                    entry.insert(batch.interceptions.len());
                    batch.interceptions.push((start, None));
                }
            }
            Record::Prompt(prompt) => {
                let prompts = self.prompts.entry(prompt.interception_id).or_default();
                if prompts.iter().all(|index| batch.prompts[*index].0.id != prompt.id) {
                    prompts.push(batch.prompts.len());
                    batch.prompts.push((prompt, None));
                }
            }
            Record::TokenUsage(usage) => batch.token_usages.push(usage),
            Record::ToolUsage(usage) => batch.tool_usages.push(*usage),
            Record::Reasoning(reasoning) => batch.thoughts.push(reasoning),
            Record::Owner(owner) => batch.owners.push(owner),
            Record::End(end) => self.end(end),
        }
    }

    fn end(&mut self, end: InterceptionEnd) {
        let batch = &mut self.batch;
        let Some(index) = self.started.get(&end.interception_id) else {
            if batch.ends.iter().all(|earlier| earlier.interception_id != end.interception_id) {
                batch.ends.push(end);
            }
            return;
        };
        let (_, first) = &mut batch.interceptions[*index];
        if first.is_some() {
            return; // the first end counts
        }
        for index in self.prompts.get(&end.interception_id).into_iter().flatten() {
            batch.prompts[*index].1.clone_from(&end.provider_response_id);
        }
        *first = Some(end);
    }

    fn revoke(&mut self, id: Uuid) {
        let batch = &mut self.batch;
        if self.started.remove(&id).is_none() {
            batch.revoked.push(id);
            return;
        }
        // Rare: so the indices are found again instead of kept up to date.
        batch.interceptions.retain(|(start, _)| start.id != id);
        batch.prompts.retain(|(prompt, _)| prompt.interception_id != id);
        self.started =
            batch.interceptions.iter().enumerate().map(|(index, (start, _))| (start.id, index)).collect();
        self.prompts.clear();
        for (index, (prompt, _)) in batch.prompts.iter().enumerate() {
            self.prompts.entry(prompt.interception_id).or_default().push(index);
        }
    }

    fn reject(&mut self, position: u64, payload: &[u8], reason: String) {
        let record = Some(String::from_utf8_lossy(payload).replace('\0', "\u{fffd}"));
        self.batch.rejected.push(Rejected { record, ..Rejected::new(position, None, reason) });
    }
}
