//! Sessions: interceptions grouped by client session and actor.

use crate::Sums;
use aibridge_store_core::query::Summary;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use uuid::Uuid;

/// Number of models of a session that are listed: the first ones by name.
pub(super) const MAX_MODELS: usize = 16;

/// A running aggregation of sessions. Memory grows with the number of sessions, not of interceptions.
#[derive(Debug, Default)]
pub struct Sessions {
    rows: HashMap<(String, String), SessionRow>,
    bytes: usize,
}

/// The interceptions of one actor under one session id.
#[derive(Debug, Clone, Serialize)]
pub struct SessionRow {
    /// The smallest interception id. An interception belongs to one session, so the id identifies the session.
    pub id: Uuid,
    /// The session id that the client sent.
    pub session: String,
    /// The actor (`initiator_id`).
    pub user: String,
    /// The client program of the first interception that was added.
    pub client: String,
    /// The earliest `started_at`.
    #[serde(serialize_with = "aibridge_store_core::query::time")]
    pub first_at: Timestamp,
    /// The latest `started_at`.
    #[serde(serialize_with = "aibridge_store_core::query::time")]
    pub last_at: Timestamp,
    /// The latest end; `None` while an interception is open.
    #[serde(serialize_with = "aibridge_store_core::query::optional_time")]
    pub ended_at: Option<Timestamp>,
    /// The models, ordered by name, at most 16.
    pub models: Vec<String>,
    /// The totals of the interceptions.
    #[serde(flatten)]
    pub sums: Sums,
}

impl SessionRow {
    /// A session of one interception.
    pub(super) fn of_one(row: &Summary) -> Self {
        let interception = &row.interception;
        let mut sums = Sums::default();
        sums.add(row);
        Self {
            id: interception.id,
            session: interception.client_session_id.clone().unwrap_or_default(),
            user: interception.initiator_id.clone(),
            client: interception.client.clone(),
            first_at: interception.started_at,
            last_at: interception.started_at,
            ended_at: interception.ended_at,
            models: vec![interception.model.clone()],
            sums,
        }
    }
}

/// Adds a model to a sorted list, of which the first ones are kept. Returns the bytes that it adds.
fn add_model(models: &mut Vec<String>, model: &str) -> usize {
    let Err(at) = models.binary_search_by(|one| one.as_str().cmp(model)) else { return 0 };
    models.insert(at, model.to_owned());
    models.truncate(MAX_MODELS);
    if at < MAX_MODELS { model.len() } else { 0 }
}

impl Sessions {
    /// Adds an interception. Has no effect if the interception has no session id.
    pub fn add(&mut self, row: &Summary) {
        let interception = &row.interception;
        let Some(session) = &interception.client_session_id else { return };
        let at = interception.started_at;
        let session = match self.rows.entry((session.clone(), interception.initiator_id.clone())) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let (session, user) = entry.key().clone();
                let client = interception.client.clone();
                self.bytes += session.len() + user.len() + client.len();
                entry.insert(SessionRow {
                    session,
                    user,
                    client,
                    models: Vec::new(),
                    sums: Sums::default(),
                    ..SessionRow::of_one(row)
                })
            }
        };
        session.id = session.id.min(interception.id);
        session.first_at = session.first_at.min(at);
        session.last_at = session.last_at.max(at);
        session.ended_at = session.ended_at.zip(interception.ended_at).map(|(one, other)| one.max(other));
        self.bytes += add_model(&mut session.models, &interception.model);
        session.sums.add(row);
    }

    /// Number of sessions so far.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Size in bytes of the texts of all sessions.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether no session was added.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All sessions, the most recently active first.
    pub fn rows(self) -> Vec<SessionRow> {
        let mut rows: Vec<_> = self.rows.into_values().collect();
        rows.sort_by(|a, b| b.last_at.cmp(&a.last_at).then_with(|| a.session.cmp(&b.session)));
        rows
    }
}
