//! The dump of a streamed response is written as its pieces arrive.

use super::{Dumping, kinds};
use crate::dialects::{KEY, OPENAI_DIALECTS};
use aibridge_testkit::{BodyEnd, Gate, Script, ScriptedProvider, Step, wait_until};

#[tokio::test]
async fn the_dumped_response_grows_as_pieces_arrive() {
    for dialect in OPENAI_DIALECTS {
        let [first, second, last] = dialect.events;
        let (begun, gone_on) = (Gate::new(), Gate::new());
        let (its_begun, its_gone_on) = (begun.clone(), gone_on.clone());
        let provider = ScriptedProvider::start(move |_| {
            Script::sse_head()
                .chunk(first)
                .then(Step::Await(its_begun.clone()))
                .chunk(second)
                .then(Step::Await(its_gone_on.clone()))
                .chunk(last)
                .then(Step::End)
        })
        .await;
        let dumping = Dumping::start(&provider.base_url(), &[KEY]).await;
        let mut client = dialect.send(dumping.gateway.address, true).await;
        let body = |text: &str| {
            let all = dumping.now();
            let response = all.iter().find(|(path, _)| path.ends_with(".resp.txt"));
            response
                .and_then(|(_, content)| content.split_once("\r\n\r\n"))
                .is_some_and(|(_, body)| body == text)
        };
        wait_until(|| body(first), "the first event in the dump").await;
        begun.open();
        let two = [first, second].concat();
        wait_until(|| body(&two), "the second event in the dump").await;
        gone_on.open();
        client.head().await;
        assert_eq!(client.read_to_end().await.1, BodyEnd::Clean);
        let whole = dialect.events.concat();
        wait_until(|| body(&whole), "all of it in the dump").await;
        assert_eq!(kinds(&dumping.stop().await), ["req.txt", "resp.txt"]);
    }
}
