//! The web page for operators and users, below `/dashboard`.
//!
//! This crate contains the [`files`] of the page, which are embedded in the binary, the [`BrowserSessions`] of logged-in
//! users, the [`LoginThrottle`], and the rules that protect both from other web pages: [`security_headers`] and
//! [`cross_site`]. The page reads all of its data from `aibridge-api`.
//!
//! It does not depend on a web framework, and it does not authenticate: the server checks access tokens.

mod browser_sessions;
mod cookie;
pub mod cross_site;
pub mod files;
mod headers;
mod login;
mod login_throttle;

pub use browser_sessions::BrowserSessions;
pub use cookie::{expired_cookie, session_cookie};
pub use headers::security_headers;
pub use login::{LoginError, parse as parse_login};
pub use login_throttle::LoginThrottle;
