//! Addresses of listeners.

use std::net::SocketAddr;

/// Parses an address with a port.
pub fn parse(text: &str) -> Result<SocketAddr, String> {
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric.as_deref().unwrap_or(text).parse().map_err(|_| {
        format!("{text:?} is not an address with a port; write e.g. \"127.0.0.1:8080\" or \"[::1]:8080\"")
    })
}

/// Whether other machines can reach a listener on `address`.
pub fn is_exposed(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

/// Whether listeners on both addresses collide. Port 0 never collides: it means a free port.
pub fn collides(one: SocketAddr, other: SocketAddr) -> bool {
    let any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port()
        && one.port() != 0
        && (any || one.ip().to_canonical() == other.ip().to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_port() {
        let table = [
            ("127.0.0.1:8080", Some("127.0.0.1:8080")),
            ("127.0.0.1:0", Some("127.0.0.1:0")),
            ("localhost:8080", Some("127.0.0.1:8080")),
            ("[::1]:8080", Some("[::1]:8080")),
            ("0.0.0.0:80", Some("0.0.0.0:80")),
            ("", None),
            ("8080", None),
            (":8080", None),
            ("127.0.0.1", None),
            ("localhost", None),
            ("localhost:", None),
            ("127.0.0.1:65536", None),
            ("example.com:8080", None),
            ("http://127.0.0.1:8080", None),
        ];
        for (text, expected) in table {
            let actual = parse(text).ok().map(|address| address.to_string());
            assert_eq!(actual.as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn equal_addresses_collide() {
        let table = [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "[::ffff:127.0.0.1]:80", true),
            ("127.0.0.1:80", "0.0.0.0:80", true),
            ("[::]:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("127.0.0.1:80", "[::1]:80", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
        ];
        for (one, other, expected) in table {
            let parsed = |text: &str| parse(text).expect("an address");
            assert_eq!(collides(parsed(one), parsed(other)), expected, "{one} {other}");
        }
    }
}
