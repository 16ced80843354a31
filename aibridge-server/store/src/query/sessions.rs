use super::{Summary, Sums};
use jiff::Timestamp;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use uuid::Uuid;

/// Sessions, while they are put together. It needs memory for each session, not for each row.
#[derive(Debug, Default)]
pub struct Sessions {
    rows: HashMap<(String, String), SessionRow>,
    bytes: usize,
}

/// What one client did for one user under one id of a session.
#[derive(Debug, Clone, Serialize)]
pub struct SessionRow {
    /// The client's own id.
    pub session: String,
    /// On whose behalf.
    pub user: String,
    /// The client program that began it.
    pub client: String,
    /// When its first interception started.
    #[serde(serialize_with = "super::rows::time")]
    pub first_at: Timestamp,
    /// When its latest interception started.
    #[serde(serialize_with = "super::rows::time")]
    pub last_at: Timestamp,
    /// What they add up to.
    #[serde(flatten)]
    pub sums: Sums,
    /// Its first interception, of which it is the only session.
    #[serde(skip)]
    pub first_id: Uuid,
}

impl Sessions {
    /// Adds an interception, if it belongs to a session.
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

    /// How many there are so far.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many bytes their texts have.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there are none so far.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// At most `limit` sessions, the latest begun first, of those that began before the interception `before`. Where one
    /// began stays, whatever is recorded later: so no page of them misses or repeats one.
    pub fn begun_before(self, before: Option<Uuid>, limit: usize) -> Vec<SessionRow> {
        let is_meant = |row: &SessionRow| before.is_none_or(|before| row.first_id < before);
        let mut rows: Vec<_> = self.rows.into_values().filter(is_meant).collect();
        rows.sort_by_key(|row| Reverse(row.first_id));
        rows.truncate(limit);
        rows
    }

    /// All sessions, the latest first.
    pub fn rows(self) -> Vec<SessionRow> {
        let mut rows: Vec<_> = self.rows.into_values().collect();
        rows.sort_by(|a, b| b.last_at.cmp(&a.last_at).then_with(|| a.session.cmp(&b.session)));
        rows
    }
}
