//! Streams in places that are used again and again, found by number: numbers only grow, so their order is that of arrival,
//! and a look is a search in a short list. Nothing is held once it is empty.

use crate::streams::Stream;
use core::cell::Cell;
use std::collections::VecDeque;

#[derive(Debug, Default)]
pub(crate) struct Shelf {
    places: Vec<Option<Stream>>,
    /// Number and place, in the order of the numbers.
    index: VecDeque<(u32, u32)>,
    /// Places without a stream.
    free: Vec<u32>,
    /// How many places there were before it was last empty: as many are made at once.
    before: usize,
    /// Where the last look ended: the next one is mostly for the same stream or for the one behind it.
    last: Cell<usize>,
}

impl Shelf {
    pub(crate) fn find(&mut self, id: u32) -> Option<&mut Stream> {
        let (_, place) = self.index[self.position(id).ok()?];
        self.places[place as usize].as_mut()
    }

    pub(crate) fn look(&self, id: u32) -> Option<&Stream> {
        let (_, place) = self.index[self.position(id).ok()?];
        self.places[place as usize].as_ref()
    }

    /// In the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Stream)> {
        self.index.iter().filter_map(|(id, place)| Some((*id, self.places[*place as usize].as_ref()?)))
    }

    /// In no order.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Stream)> {
        let mut by_place: Vec<(u32, u32)> = self.index.iter().map(|(id, place)| (*place, *id)).collect();
        by_place.sort_unstable();
        let living = self.places.iter_mut().flatten();
        by_place.into_iter().zip(living).map(|((_, id), stream)| (id, stream))
    }

    /// Puts a stream in; one of that number is replaced.
    pub(crate) fn insert(&mut self, id: u32, stream: Stream) {
        let at = match self.position(id) {
            Ok(at) => {
                let (_, place) = self.index[at];
                self.places[place as usize] = Some(stream);
                return;
            }
            Err(at) => at,
        };
        let place = match self.free.pop() {
            Some(place) => {
                self.places[place as usize] = Some(stream);
                place
            }
            None => {
                if self.places.is_empty() {
                    self.places.reserve(self.before);
                }
                self.places.push(Some(stream));
                self.places.len() as u32 - 1 // A connection has far fewer streams than 2^31.
            }
        };
        if self.index.is_empty() {
            self.index.reserve(self.before);
        }
        self.index.insert(at, (id, place));
    }

    /// Takes a stream out; whether it was there.
    pub(crate) fn remove(&mut self, id: u32) -> bool {
        let Ok(at) = self.position(id) else { return false };
        let Some((_, place)) = self.index.remove(at) else { return false };
        self.places[place as usize] = None;
        if self.index.is_empty() {
            *self = Self { before: self.places.len(), ..Self::default() };
        } else {
            self.free.push(place);
        }
        true
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Where a number stands in the index, or would.
    fn position(&self, id: u32) -> Result<usize, usize> {
        let last = self.last.get();
        for at in [last, last + 1] {
            if self.index.get(at).is_some_and(|(there, _)| *there == id) {
                self.last.set(at);
                return Ok(at);
            }
        }
        match self.index.back() {
            Some((highest, _)) if *highest < id => return Err(self.index.len()),
            _ => {}
        }
        let position = self.index.binary_search_by_key(&id, |(id, _)| *id);
        self.last.set(position.unwrap_or(0));
        position
    }
}

#[cfg(test)]
mod tests;
