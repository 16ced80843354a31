//! The texts of prompts, tool calls and reasoning, one at a time, and the search in the texts of a session.

use crate::records::Records;
use crate::timeline::{SessionRef, condition_of};
use aibridge_store_core::StoreError;
use aibridge_store_core::query::{CellKind, Value, Values};
use serde::Serialize;
use uuid::Uuid;

/// A column that holds the text of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentKind {
    /// A prompt of the user, in `aibridge_user_prompts`.
    Prompts,
    /// The input of a tool call.
    ToolCalls,
    /// A piece of reasoning.
    Reasoning,
}

/// A text, or its beginning.
#[derive(Debug, Clone, Serialize)]
pub struct Content {
    /// The text, cut at a character.
    pub text: String,
    /// Size of the whole text in bytes.
    pub bytes: u64,
    /// Whether the end of the text is missing.
    pub is_cut: bool,
}

/// An item whose text contains what was searched for.
#[derive(Debug, Clone, Serialize)]
pub struct Match {
    /// The interception of the item.
    pub interception_id: Uuid,
    /// The kind of the item.
    pub kind: ContentKind,
    /// The id of the item.
    pub id: Uuid,
    /// Number of matches in its text.
    pub matches: u64,
}

impl ContentKind {
    /// All kinds, in the order in which an interception has them.
    pub const ALL: [Self; 3] = [Self::Prompts, Self::Reasoning, Self::ToolCalls];

    /// The name of the kind in paths and results.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prompts => "prompts",
            Self::ToolCalls => "tool_calls",
            Self::Reasoning => "reasoning",
        }
    }

    fn column(self) -> (&'static str, &'static str) {
        match self {
            Self::Prompts => ("aibridge_user_prompts", "prompt"),
            Self::ToolCalls => ("aibridge_tool_usages", "input"),
            Self::Reasoning => ("aibridge_model_thoughts", "content"),
        }
    }
}

impl Records {
    /// The text of an item, at most about `max_bytes` of it; `None` if there is no such item.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn content(
        &self,
        interception: Uuid,
        kind: ContentKind,
        id: Uuid,
        max_bytes: Option<usize>,
    ) -> Result<Option<Content>, StoreError> {
        let (table, column) = kind.column();
        let mut values = Values::default();
        let text = match max_bytes {
            Some(bytes) => format!("substr({column}, 1, {bytes})"), // a character has at least a byte
            None => column.to_owned(),
        };
        let interception = values.bind(Value::Id(interception));
        let sql = format!(
            "SELECT {text}, octet_length({column}) FROM {table} WHERE interception_id = {interception} AND id = {}",
            values.bind(Value::Id(id))
        );
        let found = self.select(&values.statement(sql, [CellKind::Text, CellKind::Integer]))?;
        let Some(mut cells) = found.into_iter().next() else { return Ok(None) };
        let (mut text, bytes) = (cells.text()?, cells.count()?.unsigned_abs());
        if let Some(max) = max_bytes {
            text.truncate(text.floor_char_boundary(max));
        }
        let is_cut = (text.len() as u64) < bytes;
        Ok(Some(Content { text, bytes, is_cut }))
    }

    /// The beginning of the latest prompt of a session.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn last_prompt(&self, session: &SessionRef, chars: usize) -> Result<Option<String>, StoreError> {
        let mut values = Values::default();
        let condition = condition_of(session, &mut values);
        let sql = format!(
            "SELECT substr(p.prompt, 1, {chars}) FROM aibridge_interceptions i \
             JOIN aibridge_user_prompts p ON p.interception_id = i.id WHERE {condition} \
             ORDER BY i.id DESC, p.id DESC LIMIT 1"
        );
        let found = self.select(&values.statement(sql, [CellKind::Text]))?.into_iter().next();
        found.map(|mut cells| cells.text()).transpose()
    }

    /// The items of a session whose texts contain `text`, at most `limit` of each kind, oldest first. Case is ignored:
    /// on SQLite that of ASCII letters.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn search(&self, session: &SessionRef, text: &str, limit: usize) -> Result<Vec<Match>, StoreError> {
        let mut all = Vec::new();
        for kind in ContentKind::ALL {
            let (table, column) = kind.column();
            let mut values = Values::default();
            let condition = condition_of(session, &mut values);
            let wanted = values.bind(Value::Text(text.to_lowercase()));
            let count = format!(
                "(length(lower(c.{column})) - length(replace(lower(c.{column}), {wanted}, ''))) / length({wanted})"
            );
            let sql = format!(
                "SELECT c.interception_id, c.id, {count} FROM aibridge_interceptions i \
                 JOIN {table} c ON c.interception_id = i.id WHERE {condition} AND {count} > 0 \
                 ORDER BY i.id, c.id LIMIT {limit}"
            );
            let kinds = [CellKind::Id, CellKind::Id, CellKind::Integer];
            for mut cells in self.select(&values.statement(sql, kinds))? {
                let (interception_id, id) = (cells.id()?, cells.id()?);
                all.push(Match { interception_id, kind, id, matches: cells.count()?.unsigned_abs() });
            }
        }
        all.sort_by_key(|one| one.interception_id);
        Ok(all)
    }
}
