//! One of the load's connections, opened again where it ends before its time.

use super::{Plan, http1, over_quic, report::Report, requests::Requests};
use sakigake_net::{Ended, SystemEntropy, drive};
use sakigake_session::Session;
use std::{io, rc::Rc, time::Instant};
use tokio::{net::TcpStream, time};

/// How often in a row a connection may come to nothing before its place is given up.
const FAILURES_IN_A_ROW: u32 = 3;

/// Asks until there is nothing more to ask.
pub(super) async fn run(plan: Rc<Plan>, number: usize) -> Report {
    let mut report = Report::default();
    let mut failures = 0;
    while !plan.quota.is_over(Instant::now()) && failures < FAILURES_IN_A_ROW {
        let before = report.done();
        report.connections += 1;
        let ended = match plan.options.http3 {
            true => over_quic::run(&plan, number, &mut report).await,
            false => within(&plan, number, &mut report).await,
        };
        match ended {
            Ok(()) => {}
            Err(why) => report.note(&why, 1),
        }
        failures = if report.done() > before { 0 } else { failures + 1 };
    }
    report
}

/// One connection, for as long as the load lasts.
async fn within(plan: &Rc<Plan>, number: usize, report: &mut Report) -> Result<(), String> {
    let since = Instant::now();
    let address = plan.addresses[number % plan.addresses.len()];
    let dialled = match plan.quota.end() {
        Some(end) => time::timeout_at(end.into(), TcpStream::connect(address)).await,
        None => time::timeout(plan.options.patience, TcpStream::connect(address)).await,
    };
    let timed_out = || io::Error::new(io::ErrorKind::TimedOut, "no answer");
    let stream = dialled.map_err(|_| timed_out()).and_then(|stream| stream);
    let stream = stream.map_err(|error| format!("{address}: {error}"))?;
    let host = plan.options.url.origin().host.trim_start_matches('[').trim_end_matches(']');
    let session = Session::client(plan.config.clone(), host, plan.clock.now(), Box::new(SystemEntropy));
    let session = session.map_err(|misuse| misuse.to_string())?;
    let mut application = Requests::new(plan.clone(), report, since);
    match drive(stream, session, &mut application, plan.clock).await {
        Ok(Ended::Closed) => {
            application.lost("the server ended the connection");
            Ok(())
        }
        Ok(Ended::Plain(stream)) => http1::run(plan, *stream, report, since).await,
        Err(failure) => {
            application.lost(&failure.to_string());
            match application.is_over() {
                true => Ok(()),
                false => Err(failure.to_string()),
            }
        }
    }
}
