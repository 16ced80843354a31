//! Queries over many records: order, completeness across blocks, and time ranges.

use crate::support::{TestDir, ended, interception_at, prompt, start};
use aibridge_recorder::{Record, Recorder};
use aibridge_store::{Filter, Order, Records, StoreError};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// More than two blocks of summaries, and many of full interceptions.
const MANY: usize = 2_100;

/// Records interceptions a second apart, the last one now; every hundredth has another model.
pub(crate) async fn many(store: &impl Recorder) -> Vec<Uuid> {
    let now = Timestamp::now();
    let mut ids = Vec::new();
    for number in 0..MANY {
        let mut one = interception_at(now - SignedDuration::from_secs((MANY - 1 - number) as i64));
        if number % 100 == 0 {
            one.model = "rare".to_owned();
        }
        let id = one.id;
        ids.push(id);
        let records = vec![Record::Start(one.into()), Record::Prompt(prompt(id)), Record::End(ended(id))];
        store.record(records).await.expect("stored");
    }
    ids
}

async fn many_in(dir: &TestDir) -> Vec<Uuid> {
    let store = dir.open_waiting();
    let ids = many(&store).await;
    store.close().await;
    ids
}

fn read(records: &Records, filter: &Filter, order: Order) -> Vec<Uuid> {
    let mut ids = Vec::new();
    let each = |row: aibridge_store::Summary| {
        ids.push(row.interception.id);
        Ok::<_, StoreError>(true)
    };
    records.summaries(filter, order, each).expect("read");
    ids
}

/// Checks that a query returns every interception once, in order, across blocks.
pub(crate) fn assert_all_are_read(records: &Records, ids: &[Uuid]) {
    let all = Filter::default();
    let mut backwards = ids.to_vec();
    backwards.reverse();
    assert!(read(records, &all, Order::OldestFirst) == ids);
    assert!(read(records, &all, Order::NewestFirst) == backwards);
    assert_eq!(records.count(&all).expect("counted"), MANY as u64);

    let mut whole = Vec::new();
    let each = |row: aibridge_store::FullInterception| {
        assert_eq!(row.user_prompts.len(), 1);
        whole.push(row.interception.id);
        Ok::<_, StoreError>(true)
    };
    records.full(&all, Order::OldestFirst, each).expect("read");
    assert!(whole == ids);

    let rare = Filter { model: Some("rare".to_owned()), ..Filter::default() };
    let expected: Vec<Uuid> = ids.iter().step_by(100).copied().collect();
    assert_eq!(read(records, &rare, Order::OldestFirst), expected);
}

/// Checks that a time range is exact.
pub(crate) fn assert_ranges_are_exact(records: &Records, ids: &[Uuid]) {
    let started = |at: usize| {
        let found = records.find(ids[at]).expect("read").expect("found");
        found.interception.started_at
    };
    let range = Filter { since: Some(started(1990)), until: Some(started(2010)), ..Filter::default() };
    assert_eq!(read(records, &range, Order::OldestFirst), ids[1990..2010]);
    assert_eq!(records.count(&range).expect("counted"), 20);
}

#[tokio::test]
async fn a_query_returns_each_interception_once_in_order_across_blocks() {
    let dir = TestDir::new();
    let ids = many_in(&dir).await;
    assert_all_are_read(&Records::open(&dir.options()).expect("records"), &ids);
}

#[tokio::test]
async fn a_time_range_is_exact() {
    let dir = TestDir::new();
    let ids = many_in(&dir).await;
    assert_ranges_are_exact(&Records::open(&dir.options()).expect("records"), &ids);
}

#[tokio::test]
async fn an_id_later_than_its_start_does_not_hide_a_row_from_until() {
    let dir = TestDir::new();
    let store = dir.open_waiting();
    let now = Timestamp::now();
    // Ids continue from the latest one, while the clock shows an earlier time.
    let mut one = interception_at(now);
    one.started_at = now - SignedDuration::from_hours(5);
    let id = one.id;
    store.record(vec![Record::Start(one.into())]).await.expect("stored");
    store.close().await;
    let records = Records::open(&dir.options()).expect("opened");
    let until = |hours| Filter { until: Some(now - SignedDuration::from_hours(hours)), ..Filter::default() };
    for order in [Order::OldestFirst, Order::NewestFirst] {
        assert_eq!(read(&records, &until(4), order), [id]);
        assert!(read(&records, &until(6), order).is_empty());
    }
    assert_eq!(records.count(&until(4)), Ok(1));
}

/// SQLite does not check texts, and other programs may write to the file.
#[tokio::test]
async fn a_text_that_is_not_utf_8_is_read_with_replacements_and_hides_no_other_record() {
    let dir = TestDir::new();
    let store = dir.open_waiting();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let (id, records) = start();
        store.record(records).await.expect("stored");
        ids.push(id);
    }
    store.close().await;
    let damaged = ids[0];
    let bytes = "CAST(X'41FFC328EDA08062' AS TEXT)"; // invalid, a torn sequence, a surrogate
    let sql = dir.sql();
    for update in [
        format!(
            "UPDATE aibridge_interceptions SET model = {bytes}, user_agent = {bytes}, initiator_id = {bytes}, \
             client_session_id = {bytes} WHERE id = ?1"
        ),
        format!("UPDATE aibridge_user_prompts SET prompt = {bytes} WHERE interception_id = ?1"),
    ] {
        assert_eq!(sql.execute(&update, [damaged.to_string()]), Ok(1));
    }

    let records = Records::open(&dir.options()).expect("opened");
    let mut texts = Vec::new();
    let each = |row: aibridge_store::FullInterception| {
        texts.push([row.interception.model, row.user_prompts[0].prompt.clone()]);
        Ok::<_, StoreError>(true)
    };
    records.full(&Filter::default(), Order::OldestFirst, each).expect("read");
    let replaced = "A\u{fffd}\u{fffd}(\u{fffd}\u{fffd}\u{fffd}b";
    assert_eq!(texts, [[replaced, replaced], ["gpt-5", "why?"]]);
    assert_eq!(read(&records, &Filter::default(), Order::NewestFirst).len(), 2);
    let found = records.find(damaged).expect("read").expect("a record");
    assert_eq!(found.interception.user_agent.as_deref(), Some(replaced));
    let page = records.session_page(&Filter::default(), 10).expect("read");
    let session = page.iter().find(|row| row.id == damaged).expect("its session");
    assert_eq!([&session.session, &session.user, &session.models[0]], [replaced; 3]);
    let session = records.session_of(damaged, None).expect("read").expect("its session");
    let summary = records.session_summary(&session).expect("read").expect("a summary");
    assert_eq!((summary.row.id, summary.row.sums.requests), (damaged, 1));
    assert_eq!(records.timeline(&session, None, 10).expect("read").len(), 1);
}
