//! Block ciphers.

use crate::{BLOCK_BYTES, BlockCipher, BlockKey};
use aws_lc_rs::cipher::{self, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey};

/// AES-128 (FIPS 197).
pub static AES_128_BLOCK: BlockCipher = BlockCipher { key_len: 16, key };

struct Key {
    encrypting: EncryptingKey,
    decrypting: DecryptingKey,
}

fn key(bytes: &[u8]) -> Box<dyn BlockKey> {
    let unbound =
        || UnboundCipherKey::new(&cipher::AES_128, bytes).expect("keys have the length that the row says");
    let encrypting = EncryptingKey::ecb(unbound()).expect("AES has this mode");
    let decrypting = DecryptingKey::ecb(unbound()).expect("AES has this mode");
    Box::new(Key { encrypting, decrypting })
}

impl BlockKey for Key {
    fn encrypt(&self, block: &mut [u8; BLOCK_BYTES]) {
        self.encrypting.encrypt(block).expect("one block is a multiple of a block");
    }

    fn decrypt(&self, block: &mut [u8; BLOCK_BYTES]) {
        self.decrypting.decrypt(block, DecryptionContext::None).expect("one block is a multiple of a block");
    }
}

#[cfg(test)]
mod tests;
