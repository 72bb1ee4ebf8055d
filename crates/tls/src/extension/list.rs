use crate::Fault;
use core::{fmt, marker::PhantomData};
use sakigake_wire::{Grow, Reader};

/// A list in a message: either bytes that were read and found valid, or items to write. Iterating allocates nothing.
#[derive(Clone, Copy)]
pub enum List<'a, T> {
    /// Valid items, one after the other as they came, without the length before them.
    Wire(Wire<'a, T>),
    /// Items of our own.
    Items(&'a [T]),
}

/// Bytes that were read as items of type `T` and found valid.
#[derive(Clone, Copy)]
pub struct Wire<'a, T> {
    bytes: &'a [u8],
    kind: PhantomData<T>,
}

/// A list of code points.
pub(crate) type Codes<'a> = List<'a, u16>;

/// What a [`List`] holds.
pub trait Item<'a>: Copy {
    /// Reads and checks one.
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault>;
    /// Appends it.
    fn write(&self, out: &mut Vec<u8>);
}

impl<'a, T: Item<'a>> List<'a, T> {
    /// Checks that `bytes` are items without remainder.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            T::read(&mut reader)?;
        }
        Ok(Self::Wire(Wire { bytes, kind: PhantomData }))
    }

    /// Appends all items, without a length before them.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Wire(wire) => out.put(wire.bytes),
            Self::Items(items) => items.iter().for_each(|item| item.write(out)),
        }
    }

    /// The items in order.
    pub fn iter(&self) -> Items<'a, T> {
        Items(*self)
    }

    /// Whether it has no item.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Wire(wire) => wire.bytes.is_empty(),
            Self::Items(items) => items.is_empty(),
        }
    }
}

impl<'a, T: Item<'a> + PartialEq> List<'a, T> {
    /// Whether `wanted` is in it.
    pub fn contains(&self, wanted: &T) -> bool {
        self.iter().any(|item| item == *wanted)
    }
}

/// The items of a [`List`] in order.
#[derive(Clone)]
pub struct Items<'a, T>(List<'a, T>);

impl<'a, T: Item<'a>> Iterator for Items<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match &mut self.0 {
            List::Items(items) => {
                let (first, rest) = items.split_first()?;
                *items = rest;
                Some(*first)
            }
            List::Wire(wire) => {
                let mut reader = Reader::new(wire.bytes);
                if reader.is_empty() {
                    return None;
                }
                let item = T::read(&mut reader).ok()?; // Cannot fail: `List::read` has read the same bytes.
                wire.bytes = reader.peek();
                Some(item)
            }
        }
    }
}

impl<'a, T: Item<'a>> IntoIterator for List<'a, T> {
    type Item = T;
    type IntoIter = Items<'a, T>;

    fn into_iter(self) -> Items<'a, T> {
        Items(self)
    }
}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        Self::Items(&[])
    }
}

impl<'a, T> From<&'a [T]> for List<'a, T> {
    fn from(items: &'a [T]) -> Self {
        Self::Items(items)
    }
}

impl<'a, T: Item<'a> + PartialEq> PartialEq for List<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a, T: Item<'a> + Eq> Eq for List<'a, T> {}

impl<'a, T: Item<'a> + fmt::Debug> fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Item<'_> for u8 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(reader.u8()?)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.u8(*self);
    }
}

impl Item<'_> for u16 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(reader.u16()?)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.u16(*self);
    }
}

/// At least one item behind a length of one byte.
pub(crate) fn read8<'a, T: Item<'a>>(reader: &mut Reader<'a>) -> Result<List<'a, T>, Fault> {
    not_empty(List::read(reader.vector_u8()?.rest())?)
}

/// At least one item behind a length of two bytes.
pub(crate) fn read16<'a, T: Item<'a>>(reader: &mut Reader<'a>) -> Result<List<'a, T>, Fault> {
    not_empty(read16_empty(reader)?)
}

/// Any number of items behind a length of two bytes.
pub(crate) fn read16_empty<'a, T: Item<'a>>(reader: &mut Reader<'a>) -> Result<List<'a, T>, Fault> {
    List::read(reader.vector_u16()?.rest())
}

pub(crate) fn write8<'a, T: Item<'a>>(list: &List<'a, T>, out: &mut Vec<u8>) {
    out.vector_u8(|out| list.write(out));
}

pub(crate) fn write16<'a, T: Item<'a>>(list: &List<'a, T>, out: &mut Vec<u8>) {
    out.vector_u16(|out| list.write(out));
}

fn not_empty<'a, T: Item<'a>>(list: List<'a, T>) -> Result<List<'a, T>, Fault> {
    if list.is_empty() { Err(Fault::VectorTooShort) } else { Ok(list) }
}
