//! The server: a worker, and the folder that it serves.

use super::{ALPN, Contract, files::Files, folder, said};
use crate::{Failure, arguments::InteropServerArguments, serve};
use sakigake::tickets::Keys;
use sakigake_net::{
    Clock, UdpOptions, UdpPort,
    quic::{Secrets, Service, Terms, Worker},
    unix_secs,
};
use sakigake_quic::{endpoint::Retry, paths::Addresses};
use sakigake_tls::{
    self as tls,
    server::{AntiReplay, EarlyDataPolicy, Seen},
};
use sakigake_wire::Instant;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    process::ExitCode,
    rc::Rc,
    sync::{Arc, Mutex},
};

/// The port of HTTPS.
const PORT: u16 = 443;
/// Clients that are served at a time.
const CLIENTS: usize = 1_000;
/// Clients in the middle of their handshakes; while there are more, each has to come again with a token.
const HALF_OPEN: usize = 100;

pub(super) fn run(contract: &Contract, arguments: &InteropServerArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    let www = folder(arguments.www.as_ref(), &["WWW", "ROOT"], "/www");
    let port = match (arguments.port, said("PORT")) {
        (Some(port), _) => port,
        (None, Some(told)) => told.parse().map_err(|_| Failure::new("PORT is no port"))?,
        (None, None) => PORT,
    };
    let secrets = Secrets::draw();
    let terms = terms(contract, clock, &secrets)?;
    let service = Www { contract, folder: www.into(), clients: 0 };
    crate::on_this_thread(async {
        let mut worker = Worker::server(clock, &secrets, terms, service);
        for port in open(&arguments.address, port)? {
            crate::print(format_args!("listening on {}\n", port.local()))?;
            worker.add(port);
        }
        loop {
            worker.turn().await.map_err(Failure::new)?;
        }
    })
}

/// A port at each address, or at all of this machine's: then a family that it lacks is no failure.
fn open(addresses: &[IpAddr], port: u16) -> Result<Vec<UdpPort>, Failure> {
    let bind = |ip: &IpAddr, port| UdpPort::bind(SocketAddr::new(*ip, port), &UdpOptions::default());
    let failed = |error| Failure::because(format_args!("cannot listen on port {port}"), error);
    if !addresses.is_empty() {
        return addresses.iter().map(|ip| bind(ip, port)).collect::<Result<_, _>>().map_err(failed);
    }
    let first = bind(&Ipv4Addr::UNSPECIFIED.into(), port).map_err(failed)?;
    let second = bind(&Ipv6Addr::UNSPECIFIED.into(), first.local().port());
    Ok([Some(first), second.ok()].into_iter().flatten().collect())
}

fn terms(contract: &Contract, clock: Clock, secrets: &Secrets) -> Result<Terms, Failure> {
    let mut options = tls::server::Options::new(contract.provider());
    options.limits = Contract::limits();
    options.credentials =
        vec![serve::load(&contract.certs.join("cert.pem"), &contract.certs.join("priv.key"))?];
    options.alpn = vec![ALPN.to_vec()];
    options.key_log = contract.key_log.is_some();
    options.unix_secs_at_start = clock.unix_secs_at_start();
    let keys = Keys::in_memory().map_err(|error| Failure::because("no keys for tickets", error))?;
    options.tickets = Some(tls::Tickets::new(keys));
    options.early_data = Some(EarlyDataPolicy::new(Arc::new(Register::new())));
    let retry = if contract.case.is_retry { Retry::Always } else { Retry::From(HALF_OPEN) };
    let (quic, validation) = crate::quic::serving(clock, secrets, retry)?;
    let (quic, validation) = (contract.quic(quic)?, Some(validation));
    Ok(Terms { tls: options.build().map_err(Failure::new)?, quic, validation })
}

/// Which first flights were there before. Nothing that was sent to an earlier process can be taken by this one, whose keys it does
/// not know: so it is as if it had looked on for a while.
struct Register(Mutex<Seen>);

impl Register {
    const WINDOW_MS: u64 = 30_000;
    const ENTRIES: usize = 4_096;

    fn new() -> Self {
        let before = (unix_secs() * 1_000).saturating_sub(2 * Self::WINDOW_MS);
        Self(Mutex::new(Seen::new(before, Self::WINDOW_MS, Self::ENTRIES)))
    }
}

impl AntiReplay for Register {
    fn is_first(&self, unix_ms: u64, until_unix_ms: u64, binder: &[u8]) -> bool {
        self.0.lock().is_ok_and(|mut seen| seen.is_first(unix_ms, until_unix_ms, binder))
    }
}

/// Serves the files of a folder.
struct Www<'a> {
    contract: &'a Contract,
    folder: Rc<Path>,
    clients: usize,
}

impl Service for Www<'_> {
    type Application = Files;

    fn accept(&mut self, _: Instant, _: &Addresses) -> Option<Files> {
        if self.clients == CLIENTS {
            return None;
        }
        self.clients += 1;
        Some(Files::new(self.folder.clone(), self.contract.watch()))
    }

    fn ended(&mut self, _: Files) {
        self.clients -= 1;
    }
}
