//! Golden cases: a request and a response, the bytes that the provider and the client receive, and the records.
//!
//! A case of the repository, `tests/cases/**/*.txtar`, has a `request` (and `headers`), a response (`streaming` or
//! `non-streaming`), the expected `records`, and the expected `upstream` and `client` bytes where they differ from what was
//! sent. `AIBRIDGE_BLESS=1 cargo test -p aibridge-server golden` writes those three from the current behaviour.
//! A recording of a provider has no `records`; the oracle computes what to expect.

mod files;
mod oracle;
mod rows;
mod segmentation;

use crate::harness::{Harness, anthropic_settings, provider_settings};
use aibridge_testkit::{BodyEnd, RawClient, ScriptedProvider, Txtar, fixtures_dir, load_fixtures};
use segmentation::Segmentation;
use serde_json::Value;
use std::path::Path;

const KEY: &str = "sk-0123456789abcdefghij";
const HINT: &str = "sk-0...ghij";

/// A request and the response of the provider.
struct Case {
    name: String,
    route: &'static str,
    headers: Vec<(String, String)>,
    request: String,
    response: String,
    streaming: bool,
}

/// The upstream request, the response to the client, and the records.
struct Outcome {
    upstream: String,
    client: String,
    records: Value,
}

impl Case {
    fn new(name: &str, request: String, response: &str, streaming: bool) -> Self {
        let route = match name {
            _ if name.starts_with("chat") => "/chat/completions",
            _ if name.starts_with("compact") => "/responses/compact",
            _ if name.starts_with("messages") => "/v1/messages",
            _ => "/responses",
        };
        let (name, response) = (name.to_owned(), response.to_owned());
        Self { name, route, headers: Vec::new(), request, response, streaming }
    }

    /// Plays the case once for each segmentation, and returns the outcomes.
    async fn play(&self, segmentations: &[Segmentation]) -> Vec<(Segmentation, Outcome)> {
        let scripts: Vec<_> = segmentations
            .iter()
            .map(|segmentation| segmentation.script(&self.response, self.streaming))
            .collect();
        let provider = ScriptedProvider::start(move |request| scripts[request.number].clone()).await;
        let brings_key = self.headers.iter().any(|(name, _)| name == "Authorization");
        let keys: &[&str] = if brings_key { &[] } else { &[KEY] };
        let (settings, target) = match self.route {
            "/v1/messages" => {
                (anthropic_settings(&provider.base_url(), keys), "/anthropic/v1/messages".to_owned())
            }
            route => (provider_settings(&provider.base_url(), keys), format!("/openai/v1{route}")),
        };
        let gateway = Harness::start(&settings).await;
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let mut outcomes = Vec::new();
        for segmentation in segmentations {
            let about = format!("{} {segmentation:?}", self.name);
            let response = RawClient::post(gateway.address, &target, &headers, &self.request).await;
            assert_eq!(
                (response.status(), response.end),
                (segmentation::status(&self.response), BodyEnd::Clean),
                "{about}"
            );
            assert_eq!(response.header("x-aibridge-error"), None, "{about}");
            let id = response.header("x-aibridge-interception-id").unwrap();
            let text = |body: &[u8]| String::from_utf8(body.to_vec()).unwrap();
            let outcome = Outcome {
                upstream: text(&provider.received().last().unwrap().body),
                client: text(&response.body),
                records: rows::comparable_rows(&gateway.store, id),
            };
            outcomes.push((*segmentation, outcome));
        }
        outcomes
    }
}

/// Checks that the outcome is `expected` for every segmentation.
async fn check(case: &Case, expected: &Outcome, segmentations: &[Segmentation]) {
    for (segmentation, got) in case.play(segmentations).await {
        let about = format!("{} {segmentation:?}", case.name);
        assert_eq!(got.upstream, expected.upstream, "{about}: the upstream request");
        assert_eq!(got.client, expected.client, "{about}: the response to the client");
        assert!(got.records == expected.records, "{about}: the records\n{:#}", got.records);
    }
}

#[tokio::test]
async fn cases_in_the_repository_match() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let cases = load_fixtures(&dir);
    assert!(cases.len() > 12, "{} cases in {}", cases.len(), dir.display());
    for (name, archive) in cases {
        let case = files::case(&name, &archive);
        let archive = match files::is_blessing() {
            true => {
                let (_, outcome) = case.play(&[Segmentation::Whole]).await.remove(0);
                files::write(&dir, &case, archive, &outcome)
            }
            false => archive,
        };
        let expected = files::expected(&case, &archive);
        check(
            &case,
            &expected,
            &[
                Segmentation::Whole,
                Segmentation::Events,
                Segmentation::Lines,
                Segmentation::Pieces(7),
                Segmentation::Pieces(1),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn recordings_of_providers_match_the_oracle() {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../xtask/demo/fixtures");
    let recordings = [Some(ours), fixtures_dir()].into_iter().flatten().flat_map(|dir| load_fixtures(&dir));
    for (name, archive) in recordings {
        for (section, response) in responses(&archive) {
            let streaming = section.starts_with("streaming");
            let request = oracle::with_stream(archive.section("request"), streaming);
            let headers = vec![("Authorization".to_owned(), format!("Bearer {KEY}"))];
            let case = Case { headers, ..Case::new(&name, request, response, streaming) };
            let segmentations =
                [Segmentation::Whole, Segmentation::Events, Segmentation::Lines, Segmentation::Pieces(7)];
            let affordable = if response.len() > 10_000 { &segmentations[..3] } else { &segmentations };
            check(&case, &oracle::expected(&case), affordable).await;
        }
    }
}

/// All responses of an archive: `streaming`, `non-streaming`, and those of further calls of an inner loop.
fn responses(archive: &Txtar) -> impl Iterator<Item = (&str, &str)> {
    let sections = archive.sections.iter().map(|(name, content)| (&**name, &**content));
    sections.filter(|(name, _)| name.split('/').next().is_some_and(|kind| kind.ends_with("streaming")))
}
