//! One session in the order of time: its interceptions, and their prompts, tool calls and reasoning with the beginnings
//! of the texts.

use crate::SessionRow;
use crate::records::Records;
use crate::summaries_by_id::summary_columns;
use aibridge_store_core::StoreError;
use aibridge_store_core::query::Summary;
use aibridge_store_core::query::{CellKind, Cells, Value, Values};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// Maximum length in characters of the beginning of a prompt, and of other texts.
const PROMPT_CHARS: usize = 1000;
const EXCERPT_CHARS: usize = 200;

/// Number of items of each kind that one page of a timeline has. A response may have any number of tool calls.
const MAX_ITEMS: usize = 500;

/// A session, found by one of its interceptions.
#[derive(Debug, Clone)]
pub struct SessionRef {
    /// The smallest interception id.
    pub first_id: Uuid,
    /// The actor; `None` if the interception belongs to no session.
    user: Option<String>,
}

/// A session with its sums.
#[derive(Debug, Clone, Serialize)]
pub struct SessionSummary {
    /// The sums, as in lists of sessions.
    #[serde(flatten)]
    pub row: SessionRow,
    /// The first interception that failed.
    pub first_failure_id: Option<Uuid>,
    /// Number of tool calls.
    pub tool_calls: u64,
}

/// An interception of a timeline.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// The interception with its token totals.
    #[serde(flatten)]
    pub summary: Summary,
    /// The prompts of the user.
    pub prompts: Vec<Excerpt>,
    /// The reasoning in the response.
    pub reasoning: Vec<Excerpt>,
    /// The tools that the model selected.
    pub tool_calls: Vec<ToolCall>,
    /// Whether items are missing, because the page has too many.
    pub has_more_items: bool,
}

/// The beginning of a text.
#[derive(Debug, Clone, Serialize)]
pub struct Excerpt {
    /// The id of the row.
    pub id: Uuid,
    /// The beginning of the text.
    pub excerpt: String,
    /// Size of the whole text in bytes.
    pub bytes: u64,
}

/// A tool call with the beginning of its input.
#[derive(Debug, Clone, Serialize)]
pub struct ToolCall {
    /// The beginning of its input.
    #[serde(flatten)]
    pub input: Excerpt,
    /// The name of the tool.
    pub tool: String,
    /// The provider's id of the tool call, which the request with its result repeats.
    pub provider_tool_call_id: Option<String>,
    /// The MCP server of an injected tool.
    pub server_url: Option<String>,
    /// Whether the gateway ran the tool.
    pub injected: bool,
    /// The error of an injected tool that failed.
    pub invocation_error: Option<String>,
    /// The time at which the call was received.
    #[serde(serialize_with = "aibridge_store_core::query::time")]
    pub created_at: Timestamp,
    /// Attributes of the row.
    pub metadata: Box<RawValue>,
}

impl SessionRef {
    /// The actor of the session; `None` if the interception belongs to no session.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

impl Records {
    /// The session of the interception `id`; `None` if there is no such interception, or if `user` is given and is not
    /// its actor. An interception without a session is one of its own.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn session_of(&self, id: Uuid, user: Option<&str>) -> Result<Option<SessionRef>, StoreError> {
        let mut values = Values::default();
        let id_value = values.bind(Value::Id(id));
        let sql = format!(
            "SELECT client_session_id, initiator_id FROM aibridge_interceptions WHERE id = {id_value}"
        );
        let found = self.select(&values.statement(sql, [CellKind::Text; 2]))?;
        let Some(mut cells) = found.into_iter().next() else { return Ok(None) };
        let (session, actor) = (cells.optional_text()?, cells.text()?);
        if user.is_some_and(|user| user != actor) {
            return Ok(None);
        }
        if session.is_none() {
            return Ok(Some(SessionRef { first_id: id, user: None }));
        }
        let mut values = Values::default();
        let condition = of_session_with(id, &mut values);
        let sql =
            format!("SELECT i.id FROM aibridge_interceptions i WHERE {condition} ORDER BY i.id LIMIT 1");
        let first = self.select(&values.statement(sql, [CellKind::Id]))?.into_iter().next();
        let first_id = first.map(|mut cells| cells.id()).transpose()?.unwrap_or(id);
        Ok(Some(SessionRef { first_id, user: Some(actor) }))
    }

    /// The sums of a session.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn session_summary(&self, session: &SessionRef) -> Result<Option<SessionSummary>, StoreError> {
        let row = match &session.user {
            Some(_) => self.session_row(session.first_id)?,
            None => {
                let found = self.summaries_of(&[session.first_id])?;
                let Some(summary) = found.into_iter().next() else { return Ok(None) };
                SessionRow::of_one(&summary)
            }
        };
        let mut values = Values::default();
        let condition = condition_of(session, &mut values);
        let sql = format!(
            "SELECT i.id FROM aibridge_interceptions i WHERE {condition} AND i.outcome = 'failed' \
             ORDER BY i.id LIMIT 1"
        );
        let failure = self.select(&values.statement(sql, [CellKind::Id]))?.into_iter().next();
        let mut values = Values::default();
        let condition = condition_of(session, &mut values);
        let sql = format!(
            "SELECT {} FROM aibridge_interceptions i JOIN aibridge_tool_usages t ON t.interception_id = i.id \
             WHERE {condition}",
            self.dialect().count("*")
        );
        let calls = self.select(&values.statement(sql, [CellKind::Count]))?.into_iter().next();
        Ok(Some(SessionSummary {
            row,
            first_failure_id: failure.map(|mut cells| cells.id()).transpose()?,
            tool_calls: calls.map(|mut cells| cells.count()).transpose()?.unwrap_or(0).unsigned_abs(),
        }))
    }

    /// At most `limit` steps of a session after the interception `after`, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn timeline(
        &self,
        session: &SessionRef,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Step>, StoreError> {
        let (columns, kinds) = summary_columns(self.dialect());
        let mut values = Values::default();
        let condition = condition_of(session, &mut values);
        let after = values.bind(Value::Id(after.unwrap_or(Uuid::nil())));
        let limit = values.bind(Value::Count(i64::try_from(limit).unwrap_or(i64::MAX)));
        let sql = format!(
            "SELECT {columns} FROM aibridge_interceptions i WHERE {condition} AND i.id > {after} \
             ORDER BY i.id LIMIT {limit}"
        );
        let found = self.select(&values.statement(sql, kinds))?;
        let summaries = found.into_iter().map(crate::summaries_by_id::summary);
        let step = |summary: Result<Summary, StoreError>| {
            let (prompts, reasoning, tool_calls) = Default::default();
            Ok(Step { summary: summary?, prompts, reasoning, tool_calls, has_more_items: false })
        };
        let mut steps: Vec<Step> = summaries.map(step).collect::<Result<_, StoreError>>()?;
        if !steps.is_empty() {
            self.add_items(&mut steps)?;
        }
        Ok(steps)
    }

    fn add_items(&self, steps: &mut [Step]) -> Result<(), StoreError> {
        for (step, excerpt) in self.excerpts(steps, "aibridge_user_prompts", "prompt", PROMPT_CHARS)? {
            steps[step].prompts.extend(excerpt);
        }
        for (step, excerpt) in self.excerpts(steps, "aibridge_model_thoughts", "content", EXCERPT_CHARS)? {
            steps[step].reasoning.extend(excerpt);
        }
        let (sql, values) = items_sql(
            steps,
            "aibridge_tool_usages",
            &format!(
                "substr(c.input, 1, {EXCERPT_CHARS}), octet_length(c.input), substr(c.tool, 1, 200), \
                 substr(c.provider_tool_call_id, 1, 200), substr(c.server_url, 1, 500), c.injected, \
                 substr(c.invocation_error, 1, 2000), c.created_at, {}",
                self.dialect().json_as_text()("c.metadata")
            ),
        );
        use CellKind::{Boolean, Id, Integer, Text, Time};
        let kinds = [Id, Id, Text, Integer, Text, Text, Text, Boolean, Text, Time, Text];
        for (index, mut cells) in self.select(&values.statement(sql, kinds))?.into_iter().enumerate() {
            let Some(step) = step_of(steps, cells.id()?) else { continue };
            if index >= MAX_ITEMS {
                steps[step].has_more_items = true;
                continue;
            }
            let input = excerpt(&mut cells)?;
            steps[step].tool_calls.push(ToolCall {
                input,
                tool: cells.text()?,
                provider_tool_call_id: cells.optional_text()?,
                server_url: cells.optional_text()?,
                injected: cells.is_true()?,
                invocation_error: cells.optional_text()?,
                created_at: cells.time()?,
                metadata: cells.json()?,
            });
        }
        Ok(())
    }

    /// The beginnings of one text column, each with the position of its step; `None` for texts beyond the bound.
    fn excerpts(
        &self,
        steps: &mut [Step],
        table: &str,
        column: &str,
        chars: usize,
    ) -> Result<Vec<(usize, Option<Excerpt>)>, StoreError> {
        let columns = format!("substr(c.{column}, 1, {chars}), octet_length(c.{column})");
        let (sql, values) = items_sql(steps, table, &columns);
        let kinds = [CellKind::Id, CellKind::Id, CellKind::Text, CellKind::Integer];
        let mut all = Vec::new();
        for (index, mut cells) in self.select(&values.statement(sql, kinds))?.into_iter().enumerate() {
            let Some(step) = step_of(steps, cells.id()?) else { continue };
            if index >= MAX_ITEMS {
                steps[step].has_more_items = true;
                continue;
            }
            all.push((step, Some(excerpt(&mut cells)?)));
        }
        Ok(all)
    }
}

fn excerpt(cells: &mut Cells) -> Result<Excerpt, StoreError> {
    let (id, excerpt, bytes) = (cells.id()?, cells.text()?, cells.count()?);
    Ok(Excerpt { id, excerpt, bytes: bytes.unsigned_abs() })
}

/// The rows of a table that belong to `steps`, one more than the bound.
fn items_sql(steps: &[Step], table: &str, columns: &str) -> (String, Values) {
    let mut values = Values::default();
    let ids = values.bind_all(steps.iter().map(|step| Value::Id(step.summary.interception.id)));
    let sql = format!(
        "SELECT c.interception_id, c.id, {columns} FROM {table} c WHERE c.interception_id IN ({ids}) \
         ORDER BY c.interception_id, c.id LIMIT {}",
        MAX_ITEMS + 1
    );
    (sql, values)
}

fn step_of(steps: &[Step], id: Uuid) -> Option<usize> {
    steps.binary_search_by_key(&id, |step| step.summary.interception.id).ok()
}

/// The condition that an interception `i` belongs to `session`.
pub(super) fn condition_of(session: &SessionRef, values: &mut Values) -> String {
    match &session.user {
        Some(_) => of_session_with(session.first_id, values),
        None => format!("i.id = {}", values.bind(Value::Id(session.first_id))),
    }
}

/// The condition that an interception `i` belongs to the session of the interception `id`. The database compares the names:
/// text that is not UTF-8 changes when it is read.
fn of_session_with(id: Uuid, values: &mut Values) -> String {
    let id = values.bind(Value::Id(id));
    let of = |column: &str| format!("(SELECT {column} FROM aibridge_interceptions WHERE id = {id})");
    format!("i.client_session_id = {} AND i.initiator_id = {}", of("client_session_id"), of("initiator_id"))
}
