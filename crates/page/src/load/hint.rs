//! What a server hints, from the attributes of its preload link.

use super::Rank;
use crate::{
    Destination, Url,
    scan::{self, By, Mode, Resource},
};

/// A resource that the server says the page will need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint(Resource);

/// A preload link's parameters as they were written (RFC 8288, HTML).
#[derive(Clone, Copy, Debug, Default)]
pub struct Attributes<'a> {
    /// `as`: without one that is known there is no hint.
    pub destination: &'a str,
    /// `crossorigin`, empty when it stands without a value.
    pub crossorigin: Option<&'a str>,
    /// `integrity`.
    pub integrity: &'a str,
    /// `fetchpriority`.
    pub fetchpriority: &'a str,
    /// `media`.
    pub media: &'a str,
    /// `imagesrcset`.
    pub imagesrcset: &'a str,
    /// `imagesizes`.
    pub imagesizes: &'a str,
}

impl Hint {
    /// A hint without any parameter but `as`.
    pub fn new(url: Url, destination: Destination) -> Self {
        Self(Resource::new(url, destination, By::Preload))
    }

    /// Reads a link whose target was resolved. `None` when `as` is unknown, or `media` speaks of another medium.
    pub fn read(url: Url, attributes: &Attributes<'_>) -> Option<Self> {
        let destination = Destination::of_preload(attributes.destination)?;
        if !scan::media_applies(attributes.media) {
            return None;
        }
        let chosen = scan::choose_image(attributes.imagesrcset, attributes.imagesizes)
            .filter(|_| destination == Destination::Image)
            .and_then(|chosen| url.join(chosen));
        let is = |value: &str| attributes.fetchpriority.trim().eq_ignore_ascii_case(value);
        let integrity = match destination {
            Destination::Style | Destination::Script => attributes.integrity.trim().to_owned(),
            _ => String::new(),
        };
        Some(Self(Resource {
            mode: Mode::read(attributes.crossorigin),
            integrity,
            rank: if is("high") {
                Rank::High
            } else if is("low") {
                Rank::Low
            } else {
                Rank::Auto
            },
            ..Resource::new(chosen.unwrap_or(url), destination, By::Preload)
        }))
    }

    /// What it names.
    pub fn resource(&self) -> &Resource {
        &self.0
    }

    pub(super) fn into_resource(self) -> Resource {
        self.0
    }
}
