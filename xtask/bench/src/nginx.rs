//! Starts nginx as a target of the bench.

use super::lab::Lab;
use super::process::Process;
use super::target::{NGINX, NGINX_IN_MEMORY, Target};
use anyhow::{Context, Result, bail};
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The longest time until nginx listens.
const READY_TIMEOUT: Duration = Duration::from_secs(5);

/// Starts nginx with one worker as a plain proxy in front of the provider. `None` if it is not installed.
pub(super) fn start(lab: &Lab) -> Result<Option<Target>> {
    start_with(lab, NGINX, "")
}

/// Starts nginx with a buffer that holds every request body in memory.
pub(super) fn start_in_memory(lab: &Lab) -> Result<Option<Target>> {
    start_with(lab, NGINX_IN_MEMORY, "client_body_buffer_size 1m;")
}

fn start_with(lab: &Lab, name: &'static str, setting: &str) -> Result<Option<Target>> {
    let Some(program) = installed() else { return Ok(None) };
    let directory = lab.directory().join(name.replace([',', ' '], "-"));
    fs::create_dir_all(&directory)?;
    let address = free_address()?;
    let settings = directory.join("nginx.conf");
    fs::write(&settings, configuration(&directory, address, lab.provider(), setting))?;
    let mut command = Lab::target_command(&program);
    command.arg("-p").arg(&directory).arg("-e").arg(directory.join("error.log")).arg("-c").arg(&settings);
    let started_at = Instant::now();
    let process = Process::start(&mut command)?;
    while TcpStream::connect(address).is_err() {
        if started_at.elapsed() > READY_TIMEOUT {
            bail!("nginx does not listen in time; see {}", directory.join("error.log").display());
        }
        sleep(Duration::from_micros(200));
    }
    let (ready_after, pid) = (started_at.elapsed(), worker(process.pid())?);
    let is_gateway = false;
    Ok(Some(Target { name, address, is_gateway, token: None, pid, ready_after, _process: Some(process) }))
}

/// The path of the installed nginx, if there is one.
pub(super) fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join("nginx")).find(|program| program.exists())
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Returns the process id of the worker.
fn worker(master: u32) -> Result<u32> {
    let started_at = Instant::now();
    loop {
        let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children"))?;
        if let Some(pid) = children.split_whitespace().next() {
            return pid.parse().context("a process id");
        }
        if started_at.elapsed() > READY_TIMEOUT {
            bail!("nginx started no worker in time");
        }
        sleep(Duration::from_millis(1));
    }
}

/// The configuration of a plain proxy: the defaults, with persistent connections and a high connection limit.
fn configuration(directory: &Path, address: SocketAddr, provider: SocketAddr, setting: &str) -> String {
    let directory = directory.display();
    format!(
        "daemon off;\nworker_processes 1;\nworker_rlimit_nofile 16384;\npid {directory}/pid;\nerror_log {directory}/error.log;\n\
         events {{ worker_connections 15000; }}\n\
         http {{\n  access_log off;\n  keepalive_requests 1000000000;\n  \
         {setting}\n  client_body_temp_path {directory}/body;\n  proxy_temp_path {directory}/proxy;\n  \
         fastcgi_temp_path {directory}/fastcgi;\n  uwsgi_temp_path {directory}/uwsgi;\n  scgi_temp_path {directory}/scgi;\n  \
         upstream provider {{ server {provider}; keepalive 512; keepalive_requests 1000000000; }}\n  \
         server {{\n    listen {address} backlog=1024;\n    location / {{\n      proxy_pass http://provider;\n      \
         proxy_http_version 1.1;\n      proxy_set_header Connection \"\";\n      proxy_buffering off;\n    }}\n  }}\n}}\n"
    )
}
