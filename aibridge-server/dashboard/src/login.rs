//! The body of a log-in.

use secrecy::SecretString;
use serde::Deserialize;

/// The reason why the body of a log-in cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    #[serde(borrow)]
    token: std::borrow::Cow<'a, str>,
}

/// Reads the access token from `{"token":"aib_…"}`. White space around it is ignored, because people paste it.
///
/// # Errors
///
/// [`LoginError`] if the body is not this object.
pub fn parse(body: &[u8]) -> Result<SecretString, LoginError> {
    // serde would also read an array, with the members in order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(LoginError);
    }
    let body: Body<'_> = serde_json::from_slice(body).map_err(|_| LoginError)?;
    Ok(SecretString::from(body.token.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn the_token_is_read_as_it_is_pasted() {
        let token = parse(br#"{"token":" aib_1\n"}"#).expect("a token");
        assert_eq!(token.expose_secret(), "aib_1");
        for body in ["", "{}", "aib_1", r#"{"token":1}"#, r#"["aib_1"]"#, r#"{"token":"a","user":"b"}"#] {
            assert_eq!(parse(body.as_bytes()).err(), Some(LoginError), "{body}");
        }
    }
}
