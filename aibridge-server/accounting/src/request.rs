//! The attributes of a request that accounting uses: groups, access token, kind of credential.

use aibridge_intercept::Actor;
use aibridge_recorder::Interception;
use http::{HeaderMap, header};
use std::collections::BTreeMap;

/// The name of the groups among the attributes of an actor.
pub const GROUPS: &str = "groups";

/// The name of the access token's id among the attributes of an actor.
pub const ACCESS_TOKEN: &str = "access_token";

/// The start of the bearer tokens with which users of a Claude subscription authenticate.
const CLAUDE_SUBSCRIPTION: &str = "sk-ant-oat";

/// A parsed request, before it is recorded.
#[derive(Debug, Clone, Copy)]
pub struct OpenedRequest<'a> {
    /// The interception that is about to start.
    pub interception: &'a Interception,
    /// The headers of the client, without its access token.
    pub headers: &'a HeaderMap,
    /// The size of the request's body in bytes, decompressed.
    pub bytes: usize,
}

/// The groups among the attributes of an actor.
pub fn groups_of(metadata: &BTreeMap<String, String>) -> Vec<String> {
    let groups = metadata.get(GROUPS).map(String::as_str).unwrap_or_default();
    groups.split(',').filter(|group| !group.is_empty()).map(str::to_owned).collect()
}

/// The id of the access token among the attributes of an actor; empty if it is not recorded.
pub fn key_of(metadata: &BTreeMap<String, String>) -> &str {
    metadata.get(ACCESS_TOKEN).map(String::as_str).unwrap_or_default()
}

/// The groups of an actor.
pub(crate) fn groups(actor: &Actor) -> Vec<String> {
    groups_of(&actor.metadata)
}

/// Whether the client's own credential belongs to a subscription.
pub(crate) fn has_subscription(headers: &HeaderMap) -> bool {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    bearer.and_then(|bearer| bearer.split_once(' ')).is_some_and(|(scheme, token)| {
        scheme.eq_ignore_ascii_case("bearer") && token.trim_start().starts_with(CLAUDE_SUBSCRIPTION)
    })
}
