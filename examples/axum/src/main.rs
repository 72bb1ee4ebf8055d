//! An axum router, unchanged, over HTTP/3, HTTP/2 and HTTP/1.1: JSON, events, uploads, WebSockets.
//!
//! ```text
//! cargo run -p sakigake-example-axum -- 127.0.0.1:8443
//! curl https://localhost:8443/json
//! ```

use axum::{
    Json, Router,
    body::Body,
    extract::{
        WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    response::{
        Response, Sse,
        sse::{Event, KeepAlive},
    },
    routing::{get, post},
};
use futures_util::stream::{Stream, unfold};
use sakigake::{Server, service::Factory};
use std::{
    convert::Infallible,
    io::{Write, stdout},
    net::SocketAddr,
    time::Duration,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8443".into());
    let address: SocketAddr =
        address.parse().map_err(|_| format!("{address} is not an address such as 127.0.0.1:8443"))?;
    writeln!(stdout(), "A router on https://{address}/")?;
    // With axum alone: `axum::serve(TcpListener::bind(address).await?, router()).await?`
    Server::new().service(Factory::of(router())).listen(address).serve()?;
    Ok(())
}

fn router() -> Router {
    Router::new()
        .route(
            "/",
            get(|| async { "JSON at /json, events at /events, an echo at /upload, a WebSocket at /chat\n" }),
        )
        .route("/json", get(json))
        .route("/events", get(events))
        .route("/upload", post(upload))
        .route("/chat", get(chat))
}

async fn json() -> Json<serde_json::Value> {
    Json(serde_json::json!({ "name": "sakigake", "speaks": ["h3", "h2", "http/1.1"] }))
}

/// Three events, one each tenth of a second.
async fn events() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = unfold(1, |number| async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        (number <= 3).then(|| (Ok(Event::default().data(number.to_string())), number + 1))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

/// Says back what comes, while it comes.
async fn upload(body: Body) -> Body {
    body
}

async fn chat(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(echo)
}

async fn echo(mut socket: WebSocket) {
    // Pings and closes are answered below: who echoes a close says nothing after it.
    while let Some(Ok(message)) = socket.recv().await {
        let is_data = matches!(message, Message::Text(_) | Message::Binary(_));
        if is_data && socket.send(message).await.is_err() {
            return;
        }
    }
}
