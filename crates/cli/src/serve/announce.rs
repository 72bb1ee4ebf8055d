//! What a person needs to know of a server that begins, on standard output.

use super::{certificates, listening::Listening, live::Live};
use crate::{Failure, check};
use sakigake::config::{Ready, Shown, Target};
use std::net::SocketAddr;

/// One folder.
pub(super) fn folder(ready: &Ready, listening: &Listening, live: &Live) -> Result<(), Failure> {
    let config = &ready.config;
    let https = listening.https();
    let url = config.public.as_ref().map(ToString::to_string).or_else(|| https.first().map(local));
    let folder = config.hosts.first().map(|host| &host.target);
    let folder = match folder {
        Some(Target::Folder(folder)) => folder.root.display().to_string(),
        _ => String::new(),
    };
    let certificate =
        ready.shown.first().map_or_else(String::new, |shown: &Shown| certificates::words(shown));
    let protocols = match config.http3 {
        true => "TLS 1.3 with HTTP/3 (by UDP), HTTP/2 or HTTP/1.1",
        false => "TLS 1.3 with HTTP/2 or HTTP/1.1",
    };
    let mut lines = vec![
        ("listening", check::places(&https)),
        ("protocols", protocols.into()),
        ("certificate", certificate),
        ("hints", live.hints(0)),
    ];
    if !config.redirect_http.is_empty() {
        lines.push(("plain HTTP", format!("{}, sent on to https", check::places(&listening.redirects()))));
    }
    if let Some(address) = config.metrics {
        lines.push(("metrics", format!("http://{address}/metrics")));
    }
    crate::print(format_args!("Serving {folder} at {}\n", url.unwrap_or_default()))?;
    lines.into_iter().try_for_each(|(what, value)| crate::print(format_args!("  {what:<13}{value}\n")))
}

fn local(address: &SocketAddr) -> String {
    match address.ip().is_loopback() || address.ip().is_unspecified() {
        true => format!("https://localhost:{}/", address.port()),
        false => format!("https://{address}/"),
    }
}
