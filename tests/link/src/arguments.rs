//! The command line, read by hand: a dozen words do not need a parser.

use crate::queue::Shape;
use std::time::Duration;

pub(crate) const USAGE: &str = "\
usage: sakigake-link [--delay TIME] [--jitter TIME] [--rate RATE] [--queue PACKETS] [--loss PERCENT] [--seed N]
                     [--ready PORT] -- SERVER... :: CLIENT...

  --delay TIME     one way, such as 25ms or 500us [default: 0ms]
  --jitter TIME    up to this much more, at random; the order is kept
  --rate RATE      each way, such as 20mbit or 500kbit [default: unlimited]
  --queue PACKETS  how many wait for the rate before the last is dropped [default: 100]
  --loss PERCENT   dropped at random, such as 1% or 0.5%
  --seed N         of the randomness [default: 1]
  --ready PORT     start the client when the server listens on this TCP port

The server runs at 10.77.0.1 and the client at 10.77.0.2, each in a network namespace without other links. The client's
exit status is this program's; the server's output goes to standard error, and it is ended after the client.";

#[derive(Debug, PartialEq)]
pub(crate) struct Arguments {
    pub(crate) shape: Shape,
    pub(crate) ready: Option<u16>,
    pub(crate) server: Vec<String>,
    pub(crate) client: Vec<String>,
}

impl Arguments {
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut shape, mut ready) = (Shape::default(), None);
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
                "--seed" => shape.seed = value.parse().map_err(|_| wrong())?,
                "--ready" => ready = Some(value.parse().map_err(|_| wrong())?),
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
        Ok(Self { shape, ready, server, client })
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
