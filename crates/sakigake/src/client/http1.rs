//! The loader's commands over HTTP/1.1, by hyper: one request after the other.

use super::connection::{Command, Ear, News};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use sakigake_net::PlainStream;
use sakigake_page::load::Id;
use sakigake_semantics::{Fields, Request, Response};
use std::{collections::VecDeque, error::Error as _};
use tokio::sync::mpsc;

/// Serves commands until the loader has no more, or the server ends the connection.
pub(super) async fn serve(
    stream: PlainStream,
    ear: &Ear,
    (waiting, mut commands): (Vec<Command>, mpsc::UnboundedReceiver<Command>),
) -> Result<(), String> {
    let opened = hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await;
    let (mut sender, connection) = opened.map_err(|error| error.to_string())?;
    let connection = tokio::task::spawn_local(connection);
    let mut queue: VecDeque<Command> = waiting.into();
    let mut answers = 0;
    loop {
        while let Ok(command) = commands.try_recv() {
            queue.push_back(command);
        }
        let command = match queue.pop_front() {
            Some(command) => command,
            None => match commands.recv().await {
                Some(command) => command,
                None => break,
            },
        };
        match command {
            Command::Request(id, request) => {
                match try_exchange(&mut sender, ear, id, &request).await {
                    Ok(()) => answers += 1,
                    // The server ends a connection when it likes: what it has not answered another one may carry.
                    Err(Trouble::Unanswered(_)) if answers > 0 => ear.tell(News::Refused(id, request)),
                    Err(Trouble::Unanswered(why) | Trouble::Broken(why)) => ear.tell(News::Failed(id, why)),
                }
            }
            Command::Cancel(id) => {
                queue.retain(|queued| !matches!(queued, Command::Request(other, _) if *other == id));
            }
            Command::Used(..) => {} // Bodies are read as they are used.
        }
    }
    drop(sender);
    match connection.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(words(&error)),
        Err(error) => Err(error.to_string()),
    }
}

/// Why there is no response.
enum Trouble {
    /// Not a byte of it came.
    Unanswered(String),
    /// It broke off, or could not be asked for.
    Broken(String),
}

/// One request and its response.
async fn try_exchange(
    sender: &mut SendRequest<Empty<Bytes>>,
    ear: &Ear,
    id: Id,
    request: &Request,
) -> Result<(), Trouble> {
    let unanswered = |error: hyper::Error| Trouble::Unanswered(words(&error));
    sender.ready().await.map_err(unanswered)?;
    let request = convert(request).map_err(|error| Trouble::Broken(error.to_string()))?;
    ear.frame(|| format!("> {} {} HTTP/1.1", request.method(), request.uri()));
    let response = sender.send_request(request).await.map_err(unanswered)?;
    ear.frame(|| format!("< HTTP/1.1 {}", response.status()));
    let (parts, mut body) = response.into_parts();
    let fields: Fields =
        parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    ear.tell(News::Head(id, Box::new(Response { status: parts.status.as_u16(), fields })));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Trouble::Broken(words(&error)))?;
        if let Ok(bytes) = frame.into_data() {
            ear.tell(News::Data(id, bytes.to_vec()));
            tokio::task::yield_now().await;
        }
    }
    ear.tell(News::End(id));
    Ok(())
}

/// What went wrong, and what that came of.
fn words(error: &hyper::Error) -> String {
    match error.source() {
        Some(source) => format!("HTTP/1.1: {error}: {source}"),
        None => format!("HTTP/1.1: {error}"),
    }
}

fn convert(request: &Request) -> Result<http::Request<Empty<Bytes>>, http::Error> {
    let mut builder = http::Request::builder()
        .method(&*request.method)
        .uri(&*request.path)
        .header("host", &*request.authority);
    for line in request.fields.iter() {
        builder = builder.header(line.name, line.value);
    }
    builder.body(Empty::new())
}
