//! The loader's commands over HTTP/1.1, by hyper: one request after the other.

use super::connection::{Command, Ear, News};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use sakigake_net::PlainStream;
use sakigake_page::load::Id;
use sakigake_semantics::{Fields, Request, Response};
use std::collections::VecDeque;
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
            Command::Request(id, request) => exchange(&mut sender, ear, id, &request).await,
            Command::Cancel(id) => {
                queue.retain(|queued| !matches!(queued, Command::Request(other, _) if *other == id));
            }
            Command::Used(..) => {} // Bodies are read as they are used.
        }
    }
    drop(sender);
    match connection.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("HTTP/1.1: {error}")),
        Err(error) => Err(error.to_string()),
    }
}

/// One request and its response; what goes wrong is told to the loader.
async fn exchange(sender: &mut SendRequest<Empty<Bytes>>, ear: &Ear, id: Id, request: &Request) {
    if let Err(why) = try_exchange(sender, ear, id, request).await {
        ear.tell(News::Failed(id, why));
    }
}

async fn try_exchange(
    sender: &mut SendRequest<Empty<Bytes>>,
    ear: &Ear,
    id: Id,
    request: &Request,
) -> Result<(), String> {
    sender.ready().await.map_err(|error| format!("HTTP/1.1: {error}"))?;
    let request = convert(request).map_err(|error| error.to_string())?;
    ear.frame(|| format!("> {} {} HTTP/1.1", request.method(), request.uri()));
    let response = sender.send_request(request).await.map_err(|error| format!("HTTP/1.1: {error}"))?;
    ear.frame(|| format!("< HTTP/1.1 {}", response.status()));
    let (parts, mut body) = response.into_parts();
    let fields: Fields =
        parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    ear.tell(News::Head(id, Box::new(Response { status: parts.status.as_u16(), fields })));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("HTTP/1.1: {error}"))?;
        if let Ok(bytes) = frame.into_data() {
            ear.tell(News::Data(id, bytes.to_vec()));
            tokio::task::yield_now().await;
        }
    }
    ear.tell(News::End(id));
    Ok(())
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
