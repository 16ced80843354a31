//! The comparison of two providers, for a reload.

use crate::Provider;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

impl Provider {
    /// Returns the names of the settings that differ. Secrets of equal length are compared in constant time.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        // The destructuring makes the compiler check that no setting is missing.
        let Self {
            kind,
            preset,
            name,
            base_url,
            route_prefix,
            auth_header,
            usage_chunk,
            subscription: _, // follows from the preset
            keys,
            extra_headers,
            further_routes,
            azure_paths,
            tls,
            send_actor_headers,
            connect_timeout,
            response_timeout,
            stream_idle_timeout,
            keep_alive,
            drain_on_disconnect,
            api_dump_dir,
            circuit_breaker,
        } = self;
        let table = [
            ("type", *kind != other.kind),
            ("preset", *preset != other.preset),
            ("name", *name != other.name),
            ("base_url", *base_url != other.base_url),
            ("route_prefix", *route_prefix != other.route_prefix),
            ("auth_header", *auth_header != other.auth_header),
            ("usage_chunk", *usage_chunk != other.usage_chunk),
            ("keys", !are_same(keys.iter(), other.keys.iter())),
            ("extra_headers", !are_same_headers(extra_headers, &other.extra_headers)),
            ("routes", *further_routes != other.further_routes),
            ("azure_paths", *azure_paths != other.azure_paths),
            ("tls_ca", tls.ca != other.tls.ca),
            ("tls_client_cert", tls.client != other.tls.client),
            ("send_actor_headers", *send_actor_headers != other.send_actor_headers),
            ("connect_timeout", *connect_timeout != other.connect_timeout),
            ("response_timeout", *response_timeout != other.response_timeout),
            ("stream_idle_timeout", *stream_idle_timeout != other.stream_idle_timeout),
            ("keep_alive", *keep_alive != other.keep_alive),
            ("drain_on_disconnect", *drain_on_disconnect != other.drain_on_disconnect),
            ("api_dump_dir", *api_dump_dir != other.api_dump_dir),
            ("circuit_breaker", *circuit_breaker != other.circuit_breaker),
        ];
        table.into_iter().filter_map(|(setting, differs)| differs.then_some(setting)).collect()
    }
}

fn are_same_headers(some: &[(String, SecretString)], others: &[(String, SecretString)]) -> bool {
    some.iter().map(|(name, _)| name).eq(others.iter().map(|(name, _)| name))
        && are_same(some.iter().map(|(_, value)| value), others.iter().map(|(_, value)| value))
}

fn are_same<'a>(
    some: impl ExactSizeIterator<Item = &'a SecretString>,
    others: impl ExactSizeIterator<Item = &'a SecretString>,
) -> bool {
    let same = |(one, other): (&SecretString, &SecretString)| {
        one.expose_secret().as_bytes().ct_eq(other.expose_secret().as_bytes()).into()
    };
    some.len() == others.len() && some.zip(others).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_values::Environment;
    use aibridge_values::report::Report;
    use figment::Figment;
    use std::{io, path::Path};

    struct Empty;

    impl Environment for Empty {
        fn var(&self, _: &str) -> Option<String> {
            None
        }

        fn read(&self, _: &Path) -> io::Result<String> {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    fn provider(settings: &str) -> Provider {
        let raw =
            toml::from_str(&format!("type = \"openai\"\n{}", settings.replace("[provider.", "["))).unwrap();
        let layers = Figment::new();
        let mut report = Report::new(&layers, Vec::new());
        super::super::resolve(vec![raw], &Empty, &mut report).unwrap().remove(0)
    }

    #[test]
    fn every_setting_is_compared() {
        let table = [
            ("", vec![]),
            ("name = \"openai\"", vec![]),
            ("name = \"other\"", vec!["name", "route_prefix"]),
            ("preset = \"openai\"", vec!["preset"]),
            ("route_prefix = \"/v1\"", vec!["route_prefix"]),
            ("auth_header = \"Api-Key\"", vec!["auth_header"]),
            ("usage_chunk = \"native\"", vec!["usage_chunk"]),
            ("routes = [\"GET /files/…\"]", vec!["routes"]),
            ("azure_paths = true", vec!["azure_paths"]),
            ("base_url = \"http://x/v1\"", vec!["base_url"]),
            ("keys = [\"a\"]", vec!["keys"]),
            ("extra_headers = { x = \"1\" }", vec!["extra_headers"]),
            ("send_actor_headers = true", vec!["send_actor_headers"]),
            (
                "connect_timeout = \"1s\"\nresponse_timeout = \"2s\"",
                vec!["connect_timeout", "response_timeout"],
            ),
            ("stream_idle_timeout = \"1s\"", vec!["stream_idle_timeout"]),
            ("keep_alive = \"1s\"", vec!["keep_alive"]),
            ("drain_on_disconnect = \"1s\"", vec!["drain_on_disconnect"]),
            ("api_dump_dir = \"d\"", vec!["api_dump_dir"]),
            ("[provider.circuit_breaker]", vec!["circuit_breaker"]),
        ];
        for (settings, expected) in table {
            assert_eq!(provider("").differences(&provider(settings)), expected, "{settings}");
            assert_eq!(provider(settings).differences(&provider("")), expected, "{settings}");
            assert_eq!(provider(settings).differences(&provider(settings)), [""; 0], "{settings}");
        }
        let keys =
            ["keys = [\"a\", \"b\"]", "keys = [\"b\", \"a\"]", "keys = [\"a\"]", "keys = [\"a\", \"c\"]"];
        let headers = [
            "extra_headers = { x = \"1\" }",
            "extra_headers = { x = \"2\" }",
            "extra_headers = { y = \"1\" }",
        ];
        for (setting, variants) in [("keys", &keys[..]), ("extra_headers", &headers[..])] {
            for other in &variants[1..] {
                assert_eq!(provider(variants[0]).differences(&provider(other)), [setting], "{other}");
            }
        }
    }
}
