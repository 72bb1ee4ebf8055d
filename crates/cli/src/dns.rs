//! `sakigake dns`: the HTTPS records (RFC 9460) by which clients know of HTTP/3 before they have connected.

#[cfg(test)]
mod tests;

use crate::{Failure, arguments::DnsArguments, check};
use core::fmt;
use sakigake::config::{Config, Ready};
use std::{
    net::{IpAddr, SocketAddr},
    process::ExitCode,
    time::SystemTime,
};

/// How long resolvers keep a record.
const TTL_SECS: u32 = 3_600;
const HTTPS_PORT: u16 = 443;

pub(crate) fn run(arguments: &DnsArguments) -> Result<ExitCode, Failure> {
    let (names, port, http3, listen) = match (&arguments.host, &arguments.config) {
        (Some(host), _) => {
            let (host, port) = crate::place(host)?;
            (vec![named(host)?], port, !arguments.no_http3, Vec::new())
        }
        (None, Some(file)) => match Ready::load(file, SystemTime::now()) {
            Ok(ready) => of_config(&ready.config),
            Err(report) => {
                check::show(&report);
                return Ok(ExitCode::FAILURE);
            }
        },
        (None, None) => return Err(Failure::new("name a host, or a configuration file by --config")),
    };
    let addresses = if arguments.ip.is_empty() { hints(&listen) } else { arguments.ip.clone() };
    let names: Vec<_> = names.iter().filter(|name| name.parse::<IpAddr>().is_err()).collect();
    if names.is_empty() {
        return Err(Failure::new("there is no name to publish a record for: addresses have none"));
    }
    let (names, unsayable): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| is_sayable(name, port));
    for name in &unsayable {
        let why = "no record says this of every name at another port than 443; ask for each host by itself";
        crate::print(format_args!("; {name}: {why}\n"))?;
    }
    if names.is_empty() {
        return Err(Failure::new("there is no name left to publish a record for"));
    }
    for name in names {
        let record = Record { name, port, http3, addresses: &addresses };
        crate::print(format_args!("{record}\n"))?;
        crate::print(format_args!("; to look whether it is there: dig +short HTTPS {}\n", record.owner()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a record can be of that name: a wildcard is the leftmost label (RFC 4592 section 2.1.1), where a port would stand.
fn is_sayable(name: &str, port: u16) -> bool {
    port == HTTPS_PORT || !name.starts_with("*.")
}

/// A name as a zone has it.
fn named(host: &str) -> Result<String, Failure> {
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        let is_sayable = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        (1..64).contains(&label.len()) && label.bytes().all(is_sayable)
    };
    let labels = name.strip_prefix("*.").unwrap_or(name);
    if name.parse::<IpAddr>().is_err() && (name.len() > 253 || !labels.split('.').all(is_label)) {
        let why = "is no host's name in DNS; letters beyond ASCII go by the form that begins with xn--";
        return Err(Failure::new(format_args!("{host:?} {why}")));
    }
    Ok(name.to_ascii_lowercase())
}

fn of_config(config: &Config) -> (Vec<String>, u16, bool, Vec<SocketAddr>) {
    let names = config.hosts.iter().flat_map(|host| host.names.clone());
    (names.collect(), config.visible_port(), config.http3, config.listen.clone())
}

/// Addresses at which others may find this machine.
fn hints(listen: &[SocketAddr]) -> Vec<IpAddr> {
    let ips = listen.iter().map(SocketAddr::ip);
    ips.filter(|ip| !ip.is_unspecified() && !ip.is_loopback()).collect()
}

/// One record.
struct Record<'a> {
    name: &'a str,
    port: u16,
    http3: bool,
    addresses: &'a [IpAddr],
}

impl Record<'_> {
    /// What resolvers are asked for: another port than HTTPS' own is part of it (RFC 9460 section 9.1).
    fn owner(&self) -> String {
        match self.port {
            HTTPS_PORT => format!("{}.", self.name),
            port => format!("_{port}._https.{}.", self.name),
        }
    }
}

impl fmt::Display for Record<'_> {
    /// A line of a zone file (RFC 9460 section 2.1). That HTTP/1.1 is spoken need not be said (section 7.1.2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `.` is the owner itself, which has no addresses where the port is part of it (section 2.5.2).
        let target = if self.port == HTTPS_PORT { ".".to_owned() } else { format!("{}.", self.name) };
        let alpn = if self.http3 { "h3,h2" } else { "h2" };
        write!(f, "{} {TTL_SECS} IN HTTPS 1 {target} alpn=\"{alpn}\"", self.owner())?;
        for (key, is_v4) in [("ipv4hint", true), ("ipv6hint", false)] {
            let own = self.addresses.iter().filter(|ip| ip.is_ipv4() == is_v4);
            let own: Vec<String> = own.map(ToString::to_string).collect();
            if !own.is_empty() {
                write!(f, " {key}={}", own.join(","))?;
            }
        }
        Ok(())
    }
}
