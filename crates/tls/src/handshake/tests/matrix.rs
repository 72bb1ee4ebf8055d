//! Every state with every message: what is taken, and which alert meets the rest.

use super::{
    client_certificates::{alice, copy, policy},
    early_data,
    later::ticket,
    pair::{NOW, Pair, Side, UNIX_SECS, client_options, server_options},
    quic, resumption,
};
use crate::{
    Credential, Fault, Handshake, Level, Step, Wanted, client,
    compression::ALL,
    extension::{CertificateRequestExtensions, List},
    handshake::State,
    message::{Certificate, CertificateEntry, CertificateRequest, KeyUpdate},
    rules::{HandshakeType, NamedGroup},
    server::{self, Demand},
};
use std::{fmt::Write as _, sync::Arc};

/// Which way the handshake goes.
#[derive(Clone, Copy, PartialEq)]
enum Course {
    Straight,
    Retry,
    /// The server asks the client who it is.
    Request,
    /// It does so after the handshake.
    Later,
    /// The server's owner answers, and the client's judges.
    OwnersAnswer,
    /// The client's owner signs, and the server's judges.
    OwnersAnswerForClients,
    /// The same after the handshake.
    OwnersAnswerLater,
    /// A ticket.
    Resumed,
    /// A ticket, and early data that is taken.
    Early,
    /// The client takes certificates compressed.
    Compressed,
    /// QUIC carries it.
    Quic,
    /// The same, and the server's owner does not answer.
    QuicAsked,
    /// The same, a ticket, and early data that is taken.
    QuicEarly,
}

const COURSES: [Course; 13] = [
    Course::Straight,
    Course::Retry,
    Course::Request,
    Course::Later,
    Course::OwnersAnswer,
    Course::OwnersAnswerForClients,
    Course::OwnersAnswerLater,
    Course::Resumed,
    Course::Early,
    Course::Compressed,
    Course::Quic,
    Course::QuicAsked,
    Course::QuicEarly,
];

impl Course {
    /// What a state's name is not enough to tell.
    fn suffix(self) -> &'static str {
        match self {
            Self::Resumed => ", resumed",
            Self::Early => ", early data taken",
            Self::Compressed => ", compression offered",
            Self::Quic | Self::QuicAsked => ", over QUIC",
            Self::QuicEarly => ", over QUIC, early data taken",
            _ => "",
        }
    }

    fn is_later(self) -> bool {
        matches!(self, Self::Later | Self::OwnersAnswerLater)
    }

    /// Both sides, of which some owners have stopped answering after so many messages.
    fn options(self, stop: usize) -> (client::Options, server::Options) {
        let groups = if self == Self::Retry { vec![NamedGroup::SECP384R1.0] } else { Vec::new() };
        let mut server = server::Options { groups, ..server_options() };
        let mut client = client_options();
        match self {
            Self::Straight | Self::Resumed | Self::Early | Self::QuicEarly => {}
            Self::Quic | Self::QuicAsked => (client, server) = (quic::client(), quic::server()),
            Self::Compressed => client.compressions = &ALL,
            Self::Retry => client.alpn = Vec::new(),
            Self::OwnersAnswer => {
                client.verifier = None;
                match stop {
                    0..3 => server.ask_certificate = true,
                    3..6 => server.credentials = vec![Arc::new(unsigned(&server.credentials[0]))],
                    _ => {}
                }
            }
            Self::Request | Self::Later | Self::OwnersAnswerForClients | Self::OwnersAnswerLater => {
                let demand = if self.is_later() { Demand::Later } else { Demand::Required };
                let mut policy = policy(demand);
                client.credentials = vec![alice()];
                client.post_handshake_auth = true;
                if self.is_later() {
                    client.alpn = vec![b"http/1.1".to_vec()];
                    server.alpn = client.alpn.clone();
                }
                let judged_later = stop % 2 == 1;
                match self {
                    Self::OwnersAnswerForClients | Self::OwnersAnswerLater if judged_later => {
                        policy.verifier = None
                    }
                    Self::OwnersAnswerForClients | Self::OwnersAnswerLater => {
                        client.credentials = vec![Arc::new(unsigned(&client.credentials[0]))];
                    }
                    _ => {}
                }
                server.unix_secs_at_start = UNIX_SECS;
                server.client_authentication = vec![Arc::new(policy)];
            }
        }
        (client, server)
    }
}

#[test]
fn every_state_takes_its_messages_and_no_others() {
    // spec: 9846-4-k spec: 9846-4-l
    let mut table = String::new();
    let mut seen = Vec::new();
    for course in COURSES {
        for stop in 0..14 {
            for receiver in [Side::Client, Side::Server] {
                let (pair, next) = stopped(course, stop);
                let name = pair.side(receiver).state_name();
                let is_its_turn = next.is_none_or(|(to, _)| to == receiver);
                if is_its_turn && !seen.contains(&(name, course.suffix())) && !name.is_empty() {
                    seen.push((name, course.suffix()));
                    row(&mut table, course, stop, receiver, name);
                }
            }
        }
    }
    insta::assert_snapshot!(table);
}

fn row(table: &mut String, course: Course, stop: usize, receiver: Side, name: &str) {
    writeln!(table, "{name}{}", course.suffix()).unwrap();
    let unknown = [(HandshakeType(0), "hello_request"), (HandshakeType(200), "an unknown one")];
    for (kind, type_name) in HandshakeType::ALL.iter().chain(&unknown) {
        let (mut pair, next) = stopped(course, stop);
        let level = pair.side(receiver).awaits().expect("no fault has ended it");
        let next = next.filter(|(to, message)| *to == receiver && message[0] == kind.0);
        let message = next.map_or_else(|| sample(*kind), |(_, message)| message);
        let outcome = match pair.deliver(receiver, level, &message) {
            Ok(())
                if pair.side(receiver).wanted().is_some()
                    && name.ends_with(pair.side(receiver).state_name()) =>
            {
                "held".to_owned()
            }
            Ok(()) => "taken".to_owned(),
            Err(fault) => format!("{}: {fault:?}", fault.alert()),
        };
        writeln!(table, "    {type_name:<22} {outcome}").unwrap();
    }
}

/// Delivers the first `stop` messages of a course; gives the receiver of the next one, and the message.
fn stopped(course: Course, stop: usize) -> (Pair, Option<(Side, Vec<u8>)>) {
    let (client, server) = course.options(stop);
    let mut pair = match course {
        Course::Early => early_data::pair(),
        Course::Quic | Course::QuicAsked => Pair::over_quic(client, server, None),
        Course::QuicEarly => quic::early_pair(),
        Course::Resumed => Pair::resuming(
            resumption::client(),
            resumption::server(),
            "example.com",
            Some(resumption::first()),
        ),
        _ => Pair::new(client, server),
    };
    let mut has_asked = false;
    let mut queue = Vec::new();
    let mut read = [0; 2];
    for index in 0.. {
        if course.is_later() && pair.server.is_established() && !has_asked {
            has_asked = true;
            pair.server.request_certificate(&mut pair.from_server).unwrap();
        }
        collect(&pair, &mut read, &mut queue);
        match queue.get(index).cloned() {
            Some((from, level, message)) if index < stop => {
                pair.deliver(from.peer(), level, &message).unwrap();
                if matches!(pair.server.wanted(), Some(Wanted::TransportParameters { .. }))
                    && course != Course::QuicAsked
                {
                    pair.server.answer(NOW, quic::answer(), &mut pair.from_server).unwrap();
                }
            }
            next => {
                return (pair, next.map(|(from, _, message): (Side, Level, Vec<u8>)| (from.peer(), message)));
            }
        }
    }
    unreachable!("the loop ends where messages do")
}

/// A copy whose owner is asked for signatures.
fn unsigned(credential: &Credential) -> Credential {
    Credential { signer: None, ..copy(credential) }
}

/// Appends what both sides have sent since the last call.
fn collect(pair: &Pair, read: &mut [usize; 2], queue: &mut Vec<(Side, Level, Vec<u8>)>) {
    for (read, (side, flight)) in
        read.iter_mut().zip([(Side::Client, &pair.from_client), (Side::Server, &pair.from_server)])
    {
        for step in &flight.steps[*read..] {
            if let Step::Send { level, message } = step {
                queue.push((side, *level, message.clone()));
            }
        }
        *read = flight.steps.len();
    }
}

/// A message of that type, well formed where a state might take it.
fn sample(kind: HandshakeType) -> Vec<u8> {
    let mut message = Vec::new();
    match kind {
        HandshakeType::CERTIFICATE_REQUEST => {
            let signature_algorithms = Some(List::Items(&[0x0403][..]));
            let extensions = CertificateRequestExtensions { signature_algorithms, ..Default::default() };
            CertificateRequest { extensions, ..CertificateRequest::default() }.write(&mut message);
        }
        HandshakeType::NEW_SESSION_TICKET => return ticket(),
        HandshakeType::CERTIFICATE => {
            let options = server_options();
            let cert_data = options.credentials[0].chain[0].as_slice();
            let entry = CertificateEntry { cert_data, ..CertificateEntry::default() };
            Certificate { certificate_list: List::Items(&[entry]), ..Certificate::default() }
                .write(&mut message);
        }
        HandshakeType::KEY_UPDATE => KeyUpdate { update_requested: true }.write(&mut message),
        other => message = vec![other.0, 0, 0, 0],
    }
    message
}

impl Pair {
    fn side(&self, side: Side) -> &Handshake {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    fn deliver(&mut self, to: Side, level: Level, message: &[u8]) -> Result<(), Fault> {
        match to {
            Side::Client => self.client.handle(NOW, level, message, &mut self.from_client),
            Side::Server => self.server.handle(NOW, level, message, &mut self.from_server),
        }
    }
}

impl Handshake {
    pub(crate) fn state_name(&self) -> &'static str {
        match &self.state {
            State::Client(state) => match state {
                client::State::ServerHello(_) => "client AwaitServerHello",
                client::State::SecondServerHello(_) => "client AwaitSecondServerHello",
                client::State::EncryptedExtensions(_) => "client AwaitEncryptedExtensions",
                client::State::CertificateOrRequest(_) => "client AwaitCertificateOrRequest",
                client::State::Certificate(_) => "client AwaitCertificate",
                client::State::Verdict(_) => "client AwaitVerdict",
                client::State::CertificateVerify(_) => "client AwaitCertificateVerify",
                client::State::Finished(_) => "client AwaitFinished",
                client::State::Signature(_) => "client AwaitSignature",
                client::State::Established(state) => match state.later_name() {
                    "" => "client Established",
                    name => name,
                },
            },
            State::Server(state) => match state {
                server::State::ClientHello(_) => "server AwaitClientHello",
                server::State::SecondClientHello(_) => "server AwaitSecondClientHello",
                server::State::TransportParameters(_) => "server AwaitTransportParameters",
                server::State::CertificateAnswer(_) => "server AwaitCertificateAnswer",
                server::State::Signature(_) => "server AwaitSignature",
                server::State::Certificate(_) => "server AwaitCertificate",
                server::State::Verdict(_) => "server AwaitVerdict",
                server::State::CertificateVerify(_) => "server AwaitCertificateVerify",
                server::State::EndOfEarlyData(_) => "server AwaitEndOfEarlyData",
                server::State::Finished(_) => "server AwaitFinished",
                server::State::Established(state) => match state.later_name() {
                    "" => "server Established",
                    name => name,
                },
            },
            State::Over => "",
        }
    }
}
