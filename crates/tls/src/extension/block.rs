use super::{Item, List};
use crate::{
    Fault,
    rules::{ExtensionType, MessageSet},
};
use sakigake_wire::{Grow, Reader};

/// An extension as it stands in a block: its type and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawExtension<'a> {
    /// Its type.
    pub kind: ExtensionType,
    /// `extension_data`, at most 65,535 bytes.
    pub data: &'a [u8],
}

impl<'a> Item<'a> for RawExtension<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        Ok(Self { kind: ExtensionType(reader.u16()?), data: reader.vector_u16()?.rest() })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.u16(self.kind.0);
        out.vector_u16(|out| out.put(self.data));
    }
}

/// Fails when `received`, a block in a response, has an extension whose type is not in `offered`
/// (RFC 9846 section 4.3). `cookie` in a HelloRetryRequest is the exception that its reader must make: pass it as offered.
pub fn refuse_unsolicited(
    received: List<'_, RawExtension<'_>>,
    offered: impl Fn(ExtensionType) -> bool,
) -> Result<(), Fault> {
    match received.iter().find(|extension| !offered(extension.kind)) {
        Some(extension) => Err(Fault::UnsolicitedExtension(extension.kind)), // spec: 9846-4.3-b
        None => Ok(()),
    }
}

/// The shape and the place of a block: whole extensions, none twice, none where it may not be.
pub(crate) fn admit<'a>(bytes: &'a [u8], message: MessageSet) -> Result<List<'a, RawExtension<'a>>, Fault> {
    let block = List::<RawExtension<'a>>::read(bytes)?;
    refuse_duplicates(&block)?;
    match block.iter().find(|extension| !extension.kind.may_appear_in(message)) {
        Some(extension) => Err(Fault::MisplacedExtension(extension.kind)), // spec: 9846-4.3-c
        None => Ok(block),
    }
}

/// Types below 64, nearly all that there are, are counted in one word; the rest is sorted, so that a block of thousands
/// costs no more than its length.
fn refuse_duplicates(block: &List<'_, RawExtension<'_>>) -> Result<(), Fault> {
    let (mut low, mut high) = (0_u64, Vec::new());
    for RawExtension { kind, .. } in *block {
        match kind.0 {
            code @ 0..64 if low & (1 << code) != 0 => return Err(Fault::DuplicateExtension(kind)), // spec: 9846-4.3-d
            code @ 0..64 => low |= 1 << code,
            _ => high.push(kind),
        }
    }
    high.sort_unstable();
    match high.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Fault::DuplicateExtension(pair[0])),
        None => Ok(()),
    }
}

/// Reads one extension's content to its end.
pub(crate) fn content<'a, T>(
    data: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut reader = Reader::new(data);
    let value = read(&mut reader)?;
    if reader.is_empty() { Ok(value) } else { Err(Fault::TrailingBytes) } // spec: 9846-4.3-a
}

/// A block of typed extensions. Each field: its type, its extension type, how its content is read and written.
macro_rules! extension_block {
    ($(#[$doc:meta])* $block:ident in $message:ident {
        $($(#[$field_doc:meta])* $field:ident: $kind:ty = $code:ident, $read:expr, $write:expr;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $block<'a> {
            $($(#[$field_doc])* pub $field: Option<$kind>,)*
            /// All extensions in their order, unknown ones included. When written, an extension that has a field takes
            /// its content from there and is left out where the field is none.
            pub order: List<'a, RawExtension<'a>>,
        }

        impl<'a> $block<'a> {
            /// Reads the extensions in `bytes`, which excludes the length before them.
            pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
                let order = block::admit(bytes, crate::rules::MessageSet::$message)?;
                let mut found = Self { order, ..Self::default() };
                for RawExtension { kind, data } in order {
                    match kind {
                        $(ExtensionType::$code => found.$field = Some(block::content(data, $read)?),)*
                        _ => {} // spec: 9846-4.2.2-d
                    }
                }
                Ok(found)
            }

            /// Appends the extensions behind their length in two bytes.
            pub fn write(&self, out: &mut Vec<u8>) {
                sakigake_wire::Grow::vector_u16(out, |out| self.write_all(out));
            }

            /// Whether an extension of this type is there (or will be written).
            pub fn has(&self, kind: ExtensionType) -> bool {
                match kind {
                    $(ExtensionType::$code => self.$field.is_some(),)*
                    _ => self.order.iter().any(|raw| raw.kind == kind),
                }
            }

            fn write_all(&self, out: &mut Vec<u8>) {
                for raw in self.order {
                    match raw.kind {
                        $(ExtensionType::$code => self.write_one(ExtensionType::$code, out),)*
                        _ => raw.write(out),
                    }
                }
                $(if self.$field.is_some() && !self.order.iter().any(|raw| raw.kind == ExtensionType::$code) {
                    self.write_one(ExtensionType::$code, out);
                })*
            }

            fn write_one(&self, kind: ExtensionType, out: &mut Vec<u8>) {
                use sakigake_wire::Grow;
                match kind {
                    $(ExtensionType::$code => {
                        if let Some(value) = &self.$field {
                            out.u16(kind.0);
                            out.vector_u16(|out| $write(value, out));
                        }
                    })*
                    _ => {}
                }
            }
        }
    };
}
