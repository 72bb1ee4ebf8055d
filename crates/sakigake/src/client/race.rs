//! Several addresses, one socket: Happy Eyeballs, version 2 (RFC 8305).
//!
//! The system's resolver gives both families at once, in the order of RFC 6724, so that section 3's resolution delay has no
//! place here; sections 4 and 5 do.

use core::time::Duration;
use std::{collections::VecDeque, io, net::SocketAddr};
use tokio::{task::JoinSet, time};

/// How long an attempt is alone before the next one joins it (RFC 8305 section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// Addresses of one name that are tried at most.
const ADDRESSES: usize = 16;
/// Failures that are told one by one.
const TOLD: usize = 3;

/// Opens a connection to whichever address answers first. Attempts begin in order, with the families taking turns, each a
/// little after the last, or as soon as the last one failed; whoever is late is dropped.
///
/// # Errors
/// All failed; the words tell the addresses.
pub(super) async fn race<T, F>(
    addresses: &[SocketAddr],
    connect: impl Fn(SocketAddr) -> F,
) -> io::Result<(T, SocketAddr)>
where
    T: Send + 'static,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut waiting: VecDeque<SocketAddr> = interleaved(addresses).into();
    let mut attempts = JoinSet::new();
    let mut failures = Vec::new();
    let begin = |waiting: &mut VecDeque<SocketAddr>, attempts: &mut JoinSet<_>| {
        if let Some(address) = waiting.pop_front() {
            let attempt = connect(address);
            attempts.spawn(async move { (address, attempt.await) });
        }
    };
    begin(&mut waiting, &mut attempts);
    loop {
        tokio::select! {
            ended = attempts.join_next() => match ended {
                Some(Ok((address, Ok(stream)))) => return Ok((stream, address)),
                Some(Ok((address, Err(error)))) => {
                    failures.push((address, error));
                    begin(&mut waiting, &mut attempts); // spec: 8305-5-b
                }
                Some(Err(error)) => return Err(error.into()),
                None => return Err(told(failures)),
            },
            () = time::sleep(ATTEMPT_DELAY), if !waiting.is_empty() => {
                begin(&mut waiting, &mut attempts); // spec: 8305-5-a
            }
        }
    }
}

/// The resolver's order, with the families taking turns from the first address's on.
pub(super) fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_ipv6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (VecDeque<_>, VecDeque<_>) =
        addresses.iter().copied().partition(|address| address.is_ipv6() == first_is_ipv6);
    let mut order = Vec::new();
    while order.len() < ADDRESSES && !(first.is_empty() && second.is_empty()) {
        order.extend(first.pop_front().into_iter().chain(second.pop_front())); // spec: 8305-4-a
    }
    order.truncate(ADDRESSES);
    order
}

/// One failure for all, of the kind of the first.
fn told(failures: Vec<(SocketAddr, io::Error)>) -> io::Error {
    let kind = failures.first().map_or(io::ErrorKind::AddrNotAvailable, |(_, error)| error.kind());
    let mut words: Vec<String> =
        failures.iter().take(TOLD).map(|(address, error)| format!("{address}: {error}")).collect();
    if failures.len() > TOLD {
        words.push(format!("and {} addresses more", failures.len() - TOLD));
    }
    match words.is_empty() {
        true => io::Error::new(kind, "the name has no address"),
        false => io::Error::new(kind, words.join("; ")),
    }
}

#[cfg(test)]
mod tests;
