//! The Huffman code of RFC 7541 section 5.2 and appendix B.

use crate::rules::CODE_BITS;
use core::fmt;

/// Why a Huffman string was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The code of EOS stands in it.
    EndOfString,
    /// It ends with eight or more bits of padding.
    LongPadding,
    /// It ends within a code, or its padding is not the beginning of EOS.
    Padding,
}

/// Appends the string that `bytes` encode; at most 8 bytes for each 5.
pub fn decode(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut input = bytes.iter();
    let (mut bits, mut count) = (0_u64, 0_u32);
    out.reserve(bytes.len() + bytes.len() / 4);
    loop {
        while count <= 56 {
            let Some(byte) = input.next() else { break };
            bits |= u64::from(*byte) << (56 - count);
            count += 8;
        }
        let ones = bits.leading_ones();
        if count < 8 && ones >= count {
            return Ok(());
        }
        let (symbol, len) = match SHORT[(bits >> (64 - SHORT_BITS)) as usize] {
            (_, 0) => long(bits),
            (symbol, len) => (u16::from(symbol), u32::from(len)),
        };
        if len > count && ones >= count {
            return Err(Fault::LongPadding); // spec: 7541-5.2-b
        }
        if len > count {
            return Err(Fault::Padding); // spec: 7541-5.2-c
        }
        let byte = u8::try_from(symbol).map_err(|_| Fault::EndOfString)?; // spec: 7541-5.2-d
        out.push(byte);
        bits <<= len;
        count -= len;
    }
}

/// Appends `bytes` as Huffman codes, padded with ones.
pub fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    let (mut bits, mut count) = (0_u64, 0_u32);
    for byte in bytes {
        let (code, len) = CODES[usize::from(*byte)];
        bits |= u64::from(code) << (64 - count - u32::from(len));
        count += u32::from(len);
        if count >= 32 {
            out.extend_from_slice(&((bits >> 32) as u32).to_be_bytes());
            bits <<= 32;
            count -= 32;
        }
    }
    let padded = bits | (u64::MAX >> count);
    out.extend_from_slice(&padded.to_be_bytes()[..count.div_ceil(8) as usize]);
}

/// How many bytes [`encode`] appends.
pub fn encoded_len(bytes: &[u8]) -> usize {
    let bits: usize = bytes.iter().map(|byte| usize::from(CODE_BITS[usize::from(*byte)])).sum();
    bits.div_ceil(8)
}

const EOS: usize = 256;
const LONGEST: usize = 30;
const SHORT_BITS: u32 = 10;

/// The symbol at the top of `bits` and the length of its code, where that is longer than [`SHORT_BITS`].
fn long(bits: u64) -> (u16, u32) {
    let top = (bits >> 32) as u32;
    let mut len = SHORT_BITS as usize + 1;
    // Codes of each length end where the next longer ones begin; the last ones end at the top.
    while len < LONGEST && top >= BY_LENGTH[len + 1].first {
        len += 1;
    }
    let row = &BY_LENGTH[len];
    let offset = ((top - row.first) >> (32 - len)) as usize;
    (BY_CODE[row.symbols as usize + offset], len as u32)
}

/// Codes of one length: the first, at the top of 32 bits, and where their symbols begin in [`BY_CODE`].
#[derive(Clone, Copy)]
struct Length {
    first: u32,
    symbols: u16,
}

/// Symbols in the order of their codes.
static BY_CODE: [u16; 257] = {
    let mut symbols = [0; 257];
    let (mut at, mut len) = (0, 1);
    while len <= LONGEST {
        let mut symbol = 0;
        while symbol <= EOS {
            if CODE_BITS[symbol] as usize == len {
                symbols[at] = symbol as u16;
                at += 1;
            }
            symbol += 1;
        }
        len += 1;
    }
    symbols
};

/// By length of code.
static BY_LENGTH: [Length; LONGEST + 1] = {
    let mut rows = [Length { first: 0, symbols: 0 }; LONGEST + 1];
    let (mut code, mut at, mut len) = (0_u32, 0, 1);
    while len <= LONGEST {
        rows[len] = Length { first: code, symbols: at as u16 };
        while at < BY_CODE.len() && CODE_BITS[BY_CODE[at] as usize] as usize == len {
            code = code.wrapping_add(1 << (32 - len));
            at += 1;
        }
        len += 1;
    }
    rows
};

/// The code of each byte, at the low end, and its length.
static CODES: [(u32, u8); 256] = {
    let mut codes = [(0, 0); 256];
    let mut len = 1;
    while len <= LONGEST {
        let row = BY_LENGTH[len];
        let mut at = row.symbols as usize;
        while at < BY_CODE.len() && CODE_BITS[BY_CODE[at] as usize] as usize == len {
            if (BY_CODE[at] as usize) < EOS {
                codes[BY_CODE[at] as usize] =
                    ((row.first >> (32 - len)) + (at - row.symbols as usize) as u32, len as u8);
            }
            at += 1;
        }
        len += 1;
    }
    codes
};

/// By the next [`SHORT_BITS`] bits: the byte whose code they begin with and its length, or 0 where the code is longer.
static SHORT: [(u8, u8); 1 << SHORT_BITS] = {
    let mut table = [(0, 0); 1 << SHORT_BITS];
    let mut symbol = 0;
    while symbol < EOS {
        let (code, len) = CODES[symbol];
        if len as u32 <= SHORT_BITS {
            let first = (code as usize) << (SHORT_BITS - len as u32);
            let mut at = first;
            while at < first + (1 << (SHORT_BITS - len as u32)) {
                table[at] = (symbol as u8, len);
                at += 1;
            }
        }
        symbol += 1;
    }
    table
};

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EndOfString => "a Huffman string has EOS in it",
            Self::LongPadding => "a Huffman string has eight or more bits of padding",
            Self::Padding => {
                "a Huffman string ends within a code, or its padding is not the beginning of EOS"
            }
        })
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests;
