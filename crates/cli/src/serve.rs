//! `sakigake serve`: a folder over HTTPS. What it is asked for becomes the configuration that a file would hold.

mod announce;
mod certificates;
mod hinting;
mod listening;
mod live;

pub(crate) use certificates::{credential, load, soonest};
pub(crate) use hinting::words;
pub(crate) use listening::Listening;
pub(crate) use live::{Live, serve};

use crate::{
    Failure,
    arguments::{LogFormat, Places, ServeArguments},
};
use sakigake::{
    client_certificates::ClientCertificates,
    config::{Access, CertificateFiles, Config, Folder, Hints, Host, Log, Ready, Target},
    dev_ca,
    files::Files,
    key_log::KeyLogFile,
};
use sakigake_page::Url;
use std::{io, path::Path, process::ExitCode, time::SystemTime};

/// The name that the development CA's certificates have beside `localhost`, for trying out what needs a name.
const DEVELOPMENT_NAME: &str = "www.saki.test";

pub(crate) fn run(arguments: ServeArguments) -> Result<ExitCode, Failure> {
    Files::new(&arguments.dir).map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::NotFound => "; there is no such folder",
            io::ErrorKind::NotADirectory => "; name the folder that holds it",
            _ => "",
        };
        Failure::because(
            format_args!("cannot serve {}", arguments.dir.display()),
            format_args!("{error}{advice}"),
        )
    })?;
    let config = config(&arguments)?;
    // Files that somebody else renews are read again at a reload.
    let again = || Ready::check(config.clone(), SystemTime::now()).map_err(Failure::new);
    if config.log.keys.is_some() {
        warn_of_keys(arguments.keylog.as_deref().unwrap_or(Path::new("")));
    }
    serve(again()?, announce::folder, again)?;
    Ok(ExitCode::SUCCESS)
}

/// What a file would say.
fn config(arguments: &ServeArguments) -> Result<Config, Failure> {
    if arguments.cert.len() != arguments.key.len() {
        let (certs, keys) = (arguments.cert.len(), arguments.key.len());
        return Err(Failure::new(format_args!("{certs} --cert and {keys} --key: each needs the other")));
    }
    let public = arguments.public.as_deref().map(parse_public).transpose()?;
    let pairs = arguments.cert.iter().zip(&arguments.key);
    let certificates: Vec<_> = pairs
        .map(|(chain, key)| CertificateFiles { chain: chain.clone(), key: key.clone(), ..Default::default() })
        .collect();
    if let Some(url) = public.as_ref().filter(|url| certificates.is_empty() && !is_local(&url.origin().host))
    {
        let host = &url.origin().host;
        return Err(Failure::new(format_args!(
            "the development CA vouches only for localhost, *.localhost, *.test and loopback addresses, not for {host}: \
             give --cert and --key"
        )));
    }
    let first = public.as_ref().map_or("localhost", |url| &url.origin().host);
    let names = match certificates.is_empty() {
        true => vec![first.trim_matches(['[', ']']).to_owned(), DEVELOPMENT_NAME.into()],
        // It answers for whatever the certificates are for.
        false => Vec::new(),
    };
    let hints = match (&arguments.hints, arguments.no_preload) {
        (_, true) => Hints::None,
        (Some(path), false) => Hints::File(path.clone()),
        (None, false) => Hints::Pages,
    };
    let (listing, compress) = (arguments.listing, arguments.compress);
    let early_hints = !arguments.no_early_hints;
    let folder = Folder { hints, early_hints, listing, compress, ..Folder::new(arguments.dir.clone()) };
    let client_certificates = (!arguments.client_ca.is_empty()).then(|| ClientCertificates {
        authorities: arguments.client_ca.clone(),
        revocations: arguments.client_crl.clone(),
        is_required: !arguments.client_optional,
        tells_authorities: false,
    });
    let target = Target::Folder(folder);
    let host = Host { names, is_default: true, target, certificates, client_certificates };
    // One folder under several names needs no second connection, and nobody is told of the development name.
    let mut config = Config { hosts: vec![host], public, origins: false, ..Config::default() };
    let flat = |places: &[Places]| places.iter().flat_map(|places| places.0.clone()).collect::<Vec<_>>();
    config.redirect_http = flat(&arguments.redirect_http);
    config.metrics = arguments.metrics;
    config.http3 = !arguments.no_http3;
    config.tickets.early_data = arguments.early_data;
    if !arguments.listen.is_empty() {
        config.listen = flat(&arguments.listen);
    }
    let access = match arguments.log {
        LogFormat::Text => Access::Text,
        LogFormat::Json => Access::Json,
        LogFormat::Common => Access::Common,
        LogFormat::Combined => Access::Combined,
        LogFormat::Off => Access::Off,
    };
    config.log = Log { access, file: None, keys: arguments.keylog.clone() };
    Ok(config)
}

fn is_local(host: &str) -> bool {
    dev_ca::is_local(host.trim_matches(['[', ']']))
}

fn parse_public(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).filter(|url| url.origin().secure && url.target() == "/");
    url.ok_or_else(|| {
        Failure::new(format_args!("--public {text:?} is not an address such as https://example.com"))
    })
}

pub(crate) fn open_key_log(path: &Path) -> Result<KeyLogFile, Failure> {
    warn_of_keys(path);
    live::key_log(path)
}

/// Said once: a reload does not say it again.
pub(crate) fn warn_of_keys(path: &Path) {
    eprintln!(
        "warning: whoever reads {} can decrypt these connections; keep no key log but for looking",
        path.display()
    );
}

#[cfg(test)]
mod tests;
