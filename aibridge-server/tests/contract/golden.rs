//! Golden cases: what a client asked and a provider answered, what each of them got to see, and what is recorded.
//!
//! A case of our own, `tests/cases/**/*.txtar`, holds a `request` (and `headers`), an answer (`streaming` or
//! `non-streaming`), the `records`, and `upstream` and `client` where what they get is not what was sent.
//! `AIBRIDGE_BLESS=1 cargo test -p aibridge-server golden` writes those three as they come out now.
//! A recording of a provider has no `records`: there the oracle says what to expect.

mod cut;
mod files;
mod oracle;
mod rows;

use crate::harness::Harness;
use aibridge_testkit::{BodyEnd, RawClient, ScriptedProvider, Txtar, all_fixtures, fixtures_dir};
use cut::Cut;
use serde_json::Value;
use std::path::Path;

const KEY: &str = "sk-0123456789abcdefghij";
const HINT: &str = "sk-0...ghij";

/// A request and its answer.
struct Case {
    name: String,
    route: &'static str,
    headers: Vec<(String, String)>,
    request: String,
    answer: String,
    streaming: bool,
}

/// What comes of them.
struct Outcome {
    upstream: String,
    client: String,
    records: Value,
}

impl Case {
    fn new(name: &str, request: String, answer: &str, streaming: bool) -> Self {
        let route = match name {
            _ if name.starts_with("chat") => "/chat/completions",
            _ if name.starts_with("compact") => "/responses/compact",
            _ => "/responses",
        };
        let (name, answer) = (name.to_owned(), answer.to_owned());
        Self { name, route, headers: Vec::new(), request, answer, streaming }
    }

    /// What comes of the case with its answer cut in one way after the other.
    async fn play(&self, cuts: &[Cut]) -> Vec<(Cut, Outcome)> {
        let scripts: Vec<_> = cuts.iter().map(|cut| cut.script(&self.answer, self.streaming)).collect();
        let provider = ScriptedProvider::start(move |request| scripts[request.number].clone()).await;
        let brings_key = self.headers.iter().any(|(name, _)| name == "Authorization");
        let keys: &[&str] = if brings_key { &[] } else { &[KEY] };
        let gateway = Harness::with_keys(&provider.base_url(), keys).await;
        let target = format!("/openai/v1{}", self.route);
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let mut outcomes = Vec::new();
        for cut in cuts {
            let about = format!("{} {cut:?}", self.name);
            let answer = RawClient::post(gateway.address, &target, &headers, &self.request).await;
            assert_eq!((answer.status(), answer.end), (cut::status(&self.answer), BodyEnd::Clean), "{about}");
            assert_eq!(answer.header("x-aibridge-error"), None, "{about}");
            let id = answer.header("x-aibridge-interception-id").unwrap();
            let text = |body: &[u8]| String::from_utf8(body.to_vec()).unwrap();
            let outcome = Outcome {
                upstream: text(&provider.received().last().unwrap().body),
                client: text(&answer.body),
                records: rows::of(&gateway.store, id),
            };
            outcomes.push((*cut, outcome));
        }
        outcomes
    }
}

/// The one way in which everything is checked: however the answer is cut, the same comes of it.
async fn check(case: &Case, expected: &Outcome, cuts: &[Cut]) {
    for (cut, got) in case.play(cuts).await {
        let about = format!("{} {cut:?}", case.name);
        assert_eq!(got.upstream, expected.upstream, "{about}: what the provider got");
        assert_eq!(got.client, expected.client, "{about}: what the client got");
        assert!(got.records == expected.records, "{about}: recorded\n{:#}", got.records);
    }
}

#[tokio::test]
async fn cases_of_our_own() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let cases = all_fixtures(&dir);
    assert!(cases.len() > 12, "{} cases in {}", cases.len(), dir.display());
    for (name, archive) in cases {
        let case = files::case(&name, &archive);
        let archive = match files::blessed() {
            true => {
                let (_, outcome) = case.play(&[Cut::Whole]).await.remove(0);
                files::write(&dir, &case, archive, &outcome)
            }
            false => archive,
        };
        let expected = files::expected(&case, &archive);
        check(&case, &expected, &[Cut::Whole, Cut::Events, Cut::Lines, Cut::Pieces(7), Cut::Pieces(1)]).await;
    }
}

#[tokio::test]
async fn recordings_of_providers() {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../xtask/fixtures");
    let recordings = [Some(ours), fixtures_dir()].into_iter().flatten().flat_map(|dir| all_fixtures(&dir));
    for (name, archive) in recordings {
        for (section, answer) in answers(&archive) {
            let streaming = section.starts_with("streaming");
            let request = oracle::with_stream(archive.section("request"), streaming);
            let headers = vec![("Authorization".to_owned(), format!("Bearer {KEY}"))];
            let case = Case { headers, ..Case::new(&name, request, answer, streaming) };
            let cuts = [Cut::Whole, Cut::Events, Cut::Lines, Cut::Pieces(7)];
            let affordable = if answer.len() > 10_000 { &cuts[..3] } else { &cuts };
            check(&case, &oracle::expected(&case), affordable).await;
        }
    }
}

/// All answers of an archive: `streaming`, `non-streaming`, and those of an inner loop's further calls.
fn answers(archive: &Txtar) -> impl Iterator<Item = (&str, &str)> {
    let sections = archive.sections.iter().map(|(name, content)| (&**name, &**content));
    sections.filter(|(name, _)| name.split('/').next().is_some_and(|kind| kind.ends_with("streaming")))
}
