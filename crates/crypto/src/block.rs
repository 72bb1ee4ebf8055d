/// A block cipher by itself: 16 bytes for 16 bytes, without nonce or tag. It hides small values that fill a block and never
/// come twice (connection ids); whatever is longer belongs to an [`crate::Aead`].
pub struct BlockCipher {
    /// Bytes of a key.
    pub key_len: usize,
    /// A key ready for use. It panics when the bytes are not [`BlockCipher::key_len`]: keys come from our own configuration.
    pub key: fn(&[u8]) -> Box<dyn BlockKey>,
}

/// A block cipher's key ready for use.
pub trait BlockKey: Send + Sync {
    /// Encrypts one block in place.
    fn encrypt(&self, block: &mut [u8; BLOCK_BYTES]);
    /// Decrypts one block in place. Any block decrypts to something.
    fn decrypt(&self, block: &mut [u8; BLOCK_BYTES]);
}

/// Bytes of a block.
pub const BLOCK_BYTES: usize = 16;
