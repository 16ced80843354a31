//! Splicing tools into a request.

use crate::Tool;
use aibridge_intercept::Error;
use aibridge_json::{Edit, Json};
use serde_json::Value;

/// How a request spells a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `{"type":"function","function":{"name":…}}`, and `n` is 1: there is one answer to go on from.
    ChatCompletions,
    /// `{"type":"function","name":…}`.
    Responses,
}

/// The edits that add `tools` behind the client's own. Calls come one at a time (`parallel_tool_calls` is false), so
/// that an answer never mixes tools of the gateway with tools of the client.
///
/// # Errors
///
/// [`Error::InvalidJson`] if `body` is not one JSON object.
pub fn inject(body: &[u8], dialect: Dialect, tools: &[Tool]) -> Result<Vec<Edit>, Error> {
    let [own, parallel, n] = Json::object(body, ["tools", "parallel_tool_calls", "n"])?;
    if tools.is_empty() {
        return Ok(Vec::new());
    }
    let added = tools.iter().map(|tool| dialect.spell(tool)).collect::<Vec<_>>().join(",");
    let mut edits = Vec::new();
    let mut missing = Vec::new();
    match own.filter(|own| own.text().starts_with('[')) {
        Some(own) => edits.push(append(body, own, &added)),
        None => set(body, own, "tools", format!("[{added}]"), &mut edits, &mut missing),
    }
    set(body, parallel, "parallel_tool_calls", "false".into(), &mut edits, &mut missing);
    if dialect == Dialect::ChatCompletions {
        set(body, n, "n", "1".into(), &mut edits, &mut missing);
    }
    if !missing.is_empty() {
        edits.push(Edit::insert_first(body, missing.join(",")));
    }
    Ok(edits)
}

impl Dialect {
    fn spell(self, tool: &Tool) -> String {
        let (name, description) = (Value::from(tool.name.as_str()), Value::from(tool.description.as_str()));
        let function =
            format!(r#""name":{name},"description":{description},"parameters":{}"#, tool.input_schema);
        match self {
            Self::ChatCompletions => format!(r#"{{"type":"function","function":{{{function}}}}}"#),
            Self::Responses => format!(r#"{{"type":"function",{function}}}"#),
        }
    }
}

/// Behind the last element of `array`.
fn append(body: &[u8], array: Json<'_>, elements: &str) -> Edit {
    let end = array.range_in(body).end - 1;
    let comma = if array.last_element().is_some() { "," } else { "" };
    Edit { range: end..end, replacement: format!("{comma}{elements}").into() }
}

/// Makes member `name` have `value`: in its place, or among those that are missing.
fn set(
    body: &[u8],
    present: Option<Json<'_>>,
    name: &str,
    value: String,
    edits: &mut Vec<Edit>,
    missing: &mut Vec<String>,
) {
    match present {
        Some(old) => edits.push(Edit::replace(body, old, value)),
        None => missing.push(format!(r#""{name}":{value}"#)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_intercept::payload::Payload;
    use bytes::Bytes;

    fn injected(body: &'static str, dialect: Dialect) -> String {
        let tool = |name: &str| Tool {
            name: name.into(),
            description: "d".into(),
            input_schema: "{}".into(),
            server_url: "http://s".into(),
        };
        let body = Bytes::from_static(body.as_bytes());
        let edits = inject(&body, dialect, &[tool("a"), tool("b")]).unwrap();
        String::from_utf8(Payload::edited(&body, edits).to_bytes().to_vec()).unwrap()
    }

    const CHAT: &str = r#"{"type":"function","function":{"name":"a","description":"d","parameters":{}}},{"type":"function","function":{"name":"b","description":"d","parameters":{}}}"#;
    const RESPONSES: &str = r#"{"type":"function","name":"a","description":"d","parameters":{}},{"type":"function","name":"b","description":"d","parameters":{}}"#;

    #[test]
    fn tools_come_behind_the_clients_own_and_nothing_else_moves() {
        assert_eq!(
            injected(
                r#"{ "tools": [ {"x":1} ], "n": 3, "parallel_tool_calls":true,"z":1.0}"#,
                Dialect::ChatCompletions
            ),
            format!(r#"{{ "tools": [ {{"x":1}} ,{CHAT}], "n": 1, "parallel_tool_calls":false,"z":1.0}}"#),
        );
        assert_eq!(
            injected(r#"{"tools":[]}"#, Dialect::Responses),
            format!(r#"{{"parallel_tool_calls":false,"tools":[{RESPONSES}]}}"#),
        );
        assert_eq!(
            injected(r#"{"tools":null}"#, Dialect::ChatCompletions),
            format!(r#"{{"parallel_tool_calls":false,"n":1,"tools":[{CHAT}]}}"#),
        );
        assert_eq!(
            injected("{}", Dialect::Responses),
            format!(r#"{{"tools":[{RESPONSES}],"parallel_tool_calls":false}}"#),
        );
    }

    #[test]
    fn without_tools_there_is_nothing_to_edit() {
        assert_eq!(inject(br#"{"n":2}"#, Dialect::ChatCompletions, &[]).unwrap(), []);
        assert!(inject(b"[]", Dialect::ChatCompletions, &[]).is_err());
    }
}
