//! Content codings, and which of them a client takes (RFC 9110 section 12.5.3).

#[cfg(test)]
mod tests;

use super::weights::{self, Weight};

/// How a representation is coded. The order is ours among equals: what decodes fastest for its size comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Zstd,
    Brotli,
    Gzip,
    Identity,
}

/// All but none.
pub(super) const CODINGS: [Coding; 3] = [Coding::Zstd, Coding::Brotli, Coding::Gzip];

impl Coding {
    /// As IANA registers it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }

    /// What follows a file's name where it is kept beside the file.
    pub(super) const fn ending(self) -> &'static str {
        match self {
            Self::Zstd => ".zst",
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
            Self::Identity => "",
        }
    }

    /// What stands in a tag for a form that is coded so.
    pub(super) const fn mark(self) -> &'static str {
        match self {
            Self::Zstd => "-zstd",
            Self::Brotli => "-br",
            Self::Gzip => "-gzip",
            Self::Identity => "",
        }
    }

    fn of(name: &[u8]) -> Option<Self> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match () {
            () if is("x-gzip") => Some(Self::Gzip), // spec: 9110-8.4.1.3-a
            () => [Self::Zstd, Self::Brotli, Self::Gzip, Self::Identity]
                .into_iter()
                .find(|known| is(known.name())),
        }
    }
}

/// What a client takes, by [`Coding`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepted([Weight; 4]);

impl Accepted {
    /// Reads all lines of `accept-encoding`. A client that sends none takes anything by the letter; few that do not
    /// ask can decode, so it gets the file as it is.
    pub(super) fn read(list: Option<&[u8]>) -> Self {
        let mut said: [Option<Weight>; 4] = [None; 4];
        let mut others = None;
        // What is said twice counts as the lesser: what was refused once is not sent.
        let lesser =
            |place: &mut Option<Weight>, weight| *place = Some(place.map_or(weight, |w| w.min(weight)));
        for (name, weight) in weights::members(list.unwrap_or_default()) {
            match (Coding::of(name), name) {
                (Some(coding), _) => lesser(&mut said[coding as usize], weight),
                (None, b"*") => lesser(&mut others, weight),
                (None, _) => {}
            }
        }
        let mut weights = said.map(|said| said.or(others).unwrap_or(0)); // spec: 9110-12.5.3-b
        let identity = Coding::Identity as usize;
        if said[identity].or(others).is_none() {
            weights[identity] = LEAST; // spec: 9110-12.5.3-a
        }
        Self(weights)
    }

    /// 0 where it must not be sent.
    pub(super) fn weight(&self, coding: Coding) -> Weight {
        self.0[coding as usize]
    }
}

/// Acceptable, and liked less than all that is named.
const LEAST: Weight = 1;
