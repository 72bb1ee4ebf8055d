//! Where a server listens, and what a reload changes of it.

use crate::Failure;
use sakigake::{
    config::Config,
    server::{Kind, Listeners, Running},
};
use std::{io, net::SocketAddr, thread};

/// Where it listens, as configured and as the system has it: they differ where the port is 0.
#[derive(Clone)]
pub(crate) struct Listening {
    workers: usize,
    open: Vec<Open>,
}

/// One address.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Open {
    configured: SocketAddr,
    kind: Kind,
    address: SocketAddr,
}

impl Listening {
    /// Opens what is configured, or takes over what a predecessor passed. `config` then knows the port that visitors see.
    pub(super) fn start(config: &mut Config) -> Result<(Self, Listeners), Failure> {
        let workers = workers(config);
        let mut listeners = Listeners::take_over(workers)
            .map_err(|error| Failure::because("what this process inherited", error))?;
        let mut open = Vec::new();
        each(config, |config, configured, kind| {
            let place = place(&open, configured, kind);
            listeners.open_as(place, kind)?;
            let address = match kind {
                Kind::Http3 => place,
                _ => *listeners.addresses().last().unwrap_or(&place),
            };
            learn(config, kind, address);
            open.push(Open { configured, kind, address });
            Ok(())
        })?;
        for address in listeners.unclaimed() {
            eprintln!(
                "warning: a socket for {address} was passed to this process, which does not listen there"
            );
        }
        Ok((Self { workers, open }, listeners))
    }

    /// Opens what is new; what is not wanted any more stays open until the change is kept.
    pub(super) fn change(&self, config: &mut Config, running: &mut Running) -> Result<Change, Failure> {
        if workers(config) != self.workers {
            eprintln!("warning: there are {} workers until the server is started anew", self.workers);
        }
        let (mut open, mut added): (Vec<Open>, Vec<Open>) = (Vec::new(), Vec::new());
        let opened = each(config, |config, configured, kind| {
            let same = |known: &&Open| known.configured == configured && known.kind == kind;
            let here = match self.open.iter().find(same) {
                Some(known) => *known,
                None => {
                    let address = running.open(place(&open, configured, kind), kind)?;
                    let here = Open { configured, kind, address };
                    added.push(here);
                    here
                }
            };
            learn(config, kind, here.address);
            open.push(here);
            Ok(())
        });
        let removed = self.open.iter().filter(|known| !open.contains(known)).copied().collect();
        let change = Change { listening: Self { workers: self.workers, open }, added, removed };
        match opened {
            Ok(()) => Ok(change),
            Err(why) => {
                change.undo(running);
                Err(why)
            }
        }
    }

    /// Where clients find HTTPS.
    pub(crate) fn https(&self) -> Vec<SocketAddr> {
        self.of(|kind| kind == Kind::Https)
    }

    /// Where plain HTTP is sent on to HTTPS.
    pub(crate) fn redirects(&self) -> Vec<SocketAddr> {
        self.of(|kind| matches!(kind, Kind::Redirect(_)))
    }

    fn of(&self, is_wanted: impl Fn(Kind) -> bool) -> Vec<SocketAddr> {
        self.open.iter().filter(|open| is_wanted(open.kind)).map(|open| open.address).collect()
    }
}

/// What a reload has opened, and what it is to close.
pub(super) struct Change {
    listening: Listening,
    added: Vec<Open>,
    removed: Vec<Open>,
}

impl Change {
    pub(super) fn keep(self, running: &mut Running) -> Listening {
        self.removed.iter().for_each(|open| running.close_as(open.address, open.kind));
        self.listening
    }

    pub(super) fn undo(self, running: &mut Running) {
        self.added.iter().for_each(|open| running.close_as(open.address, open.kind));
    }
}

fn workers(config: &Config) -> usize {
    config.workers.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
}

/// The first address of all is the one that visitors are told of, unless the configuration names another port. Where the
/// metrics are is told as the system has it.
fn learn(config: &mut Config, kind: Kind, address: SocketAddr) {
    match kind {
        Kind::Https => drop(config.public_port.get_or_insert(address.port())),
        Kind::Metrics => config.metrics = Some(address),
        _ => {}
    }
}

/// Where to open it: HTTP/3 has the port that the system chose for TCP.
fn place(open: &[Open], configured: SocketAddr, kind: Kind) -> SocketAddr {
    let beside = |other: &&Open| other.kind == Kind::Https && other.configured == configured;
    let chosen = open.iter().find(beside).filter(|_| kind == Kind::Http3);
    chosen.map_or(configured, |other| other.address)
}

/// Does something with each address that is to be opened. A machine without IPv6 has no IPv6 half of `localhost` and `*`.
fn each(
    config: &mut Config,
    mut open: impl FnMut(&mut Config, SocketAddr, Kind) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut all = |config: &mut Config, addresses: &[SocketAddr], kind: fn(&Config) -> Kind| {
        for address in addresses {
            let kind = kind(config);
            let has_twin = addresses.iter().any(|other| is_twin(*other, *address));
            match open(config, *address, kind) {
                Err(error) if has_twin && lacks_family(&error) => {}
                outcome => outcome.map_err(|error| cannot_listen(*address, kind, &error))?,
            }
        }
        Ok::<(), Failure>(())
    };
    let (https, redirects) = (config.listen.clone(), config.redirect_http.clone());
    let metrics: Vec<_> = config.metrics.into_iter().collect();
    all(config, &https, |_| Kind::Https)?;
    if config.http3 {
        all(config, &https, |_| Kind::Http3)?;
    }
    all(config, &redirects, |config| Kind::Redirect(config.visible_port()))?;
    all(config, &metrics, |_| Kind::Metrics)
}

/// Whether `four` is the IPv4 half of what `six` is the IPv6 half of.
fn is_twin(four: SocketAddr, six: SocketAddr) -> bool {
    let both = |is: fn(&std::net::IpAddr) -> bool| is(&four.ip()) && is(&six.ip());
    let is_same = both(std::net::IpAddr::is_loopback) || both(std::net::IpAddr::is_unspecified);
    four.is_ipv4() && six.is_ipv6() && four.port() == six.port() && is_same
}

fn lacks_family(error: &io::Error) -> bool {
    const NO_FAMILY: i32 = 97; // EAFNOSUPPORT, for which std has no kind.
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(NO_FAMILY)
}

fn cannot_listen(address: SocketAddr, kind: Kind, error: &io::Error) -> Failure {
    let is_udp = kind == Kind::Http3;
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse if is_udp => {
            "; another program has it: choose another port, or serve without HTTP/3 (`--no-http3`, or `http3 = false` in a file)"
        }
        io::ErrorKind::AddrInUse => "; another program listens there: choose another place",
        io::ErrorKind::PermissionDenied => {
            "; ports below 1024 need privileges: choose one above, or give the program CAP_NET_BIND_SERVICE"
        }
        io::ErrorKind::AddrNotAvailable => {
            "; it is no address of this machine: \"*\" stands for all that are"
        }
        _ => "",
    };
    let by = if is_udp { " by UDP" } else { "" };
    Failure::because(format_args!("cannot listen on {address}{by}"), format_args!("{error}{hint}"))
}
