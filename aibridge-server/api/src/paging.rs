//! Lists in pages. A cursor holds the row behind which the next page begins, and what else has to stay the same.

use crate::error::ApiError;
use crate::parameters::{FilterParameters, PageParameters, Sent, invalid};
use crate::time::is_storable;
use aibridge_store::Filter;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many rows a page has if nobody says.
const LIMIT: usize = 100;

/// A list that comes in pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum List {
    Interceptions,
    Sessions,
}

/// Which page is asked for.
#[derive(Debug)]
pub(crate) struct Paging {
    pub(crate) filter: Filter,
    pub(crate) limit: usize,
    /// The row behind which it begins, by the id of an interception.
    pub(crate) before: Option<Uuid>,
    list: List,
    fingerprint: u64,
}

/// A part of a list.
#[derive(Debug, Serialize)]
pub(crate) struct Page<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    list: List,
    /// Of the filters as they were written.
    fingerprint: u64,
    /// What they meant on the first page: `7d` is another time on each.
    since: Option<String>,
    until: Option<String>,
    before: Uuid,
}

impl Paging {
    pub(crate) fn of(list: List, query: Option<&str>) -> Result<Self, ApiError> {
        let mut sent = Sent::new(query);
        let fingerprint = sent.fingerprint_of::<FilterParameters>();
        let mut filter = Filter::from(sent.take::<FilterParameters>()?);
        let PageParameters { limit, cursor } = sent.take()?;
        sent.finish()?;
        let mut before = None;
        if let Some(text) = cursor {
            let cursor = Cursor::parse(&text).filter(|cursor| cursor.list == list);
            let cursor = cursor.ok_or_else(|| {
                invalid("cursor", "write the next_cursor of the page before, or leave it out to begin anew")
            })?;
            if cursor.fingerprint != fingerprint {
                let problem = "it belongs to other filters: repeat those of the first page, or leave it out to begin anew";
                return Err(invalid("cursor", problem));
            }
            let time = |at: String| at.parse().ok().filter(|at| is_storable(*at));
            filter.since = cursor.since.and_then(time);
            filter.until = cursor.until.and_then(time);
            before = Some(cursor.before);
        }
        Ok(Self { filter, limit: limit.unwrap_or(LIMIT), before, list, fingerprint })
    }

    /// The page with these rows, of which there may be one more than it has place for. `id` is where a row has its place
    /// in the list.
    pub(crate) fn page<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> Uuid) -> Page<T> {
        let goes_on = rows.len() > self.limit;
        rows.truncate(self.limit);
        let last = rows.last().filter(|_| goes_on).map(id);
        let text = |time: Timestamp| time.to_string();
        let next_cursor = last.map(|before| {
            let (since, until) = (self.filter.since.map(text), self.filter.until.map(text));
            Cursor { list: self.list, fingerprint: self.fingerprint, since, until, before }.to_text()
        });
        Page { data: rows, next_cursor }
    }
}

impl<T> Page<T> {
    /// All there is.
    pub(crate) fn whole(data: Vec<T>) -> Self {
        Self { data, next_cursor: None }
    }
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }

    fn to_text(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::json!(self).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(query: &str, row: Uuid) -> String {
        let paging = Paging::of(List::Interceptions, Some(query)).expect("a page");
        let page = paging.page(vec![row; paging.limit + 1], |row| *row);
        page.next_cursor.expect("another page")
    }

    fn refused(list: List, query: &str) -> String {
        Paging::of(list, Some(query)).expect_err("a refusal").to_string()
    }

    #[test]
    fn a_cursor_goes_on_where_the_page_ended() {
        let row = Uuid::from_u128(7);
        let first = Paging::of(List::Interceptions, Some("since=7d&limit=2")).expect("a page");
        let cursor = first.page(vec![Uuid::max(), row, Uuid::nil()], |row| *row).next_cursor;
        let cursor = cursor.expect("another page");
        let next =
            Paging::of(List::Interceptions, Some(&format!("cursor={cursor}&since=7d"))).expect("a page");
        assert_eq!((next.before, next.limit), (Some(row), LIMIT));
        assert_eq!(next.filter, first.filter, "what was 7d ago stays what it was");
        assert!(next.page(vec![row; LIMIT], |row| *row).next_cursor.is_none(), "exactly full");
    }

    #[test]
    fn a_cursor_is_for_its_own_list_and_filters() {
        let cursor = behind("user=ann&limit=1", Uuid::nil());
        let with = |rest: &str| format!("cursor={cursor}{rest}");
        assert!(Paging::of(List::Interceptions, Some(&with("&limit=5&user=ann"))).is_ok());
        let other = [with(""), with("&user=bob"), with("&user=ann&model=m")];
        for query in other {
            assert!(refused(List::Interceptions, &query).contains("other filters"), "{query}");
        }
        assert!(refused(List::Sessions, &with("&user=ann")).contains("begin anew"));
        for broken in ["", "abc", "e30", "%00"] {
            let told = refused(List::Interceptions, &format!("cursor={broken}"));
            assert!(told.contains("next_cursor"), "{broken}: {told}");
        }
    }
}
