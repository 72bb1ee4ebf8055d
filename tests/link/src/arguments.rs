//! The command line, read by hand: a dozen words do not need a parser.

use crate::{
    faults::{Outages, Plan, Rebind, Rebound},
    queue::Shape,
};
use std::{path::PathBuf, time::Duration};

pub(crate) const USAGE: &str = "\
usage: sakigake-link [--delay TIME] [--jitter TIME] [--rate RATE] [--queue PACKETS] [--loss PERCENT] [--burst N]
                     [--seed N] [--drop-to-server N,N...] [--outages TIME,TIME] [--rebind-port TIME,TIME]
                     [--rebind-address TIME,TIME] [--capture FILE] [--ready PORT] [--ready-udp PORT]
                     -- SERVER... :: CLIENT...

  --delay TIME     one way, such as 25ms or 500us [default: 0ms]
  --jitter TIME    up to this much more, at random; the order is kept
  --rate RATE      each way, such as 20mbit or 500kbit [default: unlimited]
  --queue PACKETS  how many wait for the rate before the last is dropped [default: 100]
  --loss PERCENT   dropped at random, such as 1% or 0.5%
  --burst N        of those dropped at random, at most as many in a row [default: unlimited]
  --seed N         of the randomness [default: 1]
  --ready PORT     start the client when the server listens on this TCP port
  --ready-udp PORT the same for UDP

  --drop-to-server N,N...        of the client's UDP packets these, the first being 1
  --outages ON,OFF               UDP passes for a time, then none does for a time, and so on
  --rebind-port FIRST,EVERY      the server sees the client's UDP packets come from another port, after a time, then every so often
  --rebind-address FIRST,EVERY   the same, from another address too
  --capture FILE                 what passes at the server's end (pcap); standard error then tells how many packets were lost
  These times count from the client's first UDP packet.

The server runs at 10.77.0.1 and the client at 10.77.0.2, each in a network namespace without other links. The client's
exit status is this program's; the server's output goes to standard error, and it is ended after the client.";

#[derive(Debug, PartialEq)]
pub(crate) struct Arguments {
    pub(crate) shape: Shape,
    pub(crate) plan: Plan,
    pub(crate) capture: Option<PathBuf>,
    pub(crate) ready: Option<Port>,
    pub(crate) server: Vec<String>,
    pub(crate) client: Vec<String>,
}

/// Where the server will listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    Tcp(u16),
    Udp(u16),
}

impl Arguments {
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut shape, mut plan, mut capture, mut ready) = (Shape::default(), Plan::default(), None, None);
        loop {
            let option = words.next().ok_or("there is no -- with commands behind it")?;
            if option == "--" {
                break;
            }
            let value = words.next().ok_or_else(|| format!("{option} needs a value"))?;
            let wrong = || format!("{option} cannot be {value}");
            match option.as_str() {
                "--delay" => shape.delay = time(&value).ok_or_else(wrong)?,
                "--jitter" => shape.jitter = time(&value).ok_or_else(wrong)?,
                "--rate" => shape.bits_per_s = Some(rate(&value).ok_or_else(wrong)?),
                "--queue" => shape.queue_packets = value.parse().map_err(|_| wrong())?,
                "--loss" => shape.loss = share(&value).ok_or_else(wrong)?,
                "--burst" => shape.burst_packets = value.parse().map_err(|_| wrong())?,
                "--seed" => shape.seed = value.parse().map_err(|_| wrong())?,
                "--ready" => ready = Some(Port::Tcp(value.parse().map_err(|_| wrong())?)),
                "--ready-udp" => ready = Some(Port::Udp(value.parse().map_err(|_| wrong())?)),
                "--drop-to-server" => plan.drops_to_server = numbers(&value).ok_or_else(wrong)?,
                "--outages" => {
                    let (on, off) = times(&value).ok_or_else(wrong)?;
                    plan.outages = Some(Outages { on, off });
                }
                "--rebind-port" => plan.rebind = Some(rebind(&value, Rebound::Port).ok_or_else(wrong)?),
                "--rebind-address" => plan.rebind = Some(rebind(&value, Rebound::Address).ok_or_else(wrong)?),
                "--capture" => capture = Some(value.into()),
                _ => return Err(format!("there is no option {option}")),
            }
        }
        let commands: Vec<String> = words.collect();
        let cut =
            commands.iter().position(|word| word == "::").ok_or(":: between the two commands is missing")?;
        let (server, client) = (commands[..cut].to_vec(), commands[cut + 1..].to_vec());
        if server.is_empty() || client.is_empty() {
            return Err("there must be a command before and after ::".into());
        }
        Ok(Self { shape, plan, capture, ready, server, client })
    }
}

fn time(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let factor = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return None,
    };
    Some(Duration::from_secs_f64(number * factor))
}

fn times(text: &str) -> Option<(Duration, Duration)> {
    let (one, other) = text.split_once(',')?;
    Some((time(one)?, time(other)?))
}

fn rebind(text: &str, what: Rebound) -> Option<Rebind> {
    let (first, every) = times(text)?;
    Some(Rebind { first, every, what })
}

fn numbers(text: &str) -> Option<Vec<u64>> {
    text.split(',').map(|number| number.parse().ok()).collect()
}

fn rate(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let factor = match unit {
        "kbit" => 1e3,
        "mbit" => 1e6,
        "gbit" => 1e9,
        _ => return None,
    };
    let bits_per_s = (number * factor) as u64;
    (bits_per_s > 0).then_some(bits_per_s)
}

fn share(text: &str) -> Option<f64> {
    let (number, unit) = split(text)?;
    (unit == "%" && number <= 100.0).then_some(number / 100.0)
}

/// A number that is not negative, and its unit.
fn split(text: &str) -> Option<(f64, &str)> {
    let unit = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = text[..unit].parse().ok()?;
    (number < 1e6).then_some((number, &text[unit..]))
}

#[cfg(test)]
mod tests;
