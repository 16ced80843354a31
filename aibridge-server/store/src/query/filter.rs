use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// How far the time in an id may be before the time of the start: both are taken when a request is accepted.
const SLACK: SignedDuration = SignedDuration::from_mins(1);

/// Which interceptions are meant: those that meet all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// On whose behalf.
    pub user: Option<String>,
    /// The model as the client named it.
    pub model: Option<String>,
    /// The provider's configured name.
    pub provider: Option<String>,
    /// The client program.
    pub client: Option<String>,
    /// The client's own id of its session.
    pub session: Option<String>,
    /// `completed`, `failed` or `cancelled`, or `open` for what has not ended.
    pub outcome: Option<String>,
    /// Those that started then or later.
    pub since: Option<Timestamp>,
    /// Those that started before.
    pub until: Option<Timestamp>,
    /// Those that were made before the one with this id.
    pub before: Option<Uuid>,
}

impl Filter {
    /// The ids between which all that is meant lies. An id begins with a time that is not much before the start, so that
    /// no earlier row has to be read. It may be long after the start: ids go on from the latest one when a clock is set
    /// back. So `until` bounds no ids.
    pub(crate) fn ids(&self) -> (Uuid, Uuid) {
        let first =
            self.since.map_or(Uuid::nil(), |since| first_id(since.saturating_sub(SLACK).unwrap_or(since)));
        (first, self.before.map_or(Uuid::max(), previous))
    }
}

/// The id right before.
pub(super) fn previous(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128().saturating_sub(1))
}

/// The id right behind.
pub(super) fn next(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128().saturating_add(1))
}

/// The smallest id that can have been made at `time`.
pub(crate) fn first_id(time: Timestamp) -> Uuid {
    let millis = u128::try_from(time.as_millisecond()).unwrap_or_default();
    Uuid::from_u128(millis << 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_begin_shortly_before_the_start_and_may_be_of_any_time_after() {
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
