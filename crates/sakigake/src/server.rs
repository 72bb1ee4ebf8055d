//! Hosts over HTTPS: share-nothing workers, one a core, each with its own listening sockets and connections.

mod bare;
mod descriptors;
mod doors;
mod front;
mod listeners;
mod quic;
mod renew;
mod running;
mod signals;
mod time;
mod upgrade;
mod worker;

#[doc(hidden)]
pub use bare::{Bare, BareQuic};
pub use listeners::{Kind, Listeners};
pub use renew::NotRenewed;
pub use running::Running;
pub use signals::Signals;
pub(crate) use worker::Seat;

use crate::{
    RemoteSigner, Swap, access_log::AccessLog, hosts::Hosts, http1, key_log::KeyLogFile, metrics::Metrics,
};
use sakigake_session::ServerConfig;
use sakigake_tls::KeyLogLine;
use std::sync::Arc;
use tokio::sync::watch;

/// Everything that workers share; nothing here changes while they run, but what guards itself. [`Running::reload`] puts
/// another in its place.
pub struct Site {
    /// What answers, by host.
    pub hosts: Hosts,
    /// How sessions behave that begin now: certificates, protocols, hints.
    pub session: Arc<Swap<ServerConfig>>,
    /// What connections may take.
    pub limits: Limits,
    /// What those that speak HTTP/1.1 may take.
    pub http1: http1::Limits,
    /// Who is told of every request.
    pub log: AccessLog,
    /// Who signs for certificates whose keys are not here.
    pub signer: Option<Arc<dyn RemoteSigner>>,
    /// Where secrets go, if anywhere.
    pub key_log: Option<KeyLogFile>,
    /// What clients of HTTP/1.1 and HTTP/2 are told of HTTP/3, where it is served; none: nothing.
    pub alternative: Option<Alternative>,
    /// What is counted. A reload goes on with what was counted before, whatever stands here.
    pub metrics: Arc<Metrics>,
}

/// What is said of HTTP/3 in `alt-svc` (RFC 7838).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// The port at which visitors find it; none: the one to which they came by TCP.
    pub port: Option<u16>,
    /// How long they are to remember it; 0 tells nobody.
    pub max_age_secs: u64,
}

impl Default for Alternative {
    fn default() -> Self {
        Self { port: None, max_age_secs: 86_400 }
    }
}

/// What connections may take, whatever they speak.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections that one worker holds; who comes beyond waits in the backlog. Never more than
    /// there are descriptors for, of which a thousand (a quarter, if that is less) are kept for files that are being sent.
    pub connections_a_worker: usize,
    /// Connections that one worker holds from one address (of IPv6: one network of 64 bits); one beyond is closed at once.
    /// [`Limits::share_of_one_address`] of `connections_a_worker` unless it is set.
    pub connections_an_address: usize,
    /// Signatures that one worker waits for at a time, of [`crate::RemoteSigner`]; a handshake that wants one more fails at once.
    pub signatures_a_worker: usize,
    /// How long an HTTP/2 connection may go without a request.
    pub idle_ms: u64,
    /// How long the peer may take nothing of what waits for its socket.
    pub stall_ms: u64,
    /// HTTP/2: how long a client may let a service wait for bytes of a request's body, and how long after a response the rest
    /// of a body that nobody reads may take to end.
    pub body_stall_ms: u64,
    /// How long a server that was told to stop waits for what it serves.
    pub drain_ms: u64,
}

/// Connections that one worker holds unless it is told otherwise.
const CONNECTIONS_A_WORKER: usize = 16_384;

impl Limits {
    /// What one address may have of so many connections unless something else is said: a quarter, so that it takes more
    /// than one address, or network, to shut a worker.
    pub const fn share_of_one_address(connections: usize) -> usize {
        if connections < 4 { 1 } else { connections / 4 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_a_worker: CONNECTIONS_A_WORKER,
            connections_an_address: Self::share_of_one_address(CONNECTIONS_A_WORKER),
            signatures_a_worker: 1_024,
            idle_ms: 180_000,
            stall_ms: 60_000,
            body_stall_ms: 60_000,
            drain_ms: 10_000,
        }
    }
}

impl Site {
    /// These hosts, with the usual limits and no key log.
    pub fn new(hosts: Hosts, session: Arc<Swap<ServerConfig>>, log: AccessLog) -> Self {
        let (limits, http1) = (Limits::default(), http1::Limits::default());
        let alternative = Some(Alternative::default());
        let metrics = Arc::default();
        Self { hosts, session, limits, http1, log, signer: None, key_log: None, alternative, metrics }
    }

    /// A key log that cannot be written must not end what it logs: it says so, and the connection goes on.
    fn log_key(&self, line: &KeyLogLine) {
        if let Some(Err(error)) = self.key_log.as_ref().map(|file| file.write(line)) {
            eprintln!("warning: the key log cannot be written: {error}");
        }
    }
}

/// Tells a running server to stop: it finishes what it serves, for at most [`Limits::drain_ms`].
#[derive(Clone)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// Nobody has told yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Tells it.
    pub fn tell(&self) {
        self.0.send_replace(true);
    }

    /// Whether somebody has told.
    pub(crate) fn is_told(&self) -> bool {
        *self.0.borrow()
    }

    /// Completes when told.
    pub fn told(&self) -> impl Future<Output = ()> + 'static {
        let mut receiver = self.0.subscribe();
        async move {
            // An error means that nobody is left who could tell: then it never comes.
            if receiver.wait_for(|told| *told).await.is_err() {
                core::future::pending::<()>().await;
            }
        }
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}
