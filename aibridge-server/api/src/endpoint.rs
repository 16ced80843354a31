//! The endpoints: their paths, their methods and the access that they need.

use http::Method;

/// An endpoint of the API, found by its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// The OpenAPI document of the API.
    Document,
    /// The version and the settings of the gateway, and the caller.
    Status,
    /// A page of interceptions.
    Interceptions(Scope),
    /// One interception, with the id as the path spells it.
    Interception(Scope, String),
    /// The text of a prompt, a tool call or a piece of reasoning.
    Content(Scope, ContentPath),
    /// Token usage, added up.
    Usage,
    /// Sums by time and key.
    Totals(Scope),
    /// The most used tools.
    Tools(Scope),
    /// The values that filters can have.
    Facets(Scope),
    /// A page of sessions.
    Sessions(Scope),
    /// One session, by the id of one of its interceptions.
    Session(Scope, String),
    /// The interceptions of a session with their items.
    Timeline(Scope, String),
    /// The items of a session that contain a text.
    Search(Scope, String),
    /// Interceptions as they start and end.
    Live(Scope),
    /// The keys of all providers.
    Keys,
    /// The end of a key's cooldowns.
    KeyRevival,
    /// The providers and their circuits.
    Providers,
    /// The budgets, and what was spent of them.
    Budgets,
    /// The caller's own spending and limits.
    Me,
    /// The access tokens.
    Tokens,
    /// One access token, by its id.
    Token(String),
}

/// The users whose records an endpoint returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those of all users.
    Everyone,
    /// Those of the caller.
    Own,
}

/// The access that an endpoint needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// No token is needed: the response is the same for every copy of this program, and client generators fetch it.
    Public,
    /// Every user with an access token.
    User,
    /// Users with an admin token.
    Admin,
}

/// The parts of the path of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentPath {
    /// The id of the interception.
    pub interception: String,
    /// The name of the kind of text.
    pub kind: String,
    /// The id of the item.
    pub item: String,
}

/// The values of the placeholders of a path, in order.
type Parts<'a> = &'a [&'a str];

/// The path of each endpoint, as the OpenAPI document spells it. If two match, the first one counts.
pub(crate) const PATHS: [(&str, fn(Parts<'_>) -> Endpoint); 30] = [
    ("/api/v1/openapi.json", |_| Endpoint::Document),
    ("/api/v1/status", |_| Endpoint::Status),
    ("/api/v1/interceptions", |_| Endpoint::Interceptions(Scope::Everyone)),
    ("/api/v1/interceptions/{id}", |parts| Endpoint::Interception(Scope::Everyone, part(parts, 0))),
    ("/api/v1/interceptions/{id}/{kind}/{item}", |parts| content(Scope::Everyone, parts)),
    ("/api/v1/usage", |_| Endpoint::Usage),
    ("/api/v1/totals", |_| Endpoint::Totals(Scope::Everyone)),
    ("/api/v1/tools", |_| Endpoint::Tools(Scope::Everyone)),
    ("/api/v1/facets", |_| Endpoint::Facets(Scope::Everyone)),
    ("/api/v1/sessions", |_| Endpoint::Sessions(Scope::Everyone)),
    ("/api/v1/sessions/{id}", |parts| Endpoint::Session(Scope::Everyone, part(parts, 0))),
    ("/api/v1/sessions/{id}/timeline", |parts| Endpoint::Timeline(Scope::Everyone, part(parts, 0))),
    ("/api/v1/sessions/{id}/search", |parts| Endpoint::Search(Scope::Everyone, part(parts, 0))),
    ("/api/v1/live", |_| Endpoint::Live(Scope::Everyone)),
    ("/api/v1/keys", |_| Endpoint::Keys),
    ("/api/v1/keys/revive", |_| Endpoint::KeyRevival),
    ("/api/v1/providers", |_| Endpoint::Providers),
    ("/api/v1/budgets", |_| Endpoint::Budgets),
    ("/api/v1/tokens", |_| Endpoint::Tokens),
    ("/api/v1/tokens/{id}", |parts| Endpoint::Token(part(parts, 0))),
    ("/api/v1/me", |_| Endpoint::Me),
    ("/api/v1/me/interceptions", |_| Endpoint::Interceptions(Scope::Own)),
    ("/api/v1/me/interceptions/{id}", |parts| Endpoint::Interception(Scope::Own, part(parts, 0))),
    ("/api/v1/me/interceptions/{id}/{kind}/{item}", |parts| content(Scope::Own, parts)),
    ("/api/v1/me/totals", |_| Endpoint::Totals(Scope::Own)),
    ("/api/v1/me/sessions", |_| Endpoint::Sessions(Scope::Own)),
    ("/api/v1/me/sessions/{id}", |parts| Endpoint::Session(Scope::Own, part(parts, 0))),
    ("/api/v1/me/sessions/{id}/timeline", |parts| Endpoint::Timeline(Scope::Own, part(parts, 0))),
    ("/api/v1/me/sessions/{id}/search", |parts| Endpoint::Search(Scope::Own, part(parts, 0))),
    ("/api/v1/me/live", |_| Endpoint::Live(Scope::Own)),
];

fn part(parts: Parts<'_>, index: usize) -> String {
    parts.get(index).copied().unwrap_or_default().to_owned()
}

fn content(scope: Scope, parts: Parts<'_>) -> Endpoint {
    let path = ContentPath { interception: part(parts, 0), kind: part(parts, 1), item: part(parts, 2) };
    Endpoint::Content(scope, path)
}

impl Endpoint {
    /// Returns the endpoint at `path`, which has to match exactly.
    pub fn find(path: &str) -> Option<Self> {
        PATHS.iter().find_map(|(template, endpoint)| Some(endpoint(&placeholders(template, path)?)))
    }

    /// The access that the endpoint needs.
    pub fn access(&self) -> Access {
        match self {
            Self::Document => Access::Public,
            Self::Status | Self::Me => Access::User,
            Self::Interceptions(Scope::Own)
            | Self::Interception(Scope::Own, _)
            | Self::Content(Scope::Own, _)
            | Self::Totals(Scope::Own)
            | Self::Tools(Scope::Own)
            | Self::Facets(Scope::Own)
            | Self::Sessions(Scope::Own)
            | Self::Session(Scope::Own, _)
            | Self::Timeline(Scope::Own, _)
            | Self::Search(Scope::Own, _)
            | Self::Live(Scope::Own) => Access::User,
            _ => Access::Admin,
        }
    }

    /// The methods that the endpoint has, for `Allow`.
    pub fn methods(&self) -> &'static str {
        match self {
            Self::KeyRevival => "POST",
            Self::Tokens => "GET, HEAD, POST",
            Self::Token(_) => "DELETE",
            _ => "GET, HEAD",
        }
    }

    /// Whether the endpoint has `method`.
    pub fn allows(&self, method: &Method) -> bool {
        self.methods().split(", ").any(|name| name == method.as_str())
    }
}

/// Returns the parts of `path` that stand for the placeholders of `template`. `None` if the path does not match.
fn placeholders<'a>(template: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let (mut names, mut parts) = (template.split('/'), path.split('/'));
    let mut values = Vec::new();
    loop {
        match (names.next(), parts.next()) {
            (None, None) => return Some(values),
            (Some(name), Some(part)) if name.starts_with('{') && !part.is_empty() => values.push(part),
            (Some(name), Some(part)) if name == part => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_exact() {
        let one = || Some(Endpoint::Interception(Scope::Everyone, "x".to_owned()));
        let text = ContentPath { interception: "x".into(), kind: "y".into(), item: "z".into() };
        let table = [
            ("/api/v1/interceptions", Some(Endpoint::Interceptions(Scope::Everyone))),
            ("/api/v1/interceptions/x", one()),
            ("/api/v1/interceptions/", None),
            ("/api/v1/interceptions/x/y", None),
            ("/api/v1/interceptions/x/y/z", Some(Endpoint::Content(Scope::Everyone, text))),
            ("/api/v1/interceptions/x//z", None),
            ("/api/v1/interceptionsx", None),
            ("/api/v1/sessions/x", Some(Endpoint::Session(Scope::Everyone, "x".to_owned()))),
            ("/api/v1/me/sessions/x", Some(Endpoint::Session(Scope::Own, "x".to_owned()))),
            ("/api/v1/keys/revive", Some(Endpoint::KeyRevival)),
            ("/api/v1/usage", Some(Endpoint::Usage)),
            ("/api/v1/usage/", None),
            ("/api/v1", None),
            ("/api/v2/usage", None),
        ];
        for (path, expected) in table {
            assert_eq!(Endpoint::find(path), expected, "{path}");
        }
    }

    #[test]
    fn users_may_use_their_own_records_only() {
        let endpoints = PATHS.map(|(path, endpoint)| (path, endpoint(&["x", "y", "z"])));
        for (path, endpoint) in endpoints {
            let expected = match path {
                "/api/v1/openapi.json" => Access::Public,
                "/api/v1/status" | "/api/v1/me" => Access::User,
                _ if path.starts_with("/api/v1/me/") => Access::User,
                _ => Access::Admin,
            };
            assert_eq!(endpoint.access(), expected, "{path}");
        }
    }
}
