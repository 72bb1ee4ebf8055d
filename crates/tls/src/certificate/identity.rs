use super::der;
use core::fmt;
use std::sync::Arc;

/// Who a client is: the chain that it proved to have the key for, and that our side accepted. Copies share the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity(Arc<[Vec<u8>]>);

impl Identity {
    /// A chain, leaf first; none where it is empty.
    pub(crate) fn new(chain: Vec<Vec<u8>>) -> Option<Self> {
        (!chain.is_empty()).then(|| Self(chain.into()))
    }

    /// The client's own certificate in DER.
    pub fn leaf(&self) -> &[u8] {
        &self.0[0] // `Identity::new` takes no empty chain.
    }

    /// All certificates that the client sent, in DER, its own first.
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.0
    }

    /// How long the chain is.
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// The subject of the client's own certificate as RFC 4514 writes it, such as `CN=alice,O=Example`; what is no plain
    /// text in it stands as `#` and hexadecimal digits. Empty where a certificate names its subject otherwise.
    pub fn subject(&self) -> String {
        der::subject(self.leaf()).map(der::distinguished_name).unwrap_or_default() // None: it was no certificate.
    }

    /// The serial number of the client's own certificate, in hexadecimal digits.
    pub fn serial(&self) -> String {
        let serial = der::serial(self.leaf()).unwrap_or_default(); // None: it was no certificate.
        serial.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.subject())
    }
}
