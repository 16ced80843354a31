//! A running gateway process: its address, its output and its signals.

use crate::process::Running;
use crate::{Launch, ProcessOutput, Store, wait_until};
use aibridge_testkit_wire::wait_at_most;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::Duration;

/// A gateway process that listens. Dropping it kills the process.
pub struct Gateway {
    running: Running,
    launch: Launch,
    scheme: &'static str,
    address: SocketAddr,
}

/// The URL schemes that precede the listening address in the start-up output.
const SCHEMES: [&str; 2] = ["http://", "https://"];

impl Launch {
    /// Starts `aibridge serve` on a free port with its store in the directory, and waits until it listens.
    /// A second start opens the store that the last gateway left.
    ///
    /// # Panics
    ///
    /// With the output of the process, if it exits or does not listen within [`MAX_WAIT`](crate::MAX_WAIT).
    pub async fn start(&self) -> Gateway {
        Gateway::wait_listening(self.serve(), self.clone()).await
    }

    /// Starts `aibridge serve` like [`Launch::start`], and kills it (SIGKILL) after `delay`, whatever it is doing then.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub async fn start_and_kill(&self, delay: Duration) -> ProcessOutput {
        let mut running = self.serve();
        tokio::time::sleep(delay).await;
        let _ = running.child.start_kill(); // it may have exited
        running.wait_exit().await
    }

    fn serve(&self) -> Running {
        let mut launch = self.clone();
        let own = ["--listen".into(), "127.0.0.1:0".into(), "--store".into(), self.store_url()];
        launch.arguments = [OsString::from("serve")].into_iter().chain(own).chain(launch.arguments).collect();
        if self.config.is_some() {
            launch = launch.arg("--config").arg(self.config_path());
        }
        launch.spawn()
    }
}

impl Gateway {
    /// Waits until the start-up output has an address.
    async fn wait_listening(mut running: Running, launch: Launch) -> Self {
        let probe = || match (first_address(&running.stdout.text()), running.child.try_wait()) {
            (Some(address), _) => Some(Ok(address)),
            (None, Ok(None)) => None,
            (None, ended) => Some(Err(ended)),
        };
        match wait_at_most(launch.start_limit, probe, "the gateway to print its address").await {
            Ok((scheme, address)) => Self { running, launch, scheme, address },
            Err(ended) => panic!("no gateway: {ended:?} {:#?}", running.wait_exit().await),
        }
    }

    /// The address on which it listens for clients.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the gateway: `http://127.0.0.1:PORT` or `https://127.0.0.1:PORT`, without a trailing slash.
    pub fn url(&self) -> String {
        format!("{}{}", self.scheme, self.address)
    }

    /// The base URL for clients of `provider`: `http://127.0.0.1:PORT/PROVIDER/v1`.
    pub fn base_url(&self, provider: &str) -> String {
        format!("{}/{provider}/v1", self.url())
    }

    /// Its SQLite file. Must not be called if the store is PostgreSQL.
    pub fn store(&self) -> Store {
        Store::new(self.launch.store_path())
    }

    /// The configuration it was started with. Starting that again opens the same store.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// Its standard output so far.
    pub fn stdout(&self) -> String {
        self.running.stdout.text()
    }

    /// Its standard error so far, which has the log.
    pub fn stderr(&self) -> String {
        self.running.stderr.text()
    }

    /// Waits until standard output or standard error contains `text`.
    pub async fn wait_for_output(&self, text: &str) {
        let is_present = || self.stdout().contains(text) || self.stderr().contains(text);
        wait_until(is_present, &format!("the gateway to print {text:?}")).await;
    }

    /// Kills it (SIGKILL) and waits for its exit.
    pub async fn kill(self) -> ProcessOutput {
        self.signal(Signal::KILL);
        self.running.wait_exit().await
    }

    /// Requests a graceful shutdown (SIGTERM). [`Gateway::wait_exit`] waits for the exit.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Requests a graceful shutdown (SIGINT), as Ctrl-C does.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Requests a reload of the settings (SIGHUP).
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Waits until it has exited.
    pub async fn wait_exit(self) -> ProcessOutput {
        self.running.wait_exit().await
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
    fn an_address_is_found_only_after_its_line_continues() {
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
    async fn a_process_starts_prints_and_exits() {
        let launch = shell("echo args $@; echo http://127.0.0.1:4321/; echo note >&2; exec sleep 1000");
        let gateway = launch.start().await;
        assert_eq!(gateway.base_url("openai"), "http://127.0.0.1:4321/openai/v1");
        assert!(
            gateway.stdout().contains("args --listen 127.0.0.1:0 --store sqlite:/"),
            "{}",
            gateway.stdout()
        );
        gateway.wait_for_output("note").await;
        assert!(!gateway.kill().await.status.success());
        let gateway = launch.start().await;
        gateway.terminate();
        assert_eq!(gateway.wait_exit().await.status.code(), None);
    }

    #[tokio::test]
    #[should_panic(expected = "bad settings")]
    async fn a_failed_start_panics_with_the_output() {
        shell("echo bad settings >&2; exit 2").start().await;
    }

    #[tokio::test]
    async fn arguments_and_environment_are_exact() {
        let wait_exit =
            shell("echo $# $HOME $MINE; exit 2").arg("serve").arg("x").env("MINE", "1").run().await;
        assert_eq!((wait_exit.stdout.as_str(), wait_exit.status.code()), ("1 1\n", Some(2)));
    }
}
