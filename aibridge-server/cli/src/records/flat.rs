//! An interception as one flat row, for CSV and Parquet.

use aibridge_store::{FullInterception, InterceptionRow, TokenSums};
use jiff::Timestamp;

/// The type of a column. Any value may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Json,
    Flag,
    Number,
    Time,
}

/// The columns in order: first those of the interception and its token sums, then its child records as JSON.
pub(super) const COLUMNS: [(&str, Kind); 28] = [
    ("id", Kind::Text),
    ("initiator_id", Kind::Text),
    ("provider", Kind::Text),
    ("provider_name", Kind::Text),
    ("model", Kind::Text),
    ("route", Kind::Text),
    ("streaming", Kind::Flag),
    ("client", Kind::Text),
    ("client_session_id", Kind::Text),
    ("user_agent", Kind::Text),
    ("credential_kind", Kind::Text),
    ("credential_hint", Kind::Text),
    ("correlating_tool_call_id", Kind::Text),
    ("metadata", Kind::Json),
    ("started_at", Kind::Time),
    ("ended_at", Kind::Time),
    ("outcome", Kind::Text),
    ("error_type", Kind::Text),
    ("upstream_status", Kind::Number),
    ("input_tokens", Kind::Number),
    ("output_tokens", Kind::Number),
    ("cache_read_input_tokens", Kind::Number),
    ("cache_write_input_tokens", Kind::Number),
    ("cost_nano_usd", Kind::Number),
    ("user_prompts", Kind::Json),
    ("token_usages", Kind::Json),
    ("tool_usages", Kind::Json),
    ("model_thoughts", Kind::Json),
];

/// One value of a row.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    /// Text, or JSON as text.
    Text(Option<String>),
    Flag(bool),
    Number(Option<i64>),
    Time(Option<Timestamp>),
}

impl Cell {
    /// Formats as text. A missing value is empty.
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone().unwrap_or_default(),
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.map(|number| number.to_string()).unwrap_or_default(),
            Self::Time(at) => at.map(|at| format!("{at:.3}")).unwrap_or_default(),
        }
    }

    /// Returns about how many bytes of memory the value takes.
    pub(super) fn bytes(&self) -> usize {
        let text = match self {
            Self::Text(Some(text)) => text.len(),
            _ => 0,
        };
        text + size_of::<Self>()
    }
}

/// Returns the values of all columns.
pub(super) fn row(found: &FullInterception) -> Result<Vec<Cell>, serde_json::Error> {
    let mut row = fields(&found.interception, found.tokens());
    row.push(Cell::Text(Some(serde_json::to_string(&found.user_prompts)?)));
    row.push(Cell::Text(Some(serde_json::to_string(&found.token_usages)?)));
    row.push(Cell::Text(Some(serde_json::to_string(&found.tool_usages)?)));
    row.push(Cell::Text(Some(serde_json::to_string(&found.model_thoughts)?)));
    Ok(row)
}

/// Returns the values of the columns of the interception and its token sums.
pub(super) fn fields(row: &InterceptionRow, tokens: TokenSums) -> Vec<Cell> {
    let text = |text: &String| Cell::Text(Some(text.clone()));
    let optional = |text: &Option<String>| Cell::Text(text.clone());
    vec![
        text(&row.id.to_string()),
        text(&row.initiator_id),
        text(&row.provider),
        text(&row.provider_name),
        text(&row.model),
        text(&row.route),
        Cell::Flag(row.streaming),
        text(&row.client),
        optional(&row.client_session_id),
        optional(&row.user_agent),
        text(&row.credential_kind),
        text(&row.credential_hint),
        optional(&row.correlating_tool_call_id),
        Cell::Text(Some(row.metadata.get().to_owned())),
        Cell::Time(Some(row.started_at)),
        Cell::Time(row.ended_at),
        optional(&row.outcome),
        optional(&row.error_type),
        Cell::Number(row.upstream_status.map(i64::from)),
        Cell::Number(Some(tokens.input_tokens)),
        Cell::Number(Some(tokens.output_tokens)),
        Cell::Number(Some(tokens.cache_read_input_tokens)),
        Cell::Number(Some(tokens.cache_write_input_tokens)),
        Cell::Number(tokens.cost_nano_usd),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_store::tables::{self, Table};

    #[test]
    fn columns_are_those_of_the_description() {
        let kind = |kind: tables::Kind| match kind {
            tables::Kind::Id | tables::Kind::Text | tables::Kind::Bytes => Kind::Text,
            tables::Kind::Integer | tables::Kind::Count => Kind::Number,
            tables::Kind::Boolean => Kind::Flag,
            tables::Kind::Json => Kind::Json,
            tables::Kind::Time => Kind::Time,
        };
        let is_summed = |name: &str| !name.starts_with("estimated_");
        let counts = tables::TOKEN_USAGES.columns.iter();
        let counts = counts.filter(|column| column.kind == tables::Kind::Count && is_summed(column.name));
        let columns = tables::INTERCEPTIONS.columns.iter().chain(counts);
        let children: [&'static Table; 4] =
            [&tables::USER_PROMPTS, &tables::TOKEN_USAGES, &tables::TOOL_USAGES, &tables::MODEL_THOUGHTS];
        let names = children.map(|table| (table.name.trim_start_matches("aibridge_"), Kind::Json));
        let expected: Vec<_> = columns.map(|column| (column.name, kind(column.kind))).chain(names).collect();
        assert_eq!(expected, COLUMNS);
    }
}
