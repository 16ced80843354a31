//! Detects the client program that sent a request, and its session.

use aibridge_json::Json;
use http::{HeaderMap, header};

/// A client program, and its own id of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The name of the program, or `Unknown`.
    pub name: &'static str,
    /// The id of the session, if the request contains one.
    pub session_id: Option<String>,
}

/// A property of a request that identifies a client program.
enum Signature {
    /// `User-Agent` begins with this text, in any case.
    UserAgent(&'static str),
    /// `User-Agent` contains a product token with this name, in any case.
    Product(&'static str),
    /// `User-Agent` begins with a product of this SDK family and this language.
    Sdk(&'static str, &'static str),
    /// The request has this header.
    Header(&'static str),
    /// The header `originator` has this value, in any case.
    Originator(&'static str),
}
use Signature::{Header, Originator, Product, Sdk, UserAgent};

/// Name, signatures (one suffices), headers with the session id (the first that is not empty counts).
const CLIENTS: &[(&str, &[Signature], &[&str])] = &[
    (CLAUDE_CODE, &[UserAgent("claude")], &["x-claude-code-session-id"]),
    ("Codex", &[UserAgent("codex")], &["session_id", "session-id"]),
    ("Cursor", &[Header("x-cursor-client-version")], &[]),
    ("GitHub Copilot (VS Code)", &[UserAgent("githubcopilotchat/")], &["x-interaction-id"]),
    ("GitHub Copilot (CLI)", &[UserAgent("copilot/")], &["x-client-session-id"]),
    ("Kilo Code", &[UserAgent("kilo-code/"), Originator("kilo-code")], &["x-kilocode-taskid"]),
    ("Roo Code", &[UserAgent("roo-code/"), UserAgent("roocode/"), Originator("roo-code")], &[]),
    ("Zed", &[UserAgent("zed/")], &[]),
    ("Mux", &[UserAgent("mux/")], &["x-mux-workspace-id"]),
    ("Charm Crush", &[UserAgent("charm crush/")], &[]),
    ("Coder Agents", &[UserAgent("coder-agents/")], &["x-coder-chat-id"]),
    ("OpenCode", &[UserAgent("opencode/")], &["x-opencode-session", "x-session-affinity"]),
    ("OpenAI SDK (Python)", &[Sdk("openai", "python")], &[]),
    ("OpenAI SDK (Node)", &[Sdk("openai", "js")], &[]),
    ("OpenAI SDK (Go)", &[Sdk("openai", "go")], &[]),
    ("OpenAI SDK (Java)", &[Sdk("openai", "java")], &[]),
    ("OpenAI SDK (Ruby)", &[Sdk("openai", "ruby")], &[]),
    ("Anthropic SDK (Python)", &[Sdk("anthropic", "python")], &[]),
    ("Anthropic SDK (Node)", &[Sdk("anthropic", "js")], &[]),
    ("Anthropic SDK (Go)", &[Sdk("anthropic", "go")], &[]),
    ("Anthropic SDK (Java)", &[Sdk("anthropic", "java")], &[]),
    ("Anthropic SDK (Ruby)", &[Sdk("anthropic", "ruby")], &[]),
    ("LangChain4j", &[UserAgent("langchain4j")], &[]),
    ("LangChainGo", &[Product("langchaingo")], &[]),
];
const CLAUDE_CODE: &str = "Claude Code";

impl Client {
    /// Detects the client from the request's headers and the `metadata` of its body.
    pub fn detect(headers: &HeaderMap, metadata: Option<Json<'_>>) -> Self {
        let known = CLIENTS
            .iter()
            .find(|(_, signatures, _)| signatures.iter().any(|signature| signature.matches(headers)));
        let Some((name, _, session_headers)) = known else {
            return Self { name: "Unknown", session_id: None };
        };
        let mut session_id = session_headers.iter().find_map(|name| text(headers, name)).map(str::to_owned);
        if session_id.is_none() && *name == CLAUDE_CODE {
            session_id = metadata
                .and_then(|metadata| metadata.member("user_id")?.string())
                .and_then(|user_id| session_in_user_id(&user_id));
        }
        Self { name, session_id }
    }
}

impl Signature {
    fn matches(&self, headers: &HeaderMap) -> bool {
        match self {
            UserAgent(prefix) => {
                user_agent(headers).is_some_and(|agent| without_prefix(agent, prefix).is_some())
            }
            Product(name) => user_agent(headers).is_some_and(|agent| {
                agent.split([' ', '(', ')', ';', ',']).any(|product| {
                    product.split_once('/').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
                })
            }),
            Sdk(family, language) => user_agent(headers).is_some_and(|agent| is_sdk(agent, family, language)),
            Header(name) => headers.contains_key(*name),
            Originator(value) => {
                text(headers, "originator").is_some_and(|found| found.eq_ignore_ascii_case(value))
            }
        }
    }
}

fn user_agent(headers: &HeaderMap) -> Option<&str> {
    // A prefix is compared, so an invalid byte later does not matter.
    let agent = headers.get(header::USER_AGENT)?.as_bytes();
    agent.utf8_chunks().next().map(|chunk| chunk.valid().trim()).filter(|agent| !agent.is_empty())
}

/// Whether `agent` begins with `[Async]Family[Client…]/Language`, like that of official SDKs: `AsyncOpenAI/Python 2.1`,
/// `OpenAIClientImpl/Java 4.0`, `OpenAI::Client/Ruby 0.3`.
fn is_sdk(agent: &str, family: &str, language: &str) -> bool {
    let Some((word, rest)) = agent.split_once('/') else { return false };
    let word = without_prefix(word, "async").unwrap_or(word);
    let Some(suffix) = without_prefix(word, family) else { return false };
    let suffix = suffix.strip_prefix("::").unwrap_or(suffix);
    let is_client = suffix.is_empty() || without_prefix(suffix, "client").is_some();
    let found = rest.split(|letter: char| !letter.is_ascii_alphanumeric()).next();
    is_client && found.is_some_and(|found| found.eq_ignore_ascii_case(language))
}

/// The text after `prefix`, which may be in any case.
fn without_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// The text of a header without surrounding whitespace; `None` if it is empty or not UTF-8.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.as_bytes();
    std::str::from_utf8(value).ok().map(str::trim).filter(|value| !value.is_empty())
}

/// The session in `metadata.user_id` of Claude Code: `session_id` of a JSON object, or the text after `_session_`.
fn session_in_user_id(user_id: &str) -> Option<String> {
    let from_json = Json::parse(user_id.as_bytes())
        .and_then(|json| json.member("session_id")?.string().map(|id| id.trim().to_owned()));
    from_json
        .or_else(|| user_id.split_once("_session_").map(|(_, id)| id.trim().to_owned()))
        .filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn detect(headers: &[(&'static str, &'static str)], metadata: &str) -> (&'static str, Option<String>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let client = Client::detect(&map, Json::parse(metadata.as_bytes()));
        (client.name, client.session_id)
    }

    #[test]
    fn detects_every_client_of_the_table() {
        let ua = "user-agent";
        let table: &[(&[(&str, &str)], &str, Option<&str>)] = &[
            (&[(ua, "Claude-CLI/2.0"), ("x-claude-code-session-id", " s1 ")], "Claude Code", Some("s1")),
            (&[(ua, "codex_cli_rs/0.50"), ("session_id", "s2")], "Codex", Some("s2")),
            (&[(ua, "CODEX"), ("session-id", "s3")], "Codex", Some("s3")),
            (&[(ua, "codex"), ("session_id", "  "), ("session-id", "s3")], "Codex", Some("s3")),
            (&[("x-cursor-client-version", "1"), ("session_id", "no")], "Cursor", None),
            (
                &[(ua, "GitHubCopilotChat/0.3"), ("x-interaction-id", "i")],
                "GitHub Copilot (VS Code)",
                Some("i"),
            ),
            (&[(ua, "copilot/1"), ("x-client-session-id", "c")], "GitHub Copilot (CLI)", Some("c")),
            (&[(ua, "Kilo-Code/4"), ("x-kilocode-taskid", "k")], "Kilo Code", Some("k")),
            (&[("originator", "kilo-code"), ("x-kilocode-taskid", "k")], "Kilo Code", Some("k")),
            (&[(ua, "roo-code/1")], "Roo Code", None),
            (&[(ua, "other"), ("originator", "roo-code")], "Roo Code", None),
            (&[(ua, "Zed/1")], "Zed", None),
            (&[(ua, "mux/1"), ("x-mux-workspace-id", "w")], "Mux", Some("w")),
            (&[(ua, "Charm Crush/1")], "Charm Crush", None),
            (&[(ua, "coder-agents/1"), ("x-coder-chat-id", "h")], "Coder Agents", Some("h")),
            (&[(ua, "opencode/1"), ("x-opencode-session", "o")], "OpenCode", Some("o")),
            (&[(ua, "opencode/1"), ("x-session-affinity", "a")], "OpenCode", Some("a")),
            (
                &[(ua, "opencode/1"), ("x-opencode-session", " "), ("x-session-affinity", "a")],
                "OpenCode",
                Some("a"),
            ),
            (
                &[(ua, "opencode/1"), ("x-session-affinity", "a"), ("x-opencode-session", "o")],
                "OpenCode",
                Some("o"),
            ),
            (&[(ua, "RooCode/3.1")], "Roo Code", None),
            (&[(ua, "OpenAI/Python 2.0"), ("session_id", "x")], "OpenAI SDK (Python)", None),
            (&[(ua, "AsyncOpenAI/Python 1.109.1")], "OpenAI SDK (Python)", None),
            (&[(ua, "asyncopenai/python")], "OpenAI SDK (Python)", None),
            (&[(ua, "OpenAI/JS 6.1.0")], "OpenAI SDK (Node)", None),
            (&[(ua, "OpenAI/Go 3.0")], "OpenAI SDK (Go)", None),
            (&[(ua, "OpenAIClientImpl/Java 4.0")], "OpenAI SDK (Java)", None),
            (&[(ua, "OpenAIClientAsyncImpl/Java 4.0")], "OpenAI SDK (Java)", None),
            (&[(ua, "OpenAI::Client/Ruby 0.3")], "OpenAI SDK (Ruby)", None),
            (&[(ua, "Anthropic/Python 0.70")], "Anthropic SDK (Python)", None),
            (&[(ua, "AsyncAnthropic/Python 0.70")], "Anthropic SDK (Python)", None),
            (&[(ua, "Anthropic/JS 0.65")], "Anthropic SDK (Node)", None),
            (&[(ua, "Anthropic/Go 1.2")], "Anthropic SDK (Go)", None),
            (&[(ua, "AnthropicClientImpl/Java 2.0")], "Anthropic SDK (Java)", None),
            (&[(ua, "Anthropic::Client/Ruby 1.1")], "Anthropic SDK (Ruby)", None),
            (&[(ua, "langchain4j-openai")], "LangChain4j", None),
            (&[(ua, "Go-http-client/1.1 LangChainGo/0.1.14")], "LangChainGo", None),
            (&[(ua, "app (langchaingo/0.1)")], "LangChainGo", None),
            (&[(ua, "mylangchaingo/1")], "Unknown", None),
            (&[(ua, "OpenAI/Rust 1")], "Unknown", None),
            (&[(ua, "OpenAI/Golang")], "Unknown", None),
            (&[(ua, "OpenAIProxy/Python")], "Unknown", None),
            (&[(ua, "MyOpenAI/Python")], "Unknown", None),
            (&[(ua, "OpenAI Python")], "Unknown", None),
            (&[(ua, "my-codex")], "Unknown", None),
            (&[(ua, "zed")], "Unknown", None),
            (&[], "Unknown", None),
        ];
        for (headers, name, session_id) in table {
            assert_eq!(detect(headers, "{}"), (*name, session_id.map(str::to_owned)), "{headers:?}");
        }
    }

    #[test]
    fn reads_the_session_of_claude_code_from_the_body() {
        let claude = &[("user-agent", "claude-cli/2")];
        for (metadata, expected) in [
            (r#"{"user_id":"user_1_account__session_abc-1"}"#, Some("abc-1")),
            (r#"{"user_id":"{\"device\":1,\"session_id\":\"abc-2\"}"}"#, Some("abc-2")),
            (r#"{"user_id":"plain"}"#, None),
            (r#"{"user_id":"x_session_"}"#, None),
            (r#"{"user_id":5}"#, None),
            ("[]", None),
        ] {
            assert_eq!(detect(claude, metadata).1.as_deref(), expected, "{metadata}");
        }
        let with_header = &[("user-agent", "claude-cli/2"), ("x-claude-code-session-id", "h")];
        assert_eq!(detect(with_header, r#"{"user_id":"_session_b"}"#).1.as_deref(), Some("h"));
        assert_eq!(detect(&[("user-agent", "codex")], r#"{"user_id":"_session_b"}"#).1, None);
    }
}
