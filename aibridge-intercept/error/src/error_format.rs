//! The format of error responses, which is that of the API that the client uses.

use crate::error_kind::ErrorKind;
use crate::error_response::{ERROR_HEADER, ErrorResponse, SHOULD_RETRY};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::Value;
use std::fmt::Write as _;
use uuid::Uuid;

/// The format of an error response: that of one API.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ErrorFormat {
    /// The format of the OpenAI API: `{"error":{"message":…,"type":…,"param":…,"code":…}}`.
    #[default]
    OpenAi,
    /// The format of the Anthropic API: `{"type":"error","error":{"type":…,"message":…},"request_id":…}`.
    Anthropic,
}

/// The header in which Anthropic's SDKs read the id of the request.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// The `Retry-After` in seconds of an unavailable gateway that names no time, for clients of Anthropic's API.
const DEFAULT_RETRY_AFTER: u64 = 1;

impl ErrorResponse {
    /// The error object of the OpenAI API: `{"message":…,"type":…,"param":…,"code":…}`. As in that API, the code of an
    /// exhausted quota is its type.
    pub fn to_object(&self) -> String {
        let (kind, message) = (self.kind.openai(), Value::from(&*self.message));
        let code = if self.kind == ErrorKind::Quota { kind } else { self.code };
        let param = Value::from(self.param.as_deref());
        let members = self.rendered_members();
        format!(r#"{{"message":{message},"type":"{kind}","param":{param},"code":"{code}"{members}}}"#)
    }

    /// The HTTP response in the format of an API. `request_id` is the id of the interception, if there is one.
    pub fn into_http(self, format: ErrorFormat, request_id: Option<Uuid>) -> Response<Bytes> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ERROR_HEADER, HeaderValue::from_static(self.code));
        if self.kind == ErrorKind::Quota {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        let body = match format {
            ErrorFormat::OpenAi => format!(r#"{{"error":{}}}"#, self.to_object()),
            ErrorFormat::Anthropic => {
                self.anthropic_body(request_id.unwrap_or_else(Uuid::now_v7), &mut headers)
            }
        };
        headers.extend(self.headers);
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }

    /// Renders the body in the format of the Anthropic API, and adds the headers that its clients need. Without
    /// `x-should-retry: false`, Claude Code tries ten times after a 401.
    fn anthropic_body(&self, id: Uuid, headers: &mut HeaderMap) -> String {
        if let Ok(id) = HeaderValue::try_from(id.to_string()) {
            headers.insert(REQUEST_ID, id);
        }
        if self.kind == ErrorKind::Authentication {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        let decides_retry =
            self.headers.iter().any(|(name, _)| *name == header::RETRY_AFTER || *name == SHOULD_RETRY);
        if self.status == StatusCode::SERVICE_UNAVAILABLE && !decides_retry {
            headers.insert(header::RETRY_AFTER, DEFAULT_RETRY_AFTER.into());
        }
        let (kind, message) = (self.kind.anthropic(self.status), Value::from(&*self.message));
        let members = self.rendered_members();
        format!(
            r#"{{"type":"error","error":{{"type":"{kind}","message":{message}{members}}},"request_id":"{id}"}}"#
        )
    }

    /// The further members, each after a comma.
    fn rendered_members(&self) -> String {
        self.members.iter().fold(String::new(), |mut text, (name, value)| {
            let _ = write!(text, r#","{name}":{value}"#);
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body(response: &Response<Bytes>) -> Value {
        serde_json::from_slice(response.body()).unwrap()
    }

    fn error(status: u16, kind: ErrorKind) -> ErrorResponse {
        ErrorResponse::new(StatusCode::from_u16(status).unwrap(), kind, "some_code", "say \"x\"")
    }

    #[test]
    fn each_api_has_its_own_types() {
        let table = [
            (400, ErrorKind::InvalidRequest, "invalid_request_error", "invalid_request_error"),
            (404, ErrorKind::InvalidRequest, "invalid_request_error", "not_found_error"),
            (405, ErrorKind::InvalidRequest, "invalid_request_error", "invalid_request_error"),
            (413, ErrorKind::InvalidRequest, "invalid_request_error", "request_too_large"),
            (401, ErrorKind::Authentication, "authentication_error", "authentication_error"),
            (403, ErrorKind::Permission, "permission_error", "permission_error"),
            (429, ErrorKind::RateLimit, "rate_limit_error", "rate_limit_error"),
            (429, ErrorKind::Quota, "insufficient_quota", "billing_error"),
            (503, ErrorKind::Server, "server_error", "overloaded_error"),
            (500, ErrorKind::Server, "server_error", "api_error"),
            (502, ErrorKind::Upstream, "api_error", "api_error"),
            (504, ErrorKind::Upstream, "api_error", "timeout_error"),
        ];
        for (status, kind, openai, anthropic) in table {
            let response = error(status, kind).into_http(ErrorFormat::OpenAi, None);
            let code = if kind == ErrorKind::Quota { openai } else { "some_code" };
            assert_eq!(
                body(&response),
                json!({"error": {"message": "say \"x\"", "type": openai, "param": null, "code": code}})
            );
            assert_eq!(
                (response.status().as_u16(), &response.headers()[ERROR_HEADER]),
                (status, &HeaderValue::from_static("some_code"))
            );

            let id = Uuid::now_v7();
            let response = error(status, kind).into_http(ErrorFormat::Anthropic, Some(id));
            assert_eq!(
                body(&response),
                json!({"type": "error", "error": {"type": anthropic, "message": "say \"x\""}, "request_id": id.to_string()})
            );
            assert_eq!(
                (response.status().as_u16(), &response.headers()[ERROR_HEADER]),
                (status, &HeaderValue::from_static("some_code"))
            );
            assert_eq!(response.headers()[REQUEST_ID], id.to_string());
        }
    }

    #[test]
    fn headers_say_whether_and_when_to_try_again() {
        let should_retry = |error: ErrorResponse, format| {
            error
                .into_http(format, None)
                .headers()
                .get(SHOULD_RETRY)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let (no, openai, anthropic) = (Some("false".to_owned()), ErrorFormat::OpenAi, ErrorFormat::Anthropic);
        assert_eq!(should_retry(error(401, ErrorKind::Authentication), openai), None);
        assert_eq!(should_retry(error(401, ErrorKind::Authentication), anthropic), no);
        assert_eq!(should_retry(error(429, ErrorKind::Quota), openai), no);
        assert_eq!(should_retry(error(429, ErrorKind::Quota), anthropic), no);
        assert_eq!(should_retry(error(429, ErrorKind::RateLimit), anthropic), None);

        let retry_after = |error: ErrorResponse, format| {
            let response = error.into_http(format, None);
            let values: Vec<_> = response.headers().get_all(header::RETRY_AFTER).iter().cloned().collect();
            values
        };
        assert!(retry_after(error(503, ErrorKind::Server), openai).is_empty());
        assert_eq!(retry_after(error(503, ErrorKind::Server), anthropic), ["1"]);
        let later = error(503, ErrorKind::Server).with_header(header::RETRY_AFTER, 7_u64);
        assert_eq!(retry_after(later, anthropic), ["7"]);
    }

    #[test]
    fn further_members_stand_beside_the_message() {
        let mut error = error(429, ErrorKind::Quota);
        error.members.push(("budget", r#"{"scope":"user","limit_usd":0.10}"#.into()));
        let response = error.clone().into_http(ErrorFormat::OpenAi, None);
        let text = str::from_utf8(response.body()).unwrap();
        assert!(text.ends_with(r#","budget":{"scope":"user","limit_usd":0.10}}}"#), "{text}");
        let response = error.into_http(ErrorFormat::Anthropic, None);
        assert_eq!(body(&response)["error"]["budget"]["scope"], "user");
    }
}
