//! Pages of lists. A cursor holds the last row of a page, and the filters that the next request has to repeat.

use crate::error::ApiError;
use crate::own_records::{OnlyUser, filter};
use aibridge_api_parameters::time::is_storable;
use aibridge_api_parameters::{PageParameters, QueryParameters, invalid};
use aibridge_store::Filter;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The number of rows in a page if the request has no `limit`.
const DEFAULT_LIMIT: usize = 100;

/// The lists that are paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum List {
    Interceptions,
    Sessions,
}

/// A request for one page of a list.
#[derive(Debug)]
pub(crate) struct PageRequest {
    pub(crate) filter: Filter,
    pub(crate) limit: usize,
    /// The id of the last row of the page before; the page starts after it.
    pub(crate) before: Option<Uuid>,
    list: List,
    /// Identifies the filters, see [`QueryParameters::filter_fingerprint`].
    fingerprint: u64,
}

/// One page of a list, as it is serialized.
#[derive(Debug, Serialize)]
pub(crate) struct Page<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    list: List,
    /// Identifies the filters as the request spells them.
    fingerprint: u64,
    /// The bounds as the first page resolved them: `7d` would be another time for each page.
    since: Option<String>,
    until: Option<String>,
    before: Uuid,
}

impl PageRequest {
    /// Parses the filters, the limit and the cursor of a request for `list`.
    ///
    /// # Errors
    ///
    /// [`ApiError::InvalidParameter`] if a parameter is unknown, repeated or malformed, or if the cursor belongs to other filters.
    pub(crate) fn parse(list: List, query: Option<&str>, only: OnlyUser) -> Result<Self, ApiError> {
        let (page, parameters) = Self::begin(list, query, only)?;
        parameters.finish()?;
        Ok(page)
    }

    /// Like [`Self::parse`]; also returns the parameters that remain.
    pub(crate) fn begin(
        list: List,
        query: Option<&str>,
        only: OnlyUser,
    ) -> Result<(Self, QueryParameters), ApiError> {
        let mut parameters = QueryParameters::new(query);
        let fingerprint = parameters.filter_fingerprint();
        let mut filter = filter(&mut parameters, only)?;
        let PageParameters { limit, cursor } = parameters.take()?;
        let mut before = None;
        if let Some(text) = cursor {
            let cursor = Cursor::parse(&text).filter(|cursor| cursor.list == list);
            let cursor = cursor.ok_or_else(|| {
                invalid(
                    "cursor",
                    "write the next_cursor of the page before, or leave it out for the first page",
                )
            })?;
            if cursor.fingerprint != fingerprint {
                let problem = "it belongs to other filters: repeat those of the first page, or leave it out for the first page";
                return Err(invalid("cursor", problem).into());
            }
            let time = |at: String| at.parse().ok().filter(|at| is_storable(*at));
            filter.since = cursor.since.and_then(time);
            filter.until = cursor.until.and_then(time);
            before = Some(cursor.before);
        }
        let page = Self { filter, limit: limit.unwrap_or(DEFAULT_LIMIT), before, list, fingerprint };
        Ok((page, parameters))
    }

    /// Returns the page with `rows`, which may hold one row more than the limit: that row shows that another page follows.
    /// `id` returns the position of a row in the list.
    pub(crate) fn page<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> Uuid) -> Page<T> {
        let has_next = rows.len() > self.limit;
        rows.truncate(self.limit);
        let last = rows.last().filter(|_| has_next).map(id);
        let text = |time: Timestamp| time.to_string();
        let next_cursor = last.map(|before| {
            let (since, until) = (self.filter.since.map(text), self.filter.until.map(text));
            Cursor { list: self.list, fingerprint: self.fingerprint, since, until, before }.to_text()
        });
        Page { data: rows, next_cursor }
    }
}

impl<T> Page<T> {
    /// A page that holds the whole list.
    pub(crate) fn whole(data: Vec<T>) -> Self {
        Self { data, next_cursor: None }
    }

    /// The same page with other rows.
    pub(crate) fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { data: self.data.into_iter().map(change).collect(), next_cursor: self.next_cursor }
    }

    /// The rows, to be completed.
    pub(crate) fn rows_mut(&mut self) -> &mut [T] {
        &mut self.data
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

    fn cursor_after(query: &str, row: Uuid) -> String {
        let paging = PageRequest::parse(List::Interceptions, Some(query), None).expect("a page");
        let page = paging.page(vec![row; paging.limit + 1], |row| *row);
        page.next_cursor.expect("another page")
    }

    fn rejection(list: List, query: &str) -> String {
        PageRequest::parse(list, Some(query), None).expect_err("a rejection").to_string()
    }

    #[test]
    fn a_cursor_continues_after_the_last_row() {
        let row = Uuid::from_u128(7);
        let first = PageRequest::parse(List::Interceptions, Some("since=7d&limit=2"), None).expect("a page");
        let cursor = first.page(vec![Uuid::max(), row, Uuid::nil()], |row| *row).next_cursor;
        let cursor = cursor.expect("another page");
        let next = PageRequest::parse(List::Interceptions, Some(&format!("cursor={cursor}&since=7d")), None)
            .expect("a page");
        assert_eq!((next.before, next.limit), (Some(row), DEFAULT_LIMIT));
        assert_eq!(next.filter, first.filter, "7d keeps its first meaning");
        assert!(next.page(vec![row; DEFAULT_LIMIT], |row| *row).next_cursor.is_none(), "exactly full");
    }

    #[test]
    fn a_cursor_belongs_to_its_list_and_filters() {
        let cursor = cursor_after("user=ann&limit=1", Uuid::nil());
        let with = |rest: &str| format!("cursor={cursor}{rest}");
        assert!(PageRequest::parse(List::Interceptions, Some(&with("&limit=5&user=ann")), None).is_ok());
        let other = [with(""), with("&user=bob"), with("&user=ann&model=m")];
        for query in other {
            assert!(rejection(List::Interceptions, &query).contains("other filters"), "{query}");
        }
        assert!(rejection(List::Sessions, &with("&user=ann")).contains("first page"));
        for broken in ["", "abc", "e30", "%00"] {
            let message = rejection(List::Interceptions, &format!("cursor={broken}"));
            assert!(message.contains("next_cursor"), "{broken}: {message}");
        }
    }
}
