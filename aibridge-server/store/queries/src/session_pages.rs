//! Pages of sessions, found by their first interceptions, without reading the interceptions of other sessions.

use crate::Sums;
use crate::conditions::conditions;
use crate::records::Records;
use crate::sessions::{MAX_MODELS, SessionRow};
use aibridge_store_core::StoreError;
use aibridge_store_core::query::{CellKind, Value, Values};
use aibridge_store_core::query::{Filter, TokenSums};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Number of interceptions that one transaction searches for first ones: the first transaction, and at most a later one,
/// which searches more where few sessions match.
const CHUNK: i64 = 5000;
const MAX_CHUNK: i64 = 160_000;

/// Maximum length in characters of a client-chosen text in a list.
const LISTED_CHARS: usize = 512;

/// Number of models that are read for one page of sessions.
const MAX_PAGE_MODELS: usize = 20_000;

/// A session whose sums are not read yet.
struct Begun {
    first_id: Uuid,
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
        let first_ids: Vec<Uuid> = begun.iter().map(|one| one.first_id).collect();
        if first_ids.is_empty() {
            return Ok(Vec::new());
        }
        let filter = &Filter { before: None, ..filter.clone() };
        let mut rows = self.session_rows(filter, &first_ids)?;
        let complete =
            |one: Begun| Some(SessionRow { client: cut(one.client), ..rows.remove(&one.first_id)? });
        Ok(begun.into_iter().filter_map(complete).collect())
    }

    /// The sums of the session whose first interception is `first_id`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub(super) fn session_row(&self, first_id: Uuid) -> Result<SessionRow, StoreError> {
        let row = self.session_rows(&Filter::default(), &[first_id])?.remove(&first_id);
        row.ok_or_else(|| StoreError::Database("the session was deleted while it was read".to_owned()))
    }

    /// The sums of sessions by their first interceptions. Only interceptions that match `filter` count.
    fn session_rows(
        &self,
        filter: &Filter,
        first_ids: &[Uuid],
    ) -> Result<HashMap<Uuid, SessionRow>, StoreError> {
        let mut rows = self.session_sums(filter, first_ids)?;
        self.add_session_models(filter, first_ids, &mut rows)?;
        self.add_session_tokens(filter, first_ids, &mut rows)?;
        Ok(rows)
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
                "SELECT i.id, i.client FROM aibridge_interceptions i \
                 WHERE {matches} AND coalesce(i.client_session_id, NULL) IS NOT NULL AND NOT EXISTS (\
                    SELECT 1 FROM aibridge_interceptions e WHERE e.client_session_id = i.client_session_id \
                    AND e.initiator_id = i.initiator_id AND e.id < i.id AND {earlier}) \
                 ORDER BY i.id DESC LIMIT {rest}"
            );
            for mut cells in self.select(&values.statement(sql, [CellKind::Id, CellKind::Text]))? {
                found.push(Begun { first_id: cells.id()?, client: cells.text()? });
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
        first_ids: &[Uuid],
    ) -> Result<HashMap<Uuid, SessionRow>, StoreError> {
        let dialect = self.dialect();
        let (values, from) = in_sessions(filter, first_ids, "");
        let failed = dialect.total("CASE WHEN i.outcome = 'failed' THEN 1 ELSE 0 END");
        let sql = format!(
            "SELECT f.id, min(f.client_session_id), min(f.initiator_id), min(i.client), {}, {failed}, {}, \
             min(i.started_at), max(i.started_at), max(i.ended_at) FROM {from} GROUP BY f.id",
            dialect.count("*"),
            dialect.count("i.ended_at"),
        );
        use CellKind::{Count, Float, Id, Text, Time};
        let kinds = [Id, Text, Text, Text, Count, Float, Count, Time, Time, Time];
        let mut rows = HashMap::new();
        for mut cells in self.select(&values.statement(sql, kinds))? {
            let id = cells.id()?;
            let (session, user, client) = (cut(cells.text()?), cells.text()?, cells.text()?);
            let requests = cells.count()?.unsigned_abs();
            let failed = cells.rounded()?.unsigned_abs();
            let ended = cells.count()?.unsigned_abs();
            let (first_at, last_at, last_end) = (cells.time()?, cells.time()?, cells.optional_time()?);
            let ended_at = last_end.filter(|_| ended == requests);
            let sums = Sums { requests, failed, ..Sums::default() };
            let models = Vec::new();
            rows.insert(
                id,
                SessionRow { id, session, user, client, first_at, last_at, ended_at, models, sums },
            );
        }
        Ok(rows)
    }

    fn add_session_models(
        &self,
        filter: &Filter,
        first_ids: &[Uuid],
        rows: &mut HashMap<Uuid, SessionRow>,
    ) -> Result<(), StoreError> {
        let (values, from) = in_sessions(filter, first_ids, "");
        let sql = format!(
            "SELECT DISTINCT f.id, substr(i.model, 1, {}) FROM {from} LIMIT {MAX_PAGE_MODELS}",
            LISTED_CHARS + 1
        );
        let mut models = HashMap::<Uuid, BTreeSet<String>>::new();
        for mut cells in self.select(&values.statement(sql, [CellKind::Id, CellKind::Text]))? {
            models.entry(cells.id()?).or_default().insert(cut(cells.text()?));
        }
        for (id, models) in models {
            if let Some(row) = rows.get_mut(&id) {
                row.models = models.into_iter().take(MAX_MODELS).collect();
            }
        }
        Ok(())
    }

    fn add_session_tokens(
        &self,
        filter: &Filter,
        first_ids: &[Uuid],
        rows: &mut HashMap<Uuid, SessionRow>,
    ) -> Result<(), StoreError> {
        let dialect = self.dialect();
        let usages = "JOIN aibridge_token_usages u ON u.interception_id = i.id";
        let (values, from) = in_sessions(filter, first_ids, usages);
        let tokens = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_write_input_tokens"];
        let tokens = tokens.map(|column| dialect.total(&format!("u.{column}"))).join(", ");
        let sql = format!("SELECT f.id, {tokens}, {} FROM {from} GROUP BY f.id", dialect.cost_sum());
        use CellKind::{Count, Float, Id};
        for mut cells in self.select(&values.statement(sql, [Id, Float, Float, Float, Float, Count]))? {
            let id = cells.id()?;
            let tokens = TokenSums {
                input_tokens: cells.rounded()?,
                output_tokens: cells.rounded()?,
                cache_read_input_tokens: cells.rounded()?,
                cache_write_input_tokens: cells.rounded()?,
                cost_nano_usd: cells.optional_count()?,
            };
            if let Some(row) = rows.get_mut(&id) {
                row.sums.tokens = tokens;
            }
        }
        Ok(())
    }
}

/// The interceptions `i` that match `filter` in the sessions of the interceptions `f`, and what `join` adds to them. The index
/// on sessions finds them, and the database compares the names: text that is not UTF-8 changes when it is read.
fn in_sessions(filter: &Filter, first_ids: &[Uuid], join: &str) -> (Values, String) {
    let mut values = Values::default();
    let ids = values.bind_all(first_ids.iter().copied().map(Value::Id));
    let matches = conditions(filter, filter.ids(), "i", &mut values);
    let from = format!(
        "aibridge_interceptions f JOIN aibridge_interceptions i \
         ON i.client_session_id = f.client_session_id AND i.initiator_id = f.initiator_id {join} \
         WHERE f.id IN ({ids}) AND {matches}"
    );
    (values, from)
}

/// Cuts a text as lists do.
pub(super) fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LISTED_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}
