//! The load over HTTP/1.1, by hyper: one request after the other.

use super::{
    Plan,
    report::{Outcome, Report},
};
use crate::client::to_hyper;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use sakigake_net::PlainStream;
use std::time::Instant;
use tokio::time;

/// Asks until there is nothing more to ask, or the server ends the connection.
pub(super) async fn run(
    plan: &Plan,
    stream: PlainStream,
    report: &mut Report,
    since: Instant,
) -> Result<(), String> {
    let opened = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = opened.map_err(|error| error.to_string())?;
    let connection = tokio::task::spawn_local(connection);
    let mut is_first = true;
    while sender.ready().await.is_ok() && plan.quota.take(Instant::now()) {
        let asked = Instant::now();
        report.started += u64::from(plan.quota.counts(asked));
        let until = plan
            .quota
            .end()
            .map_or(asked + plan.options.patience, |end| end.min(asked + plan.options.patience));
        let outcome = time::timeout_at(until.into(), exchange(plan, &mut sender)).await;
        let now = Instant::now();
        plan.progress.count();
        match outcome {
            Ok(Ok((status, body_bytes))) => {
                if core::mem::replace(&mut is_first, false) {
                    report.first_byte.record(now - since);
                }
                if plan.quota.counts(now) {
                    report.ended(Outcome::Response(status), body_bytes, now - asked);
                }
            }
            Ok(Err(why)) => {
                report.errored(1, &why);
                break;
            }
            // The end of the time is no error.
            Err(_) if plan.quota.end().is_some_and(|end| end <= now) => break,
            Err(_) => {
                report.ended(Outcome::TimedOut, 0, now - asked);
                report.note("no answer in time", 1);
                break;
            }
        }
    }
    drop(sender);
    connection.abort();
    Ok(())
}

/// One request and its whole response: the status, and the bytes of its body.
async fn exchange(plan: &Plan, sender: &mut SendRequest<Full<Bytes>>) -> Result<(u16, u64), String> {
    let words = |error: hyper::Error| format!("HTTP/1.1: {error}");
    let body = plan.options.body.clone().map_or_else(Bytes::new, Bytes::from_owner);
    let request = to_hyper(&plan.request, Full::new(body)).map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(words)?;
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let mut body_bytes = 0;
    while let Some(frame) = body.frame().await {
        body_bytes += frame.map_err(words)?.data_ref().map_or(0, |bytes| bytes.len() as u64);
    }
    Ok((status, body_bytes))
}
