//! From the mirrors to the settings of all providers.

use crate::name::Names;
use crate::provider::{Provider, ProviderKind};
use crate::raw::RawProvider;
use crate::route_prefix::Prefixes;
use crate::tls::{self, TlsPaths};
use crate::vendor::{self, Vendor};
use crate::{circuit_breaker, extra_headers, keys, routes};
use aibridge_values::Environment;
use aibridge_values::duration::RawDuration;
use aibridge_values::report::Report;
use aibridge_values::secret::Secret;

/// Resolves all providers. `None` if any of them has a problem.
pub fn resolve(
    raw: Vec<RawProvider<Secret>>,
    environment: &dyn Environment,
    report: &mut Report<'_>,
) -> Option<Vec<Provider>> {
    let (mut names, mut prefixes) = (Names::default(), Prefixes::default());
    let providers: Vec<Option<Provider>> = raw
        .into_iter()
        .enumerate()
        .map(|(index, raw)| {
            let at = format!("provider[{index}]");
            resolve_one(raw, &at, (&mut names, &mut prefixes), environment, report)
        })
        .collect();
    providers.into_iter().collect()
}

fn resolve_one(
    raw: RawProvider<Secret>,
    at: &str,
    (names, prefixes): (&mut Names, &mut Prefixes),
    environment: &dyn Environment,
    report: &mut Report<'_>,
) -> Option<Provider> {
    let Vendor { kind, preset, row } = vendor::resolve(&raw, at, report);
    let further_routes =
        routes::resolve(&raw.routes, kind.map_or("", ProviderKind::as_str), &format!("{at}.routes"), report);
    let azure_paths = report.keep(&format!("{at}.azure_paths"), allow_azure_paths(raw.azure_paths, kind));
    let tls_paths =
        TlsPaths { ca: &raw.tls_ca, client_cert: &raw.tls_client_cert, client_key: &raw.tls_client_key };
    let tls = tls::resolve(&tls_paths, at, environment, report);
    let name = raw.name.or_else(|| row.map(|row| row.name.to_owned()));
    let name = name.and_then(|name| report.keep(&format!("{at}.name"), names.claim(name, at)));
    let base_url = vendor::base_url(raw.base_url.as_deref(), row);
    let base_url = report.keep(&format!("{at}.base_url"), base_url);
    let prefix = raw.route_prefix.or_else(|| Some(kind?.default_route_prefix(name.as_deref()?)));
    let prefix =
        prefix.and_then(|prefix| report.keep(&format!("{at}.route_prefix"), prefixes.claim(prefix, at)));
    let auth_header = vendor::auth_header(raw.auth_header.as_deref(), row);
    let auth_header = report.keep(&format!("{at}.auth_header"), auth_header);
    let usage_chunk = vendor::usage_chunk(raw.usage_chunk.as_deref(), row);
    let usage_chunk = report.keep(&format!("{at}.usage_chunk"), usage_chunk);
    report.keep(&format!("{at}.keys"), vendor::allow_keys(raw.keys.len(), row));
    let keys = keys::resolve(&raw.keys, &format!("{at}.keys"), environment, report);
    let extra_headers = extra_headers::resolve(
        raw.extra_headers,
        auth_header.as_ref(),
        &format!("{at}.extra_headers"),
        report,
    );
    let mut timeout = |name, timeout: RawDuration| report.keep(&format!("{at}.{name}"), timeout.positive());
    let connect_timeout = timeout("connect_timeout", raw.connect_timeout);
    let response_timeout = timeout("response_timeout", raw.response_timeout);
    let stream_idle_timeout = timeout("stream_idle_timeout", raw.stream_idle_timeout);
    let keep_alive = timeout("keep_alive", raw.keep_alive);
    let circuit_breaker = match &raw.circuit_breaker {
        Some(raw) => circuit_breaker::resolve(raw, &format!("{at}.circuit_breaker"), report).map(Some),
        None => Some(None),
    };
    Some(Provider {
        kind: kind?,
        preset,
        name: name?,
        base_url: base_url?,
        route_prefix: prefix?,
        auth_header: auth_header?,
        usage_chunk: usage_chunk?,
        subscription: row?.subscription,
        keys: keys?,
        extra_headers: extra_headers?,
        further_routes: further_routes?,
        azure_paths: azure_paths?,
        tls: tls?,
        send_actor_headers: raw.send_actor_headers,
        connect_timeout: connect_timeout?,
        response_timeout: response_timeout?,
        stream_idle_timeout: stream_idle_timeout?,
        keep_alive: keep_alive?,
        drain_on_disconnect: raw.drain_on_disconnect.get(),
        api_dump_dir: (!raw.api_dump_dir.is_empty()).then(|| raw.api_dump_dir.into()),
        circuit_breaker: circuit_breaker?,
    })
}

fn allow_azure_paths(azure_paths: bool, kind: Option<ProviderKind>) -> Result<bool, String> {
    match kind {
        Some(ProviderKind::Anthropic | ProviderKind::Copilot) if azure_paths => {
            Err("is for the type \"openai\" only; remove it".to_owned())
        }
        _ => Ok(azure_paths),
    }
}
