//! Where else an origin is served (RFC 7838): what its Alt-Svc fields said, for as long as they said it.
//!
//! Those that lead to HTTP/3 alone are of use here. An alternative changes no name: whoever is there is asked for the origin's host
//! and has to show a certificate for it. One that does not work is left alone for a while, ever longer; so is an HTTP/3 port that
//! somebody else told of.

mod field;
mod file;

pub(crate) use field::{Field, parse};

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What is known of origins: in memory, and in a file where there is one.
#[derive(Debug, Default)]
pub struct Alternatives {
    places: Mutex<BTreeMap<String, Known>>,
    file: Option<PathBuf>,
}

/// A host and a port where HTTP/3 may be spoken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    /// In lower case, an IPv6 address in brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// What is known of one place: an origin, and under which trust.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    alternatives: Vec<Alternative>,
    broken: Vec<Broken>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Alternative {
    spot: Spot,
    until_unix_secs: u64,
}

/// A spot that nobody answered at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Broken {
    spot: Spot,
    until_unix_secs: u64,
    times: u32,
}

/// Alternatives that are kept of a place, and spots that are known to be broken.
const A_PLACE: usize = 4;
/// How long a spot is left alone that did not work, and how often that doubles: 5 minutes to some 42 hours.
const BACKOFF_SECS: u64 = 300;
const DOUBLINGS: u32 = 9;
/// The longest that an alternative is believed, whatever it says.
const MOST_SECS: u64 = 30 * 86_400;
/// An end that moves by less is not written to the file.
const WORTH_WRITING_SECS: u64 = 3_600;

impl Alternatives {
    /// Places that are remembered at most; the one whose knowledge ends first gives way.
    pub const PLACES: usize = 1_024;

    /// What a file of this user's remembers (0600), and what is to be remembered there. Lines that are none of ours are let go.
    ///
    /// # Errors
    /// It cannot be read, it is another user's, or others may read it.
    pub fn in_file(path: &Path) -> io::Result<Self> {
        let places = Mutex::new(file::read(path)?);
        Ok(Self { places, file: Some(path.to_owned()) })
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A response of `origin`'s said so; what it had said before is over (RFC 7838 section 3.1).
    pub(crate) fn hear(&self, place: &str, origin: &Spot, field: &Field, now_unix_secs: u64) {
        let mut alternatives = Vec::new();
        if let Field::Alternatives(offers) = field {
            for offer in offers.iter().filter(|offer| offer.protocol == b"h3").take(A_PLACE) {
                let host = if offer.host.is_empty() { origin.host.clone() } else { offer.host.clone() };
                let until_unix_secs = now_unix_secs.saturating_add(offer.max_age_secs.min(MOST_SECS));
                alternatives.push(Alternative { spot: Spot { host, port: offer.port }, until_unix_secs });
            }
        }
        let is_known = |known: &Known| {
            let is_near = |(one, other): (&Alternative, &Alternative)| {
                one.spot == other.spot
                    && one.until_unix_secs.abs_diff(other.until_unix_secs) < WORTH_WRITING_SECS
            };
            known.alternatives.len() == alternatives.len()
                && known.alternatives.iter().zip(&alternatives).all(is_near)
        };
        let mut places = self.places();
        let is_written = places.get(place).map_or(alternatives.is_empty(), is_known);
        if alternatives.is_empty() && !places.contains_key(place) {
            return;
        }
        places.entry(place.to_owned()).or_default().alternatives = alternatives; // spec: 7838-3.1-a
        self.tidy(&mut places, now_unix_secs);
        if !is_written {
            self.write(places, now_unix_secs);
        }
    }

    /// Where HTTP/3 is said to be spoken for a place, best first.
    pub(crate) fn spots(&self, place: &str, now_unix_secs: u64) -> Vec<Spot> {
        let places = self.places();
        let alternatives = places.get(place).map_or(&[][..], |known| &known.alternatives);
        let is_fresh = |one: &&Alternative| one.until_unix_secs > now_unix_secs; // spec: 7838-2.2-a
        alternatives.iter().filter(is_fresh).map(|one| one.spot.clone()).collect()
    }

    /// Whether nobody should try that for now.
    pub(crate) fn is_broken(&self, place: &str, spot: &Spot, now_unix_secs: u64) -> bool {
        self.places().get(place).is_some_and(|known| {
            known.broken.iter().any(|broken| broken.spot == *spot && broken.until_unix_secs > now_unix_secs)
        })
    }

    /// No connection came about there: it is left alone, twice as long as the last time.
    pub(crate) fn failed(&self, place: &str, spot: &Spot, now_unix_secs: u64) {
        let mut places = self.places();
        let broken = &mut places.entry(place.to_owned()).or_default().broken;
        let times = broken.iter().find(|broken| broken.spot == *spot).map_or(0, |broken| broken.times);
        broken.retain(|broken| broken.spot != *spot);
        if broken.len() >= A_PLACE {
            broken.remove(0);
        }
        let until_unix_secs = now_unix_secs.saturating_add(BACKOFF_SECS << times.min(DOUBLINGS));
        broken.push(Broken { spot: spot.clone(), until_unix_secs, times: times.saturating_add(1) });
        self.tidy(&mut places, now_unix_secs);
        self.write(places, now_unix_secs);
    }

    /// A connection came about there.
    pub(crate) fn worked(&self, place: &str, spot: &Spot, now_unix_secs: u64) {
        let mut places = self.places();
        let Some(known) = places.get_mut(place) else { return };
        let before = known.broken.len();
        known.broken.retain(|broken| broken.spot != *spot);
        if known.broken.len() != before {
            self.write(places, now_unix_secs);
        }
    }

    /// Forgets what is over, and what there is no room for.
    fn tidy(&self, places: &mut BTreeMap<String, Known>, now_unix_secs: u64) {
        places.retain(|_, known| {
            known.alternatives.retain(|one| one.until_unix_secs > now_unix_secs);
            known.until_unix_secs() > now_unix_secs
        });
        while places.len() > Self::PLACES {
            let first = places.iter().min_by_key(|(_, known)| known.until_unix_secs());
            let Some(first) = first.map(|(place, _)| place.clone()) else { return };
            places.remove(&first);
        }
    }

    /// Whatever fails here is found out anew by the next process, and costs it no more than that.
    fn write(&self, mut places: MutexGuard<'_, BTreeMap<String, Known>>, now_unix_secs: u64) {
        let Some(path) = &self.file else { return };
        // What another process wrote meanwhile of places that we know nothing of stays.
        if let Ok(others) = file::read(path) {
            for (place, known) in others {
                places.entry(place).or_insert(known);
            }
            self.tidy(&mut places, now_unix_secs);
        }
        let _ = file::write(path, &places);
    }
}

impl Known {
    /// When nothing of it counts any more. How often a spot was broken counts a while longer than that it is.
    fn until_unix_secs(&self) -> u64 {
        let broken = self.broken.iter().map(|broken| {
            let lasted_secs = BACKOFF_SECS << broken.times.saturating_sub(1).min(DOUBLINGS);
            broken.until_unix_secs.saturating_add(lasted_secs)
        });
        let alternatives = self.alternatives.iter().map(|one| one.until_unix_secs);
        broken.chain(alternatives).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
