//! Batches: the rows that a number of frames inserts, updates and deletes.

use crate::payload::{self, RECORDS, REVOKED};
use aibridge_journal::Frame;
use aibridge_recorder::{
    Interception, InterceptionEnd, ObjectOwner, Reasoning, Record, TokenUsage, ToolUsage, UserPrompt,
};
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
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
    /// The rows of frames, which are in order. `decoded` returns the records of a frame that are still in memory; the payload
    /// of the other frames is decoded.
    pub fn of(frames: &[Frame], mut decoded: impl FnMut(&Frame) -> Option<Vec<Record>>) -> Self {
        let mut builder = Builder::default();
        for frame in frames {
            match decoded(frame) {
                Some(records) => records.into_iter().for_each(|record| builder.add(record)),
                None => builder.add_frame(frame),
            }
        }
        builder.finish()
    }

    /// The rows of the records of one call.
    pub fn of_records(records: Vec<Record>) -> Self {
        let mut builder = Builder::default();
        records.into_iter().for_each(|record| builder.add(record));
        builder.finish()
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
    /// The interceptions whose ends are in the batch, and their starts are not.
    ended: HashSet<Uuid>,
    /// The interceptions whose start is in the batch and is taken back in it.
    revoked: HashSet<Uuid>,
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
            if self.ended.insert(end.interception_id) {
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
        if self.started.contains_key(&id) {
            self.revoked.insert(id);
        } else {
            self.batch.revoked.push(id);
        }
    }

    /// The batch, without the interceptions that it starts and takes back. They are removed at once, because the indices
    /// of rows are in use until then.
    fn finish(mut self) -> Batch {
        if !self.revoked.is_empty() {
            self.batch.interceptions.retain(|(start, _)| !self.revoked.contains(&start.id));
            self.batch.prompts.retain(|(prompt, _)| !self.revoked.contains(&prompt.interception_id));
        }
        self.batch
    }

    fn reject(&mut self, position: u64, payload: &[u8], reason: String) {
        let record = Some(String::from_utf8_lossy(payload).replace('\0', "\u{fffd}"));
        self.batch.rejected.push(Rejected { record, ..Rejected::new(position, None, reason) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_journal::{Digest, FrameHead};
    use aibridge_recorder::{CredentialKind, Outcome};
    use std::collections::BTreeMap;

    fn frame(kind: u16, payload: bytes::Bytes) -> Frame {
        let (digest, length) = (Digest::of(&payload), u32::try_from(payload.len()).unwrap());
        let head =
            FrameHead { sequence: 1, kind, unix_micros: 0, length, previous: digest, payload_hash: digest };
        Frame { head, payload }
    }

    fn start(id: Uuid) -> Frame {
        let interception = Interception {
            id,
            initiator_id: "ada".to_owned(),
            provider: "openai".to_owned(),
            provider_name: "openai".to_owned(),
            model: "gpt-5".to_owned(),
            route: "/responses".to_owned(),
            streaming: true,
            client: "Codex".to_owned(),
            client_session_id: None,
            user_agent: None,
            credential_kind: CredentialKind::Centralized,
            credential_hint: String::new(),
            correlating_tool_call_id: None,
            metadata: BTreeMap::new(),
            started_at: Timestamp::UNIX_EPOCH,
        };
        let prompt = UserPrompt {
            id: Uuid::now_v7(),
            interception_id: id,
            prompt: "why?".to_owned(),
            created_at: Timestamp::UNIX_EPOCH,
        };
        let records = [Record::Start(interception.into()), Record::Prompt(prompt)];
        frame(RECORDS, payload::records(&records).unwrap())
    }

    fn end(id: Uuid, response_id: &str) -> Frame {
        let end = InterceptionEnd {
            interception_id: id,
            outcome: Outcome::Completed,
            upstream_status: Some(200),
            credential_hint: None,
            provider_response_id: Some(response_id.to_owned()),
            ended_at: Timestamp::UNIX_EPOCH,
        };
        frame(RECORDS, payload::records(&[Record::End(end)]).unwrap())
    }

    fn revoke(id: Uuid) -> Frame {
        frame(REVOKED, payload::revoked(id))
    }

    #[test]
    fn a_start_and_its_end_are_one_row_and_the_first_end_counts() {
        let [one, other, earlier] = [1, 2, 3].map(Uuid::from_u128);
        let frames = [
            start(one),
            start(other),
            end(one, "first"),
            end(one, "second"),
            end(earlier, "first"),
            end(earlier, "second"),
        ];
        let batch = Batch::of(&frames, |_| None);
        let rows: Vec<_> = batch.interceptions.iter().map(|(start, end)| (start.id, end.is_some())).collect();
        assert_eq!(rows, [(one, true), (other, false)]);
        let ids: Vec<_> =
            batch.prompts.iter().map(|(prompt, id)| (prompt.interception_id, id.as_deref())).collect();
        assert_eq!(ids, [(one, Some("first")), (other, None)]);
        let ends: Vec<_> = batch.ends.iter().map(|end| end.provider_response_id.as_deref()).collect();
        assert_eq!(ends, [Some("first")]);
    }

    #[test]
    fn a_start_that_is_taken_back_leaves_nothing() {
        let [one, gone, last, earlier] = [1, 2, 3, 4].map(Uuid::from_u128);
        let frames = [
            start(gone),
            start(one),
            revoke(gone),
            start(last),
            end(last, "l"),
            end(one, "o"),
            revoke(earlier),
        ];
        let batch = Batch::of(&frames, |_| None);
        let rows: Vec<_> = batch
            .interceptions
            .iter()
            .map(|(start, end)| (start.id, end.as_ref().map(|end| end.interception_id)))
            .collect();
        assert_eq!(rows, [(one, Some(one)), (last, Some(last))]);
        let ids: Vec<_> =
            batch.prompts.iter().map(|(prompt, id)| (prompt.interception_id, id.as_deref())).collect();
        assert_eq!(ids, [(one, Some("o")), (last, Some("l"))]);
        assert_eq!(batch.revoked, [earlier]);
    }
}
