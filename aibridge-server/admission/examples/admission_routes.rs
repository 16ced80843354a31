//! Finds the provider and the route of requests, and prints why others are refused: among them, other spellings of a path
//! that is served.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_admission::route;
use aibridge_intercept::ErrorResponse;
use aibridge_provider::{OpenAi, OpenAiConfig, Provider};
use http::{HeaderMap, Method};
use std::error::Error;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    let named = |name: &str| OpenAi::new(OpenAiConfig { name: name.into(), ..OpenAiConfig::default() });
    let providers: [Arc<dyn Provider>; 2] = [Arc::new(named("openai")?), Arc::new(named("groq")?)];
    for (method, path) in [
        (Method::POST, "/openai/v1/chat/completions"),
        (Method::POST, "/groq/v1/responses"),
        (Method::GET, "/openai/v1/models/openai%2Fgpt-oss-120b"),
        (Method::GET, "/openai/v1/chat/completions"),
        (Method::POST, "/openai/v1/models/../chat/completions"),
        (Method::POST, "/openai/v1//chat/completions"),
        (Method::POST, "/openai/v1/chat%2Fcompletions"),
        (Method::POST, "/openai/v1/chat/%2e%2e/responses"),
        (Method::GET, "/nobody/v1/models"),
    ] {
        match route::find(&providers, &method, &path.parse()?, &HeaderMap::new()) {
            Ok(target) => {
                println!("{method} {path}\n  {} {:?} {}", target.provider.name(), target.route, target.path);
            }
            Err(refusal) => {
                let format = route::error_format(&providers, path);
                let response = ErrorResponse::from(refusal).into_http(format, None);
                println!(
                    "{method} {path}\n  {} {}",
                    response.status(),
                    String::from_utf8_lossy(response.body())
                );
            }
        }
    }
    Ok(())
}
