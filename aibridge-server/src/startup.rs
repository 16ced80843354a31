//! The lines that the gateway prints when it starts.

use aibridge_config::{AuthMode, Config, Durability, Store, StoreUrl, Tls};
use aibridge_keypool::KeyStatus;
use aibridge_listen::certificate;
use aibridge_provider::Provider;
use http::Uri;
use std::net::SocketAddr;
use std::sync::Arc;

/// Returns the address, each provider with the base URL for clients, the store, and the authentication mode.
pub fn introduction(
    config: &Config,
    address: SocketAddr,
    providers: &[Arc<dyn Provider>],
    orphans_closed: u64,
) -> Vec<String> {
    let url = match config.tls {
        Some(_) => format!("https://{address}"),
        None => format!("http://{address}"),
    };
    let mut lines = vec![format!("aibridge {} listening on {url}", env!("CARGO_PKG_VERSION"))];
    lines.extend(providers.iter().map(|provider| provider_line(&**provider, &url)));
    lines.extend(providers.iter().filter_map(|provider| dump_line(&**provider)));
    lines.extend(config.tls.as_ref().map(tls_line));
    lines.push(format!("store    {} ({})", config.store.url, durability_text(&config.store)));
    if let Some(retention) = config.store.retention {
        lines.push(format!("retain   {retention}: interceptions that are older are deleted"));
    }
    lines.push(match config.auth.mode {
        AuthMode::None => "auth     none: everyone is \"anonymous\"".to_owned(),
        AuthMode::Tokens => "auth     tokens: create one with `aibridge token create --user NAME`".to_owned(),
    });
    if orphans_closed > 0 {
        lines.push(format!(
            "note     {orphans_closed} interceptions were open when the gateway last died: closed as failed"
        ));
    }
    lines
}

/// Describes which failures a record survives.
fn durability_text(store: &Store) -> String {
    let durability = match store.durability {
        Durability::Process => "survives the process, not a power cut",
        Durability::Power => "survives a power cut",
        Durability::Database => return "requests are refused while it is down".to_owned(),
    };
    match &store.url {
        StoreUrl::Sqlite(_) => durability.to_owned(),
        StoreUrl::Postgres(_) => {
            format!("while it is down, records wait in {}, which {durability}", store.journal.display())
        }
    }
}

fn tls_line(tls: &Tls) -> String {
    let until =
        certificate::valid_until(tls).map(|until| format!(" (valid until {until})")).unwrap_or_default();
    format!("tls      {}{until}", tls.cert.display())
}

fn provider_line(provider: &dyn Provider, url: &str) -> String {
    let keys = match provider.key_failover().pool() {
        None => "no keys: clients bring their own (BYOK)".to_owned(),
        Some(pool) => {
            let hints: Vec<String> = pool.statuses().into_iter().map(|KeyStatus { hint, .. }| hint).collect();
            let count = hints.len();
            format!("{count} key{} ({})", if count == 1 { "" } else { "s" }, hints.join(", "))
        }
    };
    format!(
        "provider {}: {url}{} -> {}, {keys}",
        provider.name(),
        provider.route_prefix(),
        provider.base_url(),
    )
}

/// Shows that dumps are on, because they hold prompts.
fn dump_line(provider: &dyn Provider) -> Option<String> {
    let folder = provider.api_dump_dir()?.join(provider.name());
    Some(format!(
        "dump     {}: all traffic, prompts and responses included, is written to {}",
        provider.name(),
        folder.display()
    ))
}

/// Returns the proxy variables, one line each, without the credentials in their URLs. The line of
/// a variable that cannot be used says why.
pub fn proxies(variables: impl Iterator<Item = (String, String)>) -> Vec<String> {
    const NAMES: [&str; 4] = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"];
    variables
        .filter(|(name, value)| !value.is_empty() && NAMES.contains(&name.to_ascii_lowercase().as_str()))
        .map(|(name, value)| {
            let is_list = name.eq_ignore_ascii_case("no_proxy");
            let problem = if is_list { None } else { proxy_problem(&value) };
            let shown = match value.rsplit_once('@') {
                Some((before, host)) => match before.split_once("://") {
                    Some((scheme, _)) => format!("{scheme}://...@{host}"),
                    None => format!("...@{host}"),
                },
                None => value,
            };
            match problem {
                Some(problem) => format!(
                    "proxy    {name}={shown} cannot be used: it {problem}; write e.g. {name}=http://proxy.example:3128"
                ),
                None => format!("proxy    {name}={shown}"),
            }
        })
        .collect()
}

/// The schemes of proxies that the HTTP client can use. Without a scheme, a proxy is an `http` one.
const PROXY_SCHEMES: [&str; 2] = ["http", "https"];

/// Returns the reason why the HTTP client cannot use the URL of a proxy. `None` if it can.
fn proxy_problem(url: &str) -> Option<String> {
    let Ok(uri) = url.parse::<Uri>() else { return Some("is not a URL, and is ignored".to_owned()) };
    match uri.scheme_str() {
        Some(scheme) if scheme.starts_with("socks") => {
            Some("is a SOCKS proxy, so requests will fail".to_owned())
        }
        Some(scheme) if !PROXY_SCHEMES.contains(&scheme) => {
            Some(format!("has the scheme {scheme:?}, and is ignored"))
        }
        _ if uri.authority().is_none() => Some("names no host, and is ignored".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_shown_without_credentials() {
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let shown = proxies(
            [
                variable("HTTPS_PROXY", "http://user:secret@proxy:3128"),
                variable("http_proxy", "user:p@ss@proxy:1"),
                variable("NO_PROXY", "localhost,10.0.0.0/8"),
                variable("ALL_PROXY", ""),
                variable("all_proxy", "ftp://user:secret@x"),
                variable("HTTP_PROXY", "::bad"),
                variable("https_proxy", "/proxy"),
                variable("HTTP_PROXY", "proxy.test:3128"),
                variable("HTTP_PROXY", "proxy.test"),
                variable("HTTP_PROXY", "socks5://proxy.test"),
                variable("PATH", "/bin"),
            ]
            .into_iter(),
        );
        assert_eq!(
            shown,
            [
                "proxy    HTTPS_PROXY=http://...@proxy:3128",
                "proxy    http_proxy=...@proxy:1",
                "proxy    NO_PROXY=localhost,10.0.0.0/8",
                "proxy    all_proxy=ftp://...@x cannot be used: it has the scheme \"ftp\", and is ignored; write e.g. \
                 all_proxy=http://proxy.example:3128",
                "proxy    HTTP_PROXY=::bad cannot be used: it is not a URL, and is ignored; write e.g. HTTP_PROXY=http://proxy.example:3128",
                "proxy    https_proxy=/proxy cannot be used: it names no host, and is ignored; write e.g. https_proxy=http://proxy.example:3128",
                "proxy    HTTP_PROXY=proxy.test:3128",
                "proxy    HTTP_PROXY=proxy.test",
                "proxy    HTTP_PROXY=socks5://proxy.test cannot be used: it is a SOCKS proxy, so requests will fail; write \
                 e.g. HTTP_PROXY=http://proxy.example:3128",
            ]
        );
    }
}
