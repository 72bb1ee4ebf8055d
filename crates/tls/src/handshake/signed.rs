use crate::rules::Side;
use sakigake_crypto::Digest;

/// What a CertificateVerify signs (RFC 9846 section 4.5.2): 64 spaces, the context of its sender, a zero, the digest of
/// all messages before it.
pub(crate) fn content(sender: Side, transcript: &Digest) -> Vec<u8> {
    let context: &[u8] = match sender {
        Side::Client => b"TLS 1.3, client CertificateVerify",
        Side::Server => b"TLS 1.3, server CertificateVerify",
    };
    [&[0x20; 64], context, &[0], transcript.as_ref()].concat() // spec: 9846-4.5.2-k
}
