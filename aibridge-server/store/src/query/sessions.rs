use super::{Summary, Sums};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Sessions, while they are put together. It needs memory for each session, not for each row.
#[derive(Debug, Default)]
pub struct Sessions(HashMap<(String, String), SessionRow>);

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
}

impl Sessions {
    /// Adds an interception, if it belongs to a session.
    pub fn add(&mut self, row: &Summary) {
        let interception = &row.interception;
        let Some(session) = &interception.client_session_id else { return };
        let at = interception.started_at;
        let session = match self.0.entry((session.clone(), interception.initiator_id.clone())) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let (session, user) = entry.key().clone();
                let client = interception.client.clone();
                entry.insert(SessionRow {
                    session,
                    user,
                    client,
                    first_at: at,
                    last_at: at,
                    sums: Sums::default(),
                })
            }
        };
        session.first_at = session.first_at.min(at);
        session.last_at = session.last_at.max(at);
        session.sums.add(row);
    }

    /// All sessions, the latest first.
    pub fn rows(self) -> Vec<SessionRow> {
        let mut rows: Vec<_> = self.0.into_values().collect();
        rows.sort_by(|a, b| b.last_at.cmp(&a.last_at).then_with(|| a.session.cmp(&b.session)));
        rows
    }
}
