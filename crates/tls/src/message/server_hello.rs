use super::{Message, frame, session_id};
use crate::{
    Fault,
    extension::{HelloRetryRequestExtensions, List, RawExtension, ServerHelloExtensions},
    rules::{
        DOWNGRADE_TO_TLS_1_1, DOWNGRADE_TO_TLS_1_2, ExtensionType, HELLO_RETRY_REQUEST_RANDOM, HandshakeType,
        ProtocolVersion,
    },
};
use sakigake_wire::{Grow, Reader};

/// ServerHello (RFC 9846 section 4.2.3) of a server that chose TLS 1.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHello<'a> {
    /// 32 unpredictable bytes, never those of a HelloRetryRequest.
    pub random: [u8; 32],
    /// The client's session id; at most 32 bytes.
    pub legacy_session_id_echo: &'a [u8],
    /// The suite chosen.
    pub cipher_suite: u16,
    /// The extensions.
    pub extensions: ServerHelloExtensions<'a>,
}

/// HelloRetryRequest (RFC 9846 section 4.2.4): a ServerHello with a random of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloRetryRequest<'a> {
    /// The client's session id; at most 32 bytes.
    pub legacy_session_id_echo: &'a [u8],
    /// The suite chosen.
    pub cipher_suite: u16,
    /// The extensions.
    pub extensions: HelloRetryRequestExtensions<'a>,
}

/// Reads what follows the header, as one or the other.
pub(super) fn read<'a>(body: &mut Reader<'a>) -> Result<Message<'a>, Fault> {
    let legacy_version = body.u16()?;
    let random: [u8; 32] = body.array()?;
    let legacy_session_id_echo = session_id(body)?;
    let cipher_suite = body.u16()?;
    let compression_method = body.u8()?;
    let block = if body.is_empty() { &[] } else { body.vector_u16()?.rest() };
    if !body.is_empty() {
        return Err(Fault::TrailingBytes);
    }
    chooses_tls_1_3(block, &random)?;
    if compression_method != 0 {
        return Err(Fault::CompressionChosen); // spec: 9846-4.2.3-e
    }
    if legacy_version != ProtocolVersion::TLS_1_2.0 {
        return Err(Fault::WrongLegacyVersion); // spec: 9846-4.2.3-d
    }
    if random == HELLO_RETRY_REQUEST_RANDOM {
        let extensions = HelloRetryRequestExtensions::read(block)?;
        return Ok(Message::HelloRetryRequest(HelloRetryRequest {
            legacy_session_id_echo,
            cipher_suite,
            extensions,
        }));
    }
    let extensions = ServerHelloExtensions::read(block)?;
    Ok(Message::ServerHello(ServerHello { random, legacy_session_id_echo, cipher_suite, extensions }))
}

impl ServerHello<'_> {
    /// Appends the message, header included.
    pub fn write(&self, out: &mut Vec<u8>) {
        write(&self.random, self.legacy_session_id_echo, self.cipher_suite, out, |out| {
            self.extensions.write(out)
        });
    }
}

impl HelloRetryRequest<'_> {
    /// Appends the message, header included.
    pub fn write(&self, out: &mut Vec<u8>) {
        let random = &HELLO_RETRY_REQUEST_RANDOM;
        write(random, self.legacy_session_id_echo, self.cipher_suite, out, |out| self.extensions.write(out));
    }
}

fn write(
    random: &[u8; 32],
    session_id: &[u8],
    suite: u16,
    out: &mut Vec<u8>,
    extensions: impl FnOnce(&mut Vec<u8>),
) {
    frame(HandshakeType::SERVER_HELLO, out, |out| {
        out.u16(ProtocolVersion::TLS_1_2.0); // spec: 9846-4.2.3-b
        out.put(random);
        out.vector_u8(|out| out.put(session_id));
        out.u16(suite);
        out.u8(0);
        extensions(out);
    });
}

/// Looks for the version before anything else is judged by TLS 1.3's rules.
fn chooses_tls_1_3(block: &[u8], random: &[u8; 32]) -> Result<(), Fault> {
    let chosen = List::<RawExtension<'_>>::read(block)?
        .iter()
        .find(|extension| extension.kind == ExtensionType::SUPPORTED_VERSIONS);
    match chosen {
        Some(chosen) if chosen.data == ProtocolVersion::TLS_1_3.0.to_be_bytes() => Ok(()),
        Some(chosen) if chosen.data.len() == 2 => Err(Fault::UnofferedVersion), // spec: 9846-4.3.1-a
        Some(chosen) if chosen.data.len() < 2 => Err(Fault::MessageEndsEarly),
        Some(_) => Err(Fault::TrailingBytes),
        None if random.ends_with(&DOWNGRADE_TO_TLS_1_2) || random.ends_with(&DOWNGRADE_TO_TLS_1_1) => {
            Err(Fault::Downgraded) // spec: 9846-4.2.3-a
        }
        None => Err(Fault::NoCommonVersion), // spec: 9846-E.1-a spec: 9846-E.3-a
    }
}
