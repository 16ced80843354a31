//! Pages of sessions, found by their first interceptions, without reading the interceptions of other sessions.

use crate::Sums;
use crate::conditions::conditions;
use crate::records::Records;
use crate::sessions::{MAX_MODELS, SessionRow};
use aibridge_store_core::StoreError;
use aibridge_store_core::query::{CellKind, Value, Values};
use aibridge_store_core::query::{Filter, TokenSums};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// Number of interceptions that one transaction searches for first ones: the first transaction, and at most a later one,
/// which searches more where few sessions match.
const CHUNK: i64 = 5000;
const MAX_CHUNK: i64 = 160_000;

/// Maximum length in characters of a client-chosen text in a list.
const LISTED_CHARS: usize = 512;

/// Number of models that are read for one page of sessions.
const MAX_PAGE_MODELS: usize = 20_000;

/// The id of a session, and its actor.
pub(super) type SessionKey = (String, String);

/// A session whose sums are not read yet.
struct Begun {
    first_id: Uuid,
    key: SessionKey,
    client: String,
}

impl Records {
    /// At most `limit` sessions, latest first interception first, of those that began before the interception
    /// `filter.before`. Only interceptions that match `filter` count.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn session_page(&self, filter: &Filter, limit: usize) -> Result<Vec<SessionRow>, StoreError> {
        let begun = self.begun_sessions(filter, limit)?;
        let keys: HashSet<SessionKey> = begun.iter().map(|one| one.key.clone()).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let filter = &Filter { before: None, ..filter.clone() };
        let mut rows = self.session_sums(filter, &keys)?;
        let mut models = self.session_models(filter, &keys)?;
        self.add_session_tokens(filter, &keys, &mut rows)?;
        let complete = |one: Begun| {
            let mut row = rows.remove(&one.key)?;
            row.id = one.first_id;
            row.client = cut(one.client);
            row.models = models.remove(&one.key).unwrap_or_default().into_iter().take(MAX_MODELS).collect();
            Some(row)
        };
        Ok(begun.into_iter().filter_map(complete).collect())
    }

    /// The sums of one session.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub(super) fn session_row(&self, first_id: Uuid, key: SessionKey) -> Result<SessionRow, StoreError> {
        let keys = HashSet::from([key.clone()]);
        let filter = Filter::default();
        let mut rows = self.session_sums(&filter, &keys)?;
        let mut models = self.session_models(&filter, &keys)?;
        self.add_session_tokens(&filter, &keys, &mut rows)?;
        let missing = || StoreError::Database("the session was deleted while it was read".to_owned());
        let mut row = rows.remove(&key).ok_or_else(missing)?;
        row.id = first_id;
        row.models = models.remove(&key).unwrap_or_default().into_iter().take(MAX_MODELS).collect();
        Ok(row)
    }

    /// The sessions whose first matching interceptions are the latest ones.
    fn begun_sessions(&self, filter: &Filter, limit: usize) -> Result<Vec<Begun>, StoreError> {
        let mut found = Vec::new();
        let (low, mut high) = filter.ids();
        let mut chunk = CHUNK;
        while found.len() < limit {
            let end = self.id_at_offset_from_end((low, high), chunk - 1)?;
            chunk = (chunk * 2).min(MAX_CHUNK);
            let mut values = Values::default();
            let range = (end.unwrap_or(low), high);
            let matches = conditions(filter, range, "i", &mut values);
            let earlier = conditions(filter, (low, Uuid::max()), "e", &mut values);
            let rest = values.bind(Value::Count(i64::try_from(limit - found.len()).unwrap_or(i64::MAX)));
            let sql = format!(
                "SELECT i.id, i.client_session_id, i.initiator_id, i.client FROM aibridge_interceptions i \
                 WHERE {matches} AND coalesce(i.client_session_id, NULL) IS NOT NULL AND NOT EXISTS (\
                    SELECT 1 FROM aibridge_interceptions e WHERE e.client_session_id = i.client_session_id \
                    AND e.initiator_id = i.initiator_id AND e.id < i.id AND {earlier}) \
                 ORDER BY i.id DESC LIMIT {rest}"
            );
            let kinds = [CellKind::Id, CellKind::Text, CellKind::Text, CellKind::Text];
            for mut cells in self.select(&values.statement(sql, kinds))? {
                let first_id = cells.id()?;
                found.push(Begun { first_id, key: (cells.text()?, cells.text()?), client: cells.text()? });
            }
            match end {
                Some(end) => high = aibridge_store_core::query::previous(end),
                None => break,
            }
        }
        Ok(found)
    }

    fn session_sums(
        &self,
        filter: &Filter,
        keys: &HashSet<SessionKey>,
    ) -> Result<HashMap<SessionKey, SessionRow>, StoreError> {
        let dialect = self.dialect();
        let (values, conditions) = in_sessions(filter, keys);
        let failed = dialect.total("CASE WHEN i.outcome = 'failed' THEN 1 ELSE 0 END");
        let sql = format!(
            "SELECT i.client_session_id, i.initiator_id, min(i.client), {}, {failed}, {}, min(i.started_at), \
             max(i.started_at), max(i.ended_at) FROM aibridge_interceptions i WHERE {conditions} GROUP BY 1, 2",
            dialect.count("*"),
            dialect.count("i.ended_at"),
        );
        use CellKind::{Count, Float, Text, Time};
        let kinds = [Text, Text, Text, Count, Float, Count, Time, Time, Time];
        let mut rows = HashMap::new();
        for mut cells in self.select(&values.statement(sql, kinds))? {
            let key = (cells.text()?, cells.text()?);
            let client = cells.text()?;
            let requests = cells.count()?.unsigned_abs();
            let failed = cells.rounded()?.unsigned_abs();
            let ended = cells.count()?.unsigned_abs();
            let (first_at, last_at, last_end) = (cells.time()?, cells.time()?, cells.optional_time()?);
            let row = SessionRow {
                session: cut(key.0.clone()),
                user: key.1.clone(),
                client,
                first_at,
                last_at,
                ended_at: last_end.filter(|_| ended == requests),
                models: Vec::new(),
                sums: Sums { requests, failed, ..Sums::default() },
                id: Uuid::nil(),
            };
            if keys.contains(&key) {
                rows.insert(key, row);
            }
        }
        Ok(rows)
    }

    fn session_models(
        &self,
        filter: &Filter,
        keys: &HashSet<SessionKey>,
    ) -> Result<HashMap<SessionKey, BTreeSet<String>>, StoreError> {
        let (values, conditions) = in_sessions(filter, keys);
        let sql = format!(
            "SELECT DISTINCT i.client_session_id, i.initiator_id, substr(i.model, 1, {}) \
             FROM aibridge_interceptions i WHERE {conditions} LIMIT {MAX_PAGE_MODELS}",
            LISTED_CHARS + 1
        );
        let mut models = HashMap::<_, BTreeSet<_>>::new();
        for mut cells in self.select(&values.statement(sql, [CellKind::Text; 3]))? {
            models.entry((cells.text()?, cells.text()?)).or_default().insert(cut(cells.text()?));
        }
        Ok(models)
    }

    fn add_session_tokens(
        &self,
        filter: &Filter,
        keys: &HashSet<SessionKey>,
        rows: &mut HashMap<SessionKey, SessionRow>,
    ) -> Result<(), StoreError> {
        let dialect = self.dialect();
        let (values, conditions) = in_sessions(filter, keys);
        let tokens = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_write_input_tokens"];
        let tokens = tokens.map(|column| dialect.total(&format!("u.{column}"))).join(", ");
        let sql = format!(
            "SELECT i.client_session_id, i.initiator_id, {tokens}, {} FROM aibridge_interceptions i \
             JOIN aibridge_token_usages u ON u.interception_id = i.id WHERE {conditions} GROUP BY 1, 2",
            dialect.cost_sum()
        );
        use CellKind::{Count, Float, Text};
        let kinds = [Text, Text, Float, Float, Float, Float, Count];
        for mut cells in self.select(&values.statement(sql, kinds))? {
            let key = (cells.text()?, cells.text()?);
            let tokens = TokenSums {
                input_tokens: cells.rounded()?,
                output_tokens: cells.rounded()?,
                cache_read_input_tokens: cells.rounded()?,
                cache_write_input_tokens: cells.rounded()?,
                cost_nano_usd: cells.optional_count()?,
            };
            if let Some(row) = rows.get_mut(&key) {
                row.sums.tokens = tokens;
            }
        }
        Ok(())
    }
}

/// The conditions of `filter` on the interceptions of `keys`. The index on sessions finds them.
fn in_sessions(filter: &Filter, keys: &HashSet<SessionKey>) -> (Values, String) {
    let mut values = Values::default();
    let sessions: HashSet<&String> = keys.iter().map(|(session, _)| session).collect();
    let users: HashSet<&String> = keys.iter().map(|(_, user)| user).collect();
    let sessions = values.bind_all(sessions.into_iter().map(|text| Value::Text(text.clone())));
    let users = values.bind_all(users.into_iter().map(|text| Value::Text(text.clone())));
    let rest = conditions(filter, filter.ids(), "i", &mut values);
    (values, format!("i.client_session_id IN ({sessions}) AND i.initiator_id IN ({users}) AND {rest}"))
}

/// Cuts a text as lists do.
pub(super) fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LISTED_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}
