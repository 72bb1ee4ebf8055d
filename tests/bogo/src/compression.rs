//! The runner's compression algorithms: they shorten by the two zeros that every Certificate begins with, or lengthen by a
//! prefix of four bytes, or of one at random.

use sakigake_tls::compression::Compression;
use std::io;

const ZEROS: &[u8] = &[0, 0];
const PREFIX: &[u8] = &[1, 2, 3, 4];

/// Best first, as the runner expects a server to choose.
pub(crate) static OWN: [Compression; 3] = [
    Compression {
        id: 0xff02,
        compress: |bytes| Ok([PREFIX, bytes].concat()),
        decompress: |bytes, out| fill(bytes.strip_prefix(PREFIX), out),
        always: true,
    },
    Compression {
        id: 0xff01,
        compress: |bytes| bytes.strip_prefix(ZEROS).map(<[u8]>::to_vec).ok_or_else(wrong),
        decompress: |bytes, out| fill(Some(&[ZEROS, bytes].concat()), out),
        always: true,
    },
    Compression {
        id: 0xff03,
        compress: |bytes| Ok([&[7], bytes].concat()),
        decompress: |bytes, out| fill(bytes.get(1..), out),
        always: true,
    },
];

fn fill(bytes: Option<&[u8]>, out: &mut [u8]) -> io::Result<()> {
    let bytes = bytes.filter(|bytes| bytes.len() == out.len()).ok_or_else(wrong)?;
    out.copy_from_slice(bytes);
    Ok(())
}

fn wrong() -> io::Error {
    io::ErrorKind::InvalidData.into()
}
