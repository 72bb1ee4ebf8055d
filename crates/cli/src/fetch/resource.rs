//! One resource, written out as it comes.

use super::{
    Screen,
    failure::{Ended, HTTP_ERROR, explain},
};
use crate::arguments::FetchArguments;
use sakigake::client::{Ask, Cause, Client, Error, Protocol, Receiver};
use sakigake_page::Url;
use sakigake_semantics::Response;
use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

pub(super) async fn fetch(client: &Client, ask: &Ask, arguments: &FetchArguments) -> Result<ExitCode, Ended> {
    let path = &place(arguments, &ask.url)?;
    let mut screen = Screen::new(arguments);
    let mut output = Output {
        path,
        file: None,
        got_bytes: 0,
        shows_heads: arguments.head || arguments.include,
        drops_errors: arguments.fail,
        is_dropped: false,
        location: None,
    };
    let got = client.resource(ask, &mut screen, &mut output).await;
    screen.clear();
    if let Err(Error::Output(error)) = &got
        && error.kind() == io::ErrorKind::BrokenPipe
    {
        return Ok(ExitCode::SUCCESS); // Whoever reads has seen enough.
    }
    let status = got.map_err(|error| match (&error, output.got_bytes) {
        (Error::Output(error), _) => Ended::unwritten(path, error),
        (_, 0) => explain(&ask.url, &error, ""),
        (_, len) => {
            explain(&ask.url, &error, &format!("{} holds only the first {len} bytes", path.display()))
        }
    })?;
    output.finish().map_err(|error| Ended::unwritten(path, &error))?;
    match output.location {
        _ if status >= 400 && arguments.fail => {
            return Err(Ended { code: HTTP_ERROR, why: format!("{}: status {status}", ask.url) });
        }
        _ if arguments.silent || output.shows_heads => {}
        _ if status >= 400 => eprintln!("{}: status {status} (-f makes it an error)", ask.url),
        Some(location) => eprintln!("{}: status {status}, to {location} (-L follows)", ask.url),
        None => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Where it is to be written; `-` is standard output.
fn place(arguments: &FetchArguments, url: &Url) -> Result<PathBuf, Ended> {
    if !arguments.remote_name {
        return Ok(arguments.output.clone().unwrap_or_else(|| "-".into()));
    }
    match name(url.target()) {
        Some("-") => Ok("./-".into()),
        Some(name) => Ok(name.into()),
        None => Err(Ended::new(
            Cause::WriteError,
            format_args!("{url} has no name that a file here could have: write -o FILE instead of -O"),
        )),
    }
}

/// The last segment of a path, where a file of that name would lie in this folder, and be seen.
fn name(target: &str) -> Option<&str> {
    let path = target.split('?').next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    (!name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])).then_some(name)
}

/// Where the resource goes. A file is made when something is there to write.
struct Output<'a> {
    path: &'a Path,
    file: Option<Box<dyn Write>>,
    got_bytes: u64,
    shows_heads: bool,
    drops_errors: bool,
    is_dropped: bool,
    /// Where a redirect leads that nobody follows or sees.
    location: Option<String>,
}

impl Output<'_> {
    fn file(&mut self) -> io::Result<&mut dyn Write> {
        if self.file.is_none() {
            self.file = Some(match self.path.to_str() {
                Some("-") => Box::new(io::stdout().lock()),
                _ => Box::new(File::create(self.path)?),
            });
        }
        Ok(self.file.as_deref_mut().expect("it was just opened"))
    }

    fn finish(&mut self) -> io::Result<()> {
        match self.is_dropped {
            true => Ok(()),
            false => self.file()?.flush(),
        }
    }
}

impl Receiver for Output<'_> {
    fn head(&mut self, protocol: Protocol, response: &Response, is_final: bool) -> io::Result<()> {
        let Response { status, fields } = response;
        self.is_dropped = is_final && self.drops_errors && *status >= 400;
        if self.shows_heads {
            let mut head = format!("{} {status}\r\n", protocol.name()).into_bytes();
            for line in fields.iter() {
                head.extend([line.name, b": ", line.value, b"\r\n"].concat());
            }
            head.extend(b"\r\n");
            return self.file()?.write_all(&head);
        }
        let is_redirect = is_final && matches!(status, 301 | 302 | 303 | 307 | 308);
        let location = fields.find(b"location").filter(|_| is_redirect);
        self.location = location.map(|location| location.escape_ascii().to_string());
        Ok(())
    }

    fn body(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_dropped {
            return Ok(());
        }
        self.got_bytes += bytes.len() as u64;
        self.file()?.write_all(bytes)
    }
}

#[cfg(test)]
mod tests;
