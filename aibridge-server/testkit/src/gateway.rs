use crate::launch::Running;
use crate::{Exited, Launch, Store, wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::net::SocketAddr;

/// A gateway that listens. Dropping it kills it.
pub struct Gateway {
    running: Running,
    launch: Launch,
    scheme: &'static str,
    address: SocketAddr,
}

/// What a line has before the address it tells.
const SCHEMES: [&str; 2] = ["http://", "https://"];

impl Gateway {
    /// Waits until the start-up lines tell an address.
    pub(crate) async fn listening(mut running: Running, launch: Launch) -> Self {
        let probe = || match (first_address(&running.stdout.text()), running.child.try_wait()) {
            (Some(found), _) => Some(Ok(found)),
            (None, Ok(None)) => None,
            (None, ended) => Some(Err(ended)),
        };
        match wait_for(probe, "the gateway to say where it listens").await {
            Ok((scheme, address)) => Self { running, launch, scheme, address },
            Err(ended) => panic!("no gateway: {ended:?} {:#?}", running.exited().await),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, without a slash, or `https://…`.
    pub fn url(&self) -> String {
        format!("{}{}", self.scheme, self.address)
    }

    /// The base URL that a client of `provider` uses: `http://127.0.0.1:PORT/PROVIDER/v1`.
    pub fn base_url(&self, provider: &str) -> String {
        format!("{}/{provider}/v1", self.url())
    }

    /// Its store, if that is a file.
    pub fn store(&self) -> Store {
        Store::new(self.launch.store_path())
    }

    /// How it was started; starting that again finds the same store.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// All that it has printed so far.
    pub fn stdout(&self) -> String {
        self.running.stdout.text()
    }

    /// All that it has logged so far.
    pub fn stderr(&self) -> String {
        self.running.stderr.text()
    }

    /// Waits until it has logged or printed `text`.
    pub async fn said(&self, text: &str) {
        let heard = || self.stdout().contains(text) || self.stderr().contains(text);
        wait_until(heard, &format!("the gateway to say {text:?}")).await;
    }

    /// Kills it the hard way (SIGKILL) and waits for its end.
    pub async fn kill(self) -> Exited {
        self.signal(Signal::KILL);
        self.running.exited().await
    }

    /// Asks it to shut down (SIGTERM); [`Gateway::exited`] waits for it.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Asks it to shut down (SIGINT), as Ctrl-C does.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Asks it to read its settings again (SIGHUP).
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Waits for its end.
    pub async fn exited(self) -> Exited {
        self.running.exited().await
    }

    fn signal(&self, signal: Signal) {
        let pid = self.running.child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        if let Some(pid) = pid {
            kill_process(pid, signal).expect("a child can be signalled");
        }
    }
}

fn first_address(text: &str) -> Option<(&'static str, SocketAddr)> {
    text.match_indices("http").find_map(|(at, _)| {
        let scheme = SCHEMES.into_iter().find(|scheme| text[at..].starts_with(scheme))?;
        let rest = &text[at + scheme.len()..];
        let end = rest.find(|c: char| !(c.is_ascii_hexdigit() || ".:[]".contains(c)))?;
        Some((scheme, rest[..end].parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_address_only_once_its_line_goes_on() {
        let address = |text| first_address(text).map(|(_, address)| address.to_string());
        assert_eq!(address("listening on http://127.0.0.1:80"), None);
        assert_eq!(address("listening on http://127.0.0.1:8080\n").as_deref(), Some("127.0.0.1:8080"));
        assert_eq!(address("proxy http://proxy.test:1 http://[::1]:9/x\n").as_deref(), Some("[::1]:9"));
    }

    fn shell(script: &str) -> Launch {
        let launch = Launch::new("/bin/sh");
        std::fs::write(launch.dir().join("serve"), script).expect("a script");
        launch
    }

    #[tokio::test]
    async fn starts_watches_and_ends_a_child() {
        let launch = shell("echo args $@; echo http://127.0.0.1:4321/; echo note >&2; exec sleep 1000");
        let gateway = launch.start().await;
        assert_eq!(gateway.base_url("openai"), "http://127.0.0.1:4321/openai/v1");
        assert!(
            gateway.stdout().contains("args --listen 127.0.0.1:0 --store sqlite:/"),
            "{}",
            gateway.stdout()
        );
        gateway.said("note").await;
        assert!(!gateway.kill().await.status.success());
        let gateway = launch.start().await;
        gateway.terminate();
        assert_eq!(gateway.exited().await.status.code(), None);
    }

    #[tokio::test]
    #[should_panic(expected = "bad settings")]
    async fn shows_why_a_child_does_not_start() {
        shell("echo bad settings >&2; exit 2").start().await;
    }

    #[tokio::test]
    async fn runs_with_exact_arguments_and_no_foreign_environment() {
        let exited = shell("echo $# $HOME $MINE; exit 2").arg("serve").arg("x").env("MINE", "1").run().await;
        assert_eq!((exited.stdout.as_str(), exited.status.code()), ("1 1\n", Some(2)));
    }
}
