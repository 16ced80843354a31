//! Sessions: interceptions grouped by client session and actor.

use super::{Summary, Sums};
use jiff::Timestamp;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use uuid::Uuid;

/// A running aggregation of sessions. Memory grows with the number of sessions, not of interceptions.
#[derive(Debug, Default)]
pub struct Sessions {
    rows: HashMap<(String, String), SessionRow>,
    bytes: usize,
}

/// The interceptions of one actor under one session id.
#[derive(Debug, Clone, Serialize)]
pub struct SessionRow {
    /// The session id that the client sent.
    pub session: String,
    /// The actor (`initiator_id`).
    pub user: String,
    /// The client program of the first interception that was added.
    pub client: String,
    /// The earliest `started_at`.
    #[serde(serialize_with = "super::rows::time")]
    pub first_at: Timestamp,
    /// The latest `started_at`.
    #[serde(serialize_with = "super::rows::time")]
    pub last_at: Timestamp,
    /// The totals of the interceptions.
    #[serde(flatten)]
    pub sums: Sums,
    /// The smallest interception id. An interception belongs to one session, so the id identifies the session.
    #[serde(skip)]
    pub first_id: Uuid,
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
                    first_at: at,
                    last_at: at,
                    sums: Sums::default(),
                    first_id: interception.id,
                })
            }
        };
        session.first_id = session.first_id.min(interception.id);
        session.first_at = session.first_at.min(at);
        session.last_at = session.last_at.max(at);
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

    /// At most `limit` sessions, latest first interception first, of those that began before the interception
    /// `before`. The first interception of a session does not change when more are recorded, so that pages neither
    /// miss nor repeat a session.
    pub fn begun_before(self, before: Option<Uuid>, limit: usize) -> Vec<SessionRow> {
        let is_meant = |row: &SessionRow| before.is_none_or(|before| row.first_id < before);
        let mut rows: Vec<_> = self.rows.into_values().filter(is_meant).collect();
        rows.sort_by_key(|row| Reverse(row.first_id));
        rows.truncate(limit);
        rows
    }

    /// All sessions, the most recently active first.
    pub fn rows(self) -> Vec<SessionRow> {
        let mut rows: Vec<_> = self.rows.into_values().collect();
        rows.sort_by(|a, b| b.last_at.cmp(&a.last_at).then_with(|| a.session.cmp(&b.session)));
        rows
    }
}
