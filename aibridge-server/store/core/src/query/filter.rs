//! The filter of a query, and the bounds on ids that follow from it.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// Maximum time by which the timestamp in an id precedes `started_at`: both are taken when a request is accepted.
const SLACK: SignedDuration = SignedDuration::from_mins(1);

/// The conditions of a query. An interception matches if it meets all conditions that are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The actor (`initiator_id`).
    pub user: Option<String>,
    /// The model in the spelling of the client.
    pub model: Option<String>,
    /// The configured name of the provider.
    pub provider: Option<String>,
    /// The client program, e.g. `Codex`.
    pub client: Option<String>,
    /// The session id that the client sent.
    pub session: Option<String>,
    /// `completed`, `failed` or `cancelled`; `open` for interceptions that have not ended.
    pub outcome: Option<String>,
    /// Inclusive lower bound of `started_at`.
    pub since: Option<Timestamp>,
    /// Exclusive upper bound of `started_at`.
    pub until: Option<Timestamp>,
    /// Exclusive upper bound of the id.
    pub before: Option<Uuid>,
}

impl Filter {
    /// Inclusive bounds of the ids of matching interceptions. The timestamp in an id is not much earlier than
    /// `started_at`, so no earlier row has to be read. It may be much later: ids continue from the latest one when a
    /// clock is set back. Therefore `until` does not bound the ids.
    pub fn ids(&self) -> (Uuid, Uuid) {
        let first =
            self.since.map_or(Uuid::nil(), |since| first_id(since.saturating_sub(SLACK).unwrap_or(since)));
        (first, self.before.map_or(Uuid::max(), previous))
    }
}

/// The largest id less than `id`.
pub fn previous(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128().saturating_sub(1))
}

/// The smallest id greater than `id`.
pub fn next(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128().saturating_add(1))
}

/// The smallest id with the timestamp `time`.
pub fn first_id(time: Timestamp) -> Uuid {
    let millis = u128::try_from(time.as_millisecond()).unwrap_or_default();
    Uuid::from_u128(millis << 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_bounds_start_shortly_before_since_and_have_no_upper_time_bound() {
        let at = |text: &str| Some(text.parse().expect("a timestamp"));
        let all = Filter::default().ids();
        assert_eq!(all, (Uuid::nil(), Uuid::max()));

        let day = Filter {
            since: at("2026-01-02T00:00:00Z"),
            until: at("2026-01-03T00:00:00Z"),
            ..Filter::default()
        };
        let (first, last) = day.ids();
        let millis = |id: Uuid| i64::try_from(id.as_u128() >> 80).expect("48 bits");
        let time = |id| Timestamp::from_millisecond(millis(id)).expect("a timestamp").to_string();
        assert_eq!((time(first), last), ("2026-01-01T23:59:00Z".into(), Uuid::max()));

        let before = Some(Uuid::from_u128(8));
        let page = Filter { before, ..Filter::default() };
        assert_eq!(page.ids(), (Uuid::nil(), Uuid::from_u128(7)), "not that one itself");
        assert_eq!(Filter { before, ..day.clone() }.ids().1, Uuid::from_u128(7));
        assert_eq!(Filter { before: Some(Uuid::max()), ..day }.ids(), (first, previous(Uuid::max())));
        assert!(Filter { since: at("0001-01-01T00:00:00Z"), ..Filter::default() }.ids().0.is_nil());
    }
}
