//! Streams in places that are used again and again, found by number: a look is a search in a short sorted list. Nothing is
//! held once it is empty.

use super::id::StreamId;
use std::collections::VecDeque;

#[derive(Debug)]
pub(crate) struct Shelf<T> {
    places: Vec<Option<T>>,
    /// Number and place, in the order of the numbers.
    index: VecDeque<(StreamId, u32)>,
    /// Places without a stream.
    free: Vec<u32>,
    /// The stream that was found last: who is asked for is asked for again.
    last: Option<(StreamId, u32)>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { places: Vec::new(), index: VecDeque::new(), free: Vec::new(), last: None }
    }
}

impl<T> Shelf<T> {
    pub(crate) fn find(&mut self, id: StreamId) -> Option<&mut T> {
        let place = self.place(id)?;
        self.last = Some((id, place));
        self.places[place as usize].as_mut()
    }

    pub(crate) fn look(&self, id: StreamId) -> Option<&T> {
        self.places[self.place(id)? as usize].as_ref()
    }

    /// The numbers, in their order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = StreamId> {
        self.index.iter().map(|(id, _)| *id)
    }

    /// The streams, in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (StreamId, &T)> {
        self.index.iter().filter_map(|(id, place)| Some((*id, self.places[*place as usize].as_ref()?)))
    }

    /// Puts a stream in, of a number that is not there.
    pub(crate) fn insert(&mut self, id: StreamId, stream: T) {
        let Err(at) = self.position(id) else { return };
        let place = if let Some(place) = self.free.pop() {
            self.places[place as usize] = Some(stream);
            place
        } else {
            self.places.push(Some(stream));
            self.places.len() as u32 - 1 // A connection has far fewer streams than 2^31.
        };
        self.index.insert(at, (id, place));
    }

    /// Takes a stream out.
    pub(crate) fn remove(&mut self, id: StreamId) -> Option<T> {
        let (_, place) = self.index.remove(self.position(id).ok()?)?;
        self.last = self.last.filter(|(last, _)| *last != id);
        let stream = self.places[place as usize].take();
        if self.index.is_empty() {
            *self = Self::default();
        } else {
            self.free.push(place);
        }
        stream
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Gives back what nothing lies in, and lets each stream do so.
    pub(crate) fn shrink(&mut self, mut each: impl FnMut(&mut T)) {
        if self.free.len() == self.places.len() {
            *self = Self::default();
        }
        self.places.shrink_to_fit();
        self.index.shrink_to_fit();
        self.places.iter_mut().flatten().for_each(&mut each);
    }

    /// The place of a number that is there.
    fn place(&self, id: StreamId) -> Option<u32> {
        match self.last {
            Some((last, place)) if last == id => Some(place),
            _ => self.position(id).ok().map(|at| self.index[at].1),
        }
    }

    /// Where a number stands in the index, or would. The newest is asked for most.
    fn position(&self, id: StreamId) -> Result<usize, usize> {
        match self.index.back() {
            Some((last, _)) if *last == id => Ok(self.index.len() - 1),
            Some((last, _)) if *last < id => Err(self.index.len()),
            _ => self.index.binary_search_by_key(&id, |(id, _)| *id),
        }
    }
}

#[cfg(test)]
mod tests;
