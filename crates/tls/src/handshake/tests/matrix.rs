//! Every state with every message: what is taken, and which alert meets the rest.

use super::{
    later::ticket,
    pair::{NOW, Pair, Side, client_options, server_options},
};
use crate::{
    Credential, Fault, Handshake, Level, Step, client,
    extension::{CertificateRequestExtensions, List},
    handshake::State,
    message::{CertificateRequest, KeyUpdate},
    rules::{HandshakeType, NamedGroup},
    server,
};
use std::{fmt::Write as _, sync::Arc};

/// Which way the handshake goes.
#[derive(Clone, Copy)]
enum Course {
    Straight,
    Retry,
    /// A CertificateRequest is put in before Certificate: the transcripts part there, but no one looks before
    /// CertificateVerify.
    Request,
    OwnersAnswer,
}

#[test]
fn every_state_takes_its_messages_and_no_others() {
    // spec: 9846-4-k spec: 9846-4-l
    let mut table = String::new();
    let mut seen = Vec::new();
    for course in [Course::Straight, Course::Retry, Course::Request, Course::OwnersAnswer] {
        for stop in 0..12 {
            for receiver in [Side::Client, Side::Server] {
                let (pair, next) = stopped(course, stop);
                let name = pair.side(receiver).state_name();
                let is_its_turn = next.is_none_or(|(to, _)| to == receiver);
                if is_its_turn && !seen.contains(&name) && !name.is_empty() {
                    seen.push(name);
                    row(&mut table, course, stop, receiver, name);
                }
            }
        }
    }
    insta::assert_snapshot!(table);
}

fn row(table: &mut String, course: Course, stop: usize, receiver: Side, name: &str) {
    writeln!(table, "{name}").unwrap();
    for (kind, type_name) in HandshakeType::ALL {
        let (mut pair, next) = stopped(course, stop);
        let level = pair.side(receiver).reading_level();
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
            Err(fault) => fault.alert().to_string(),
        };
        writeln!(table, "    {type_name:<22} {outcome}").unwrap();
    }
}

/// Delivers the first `stop` messages of a course; gives the receiver of the next one, and the message.
fn stopped(course: Course, stop: usize) -> (Pair, Option<(Side, Vec<u8>)>) {
    let groups = if matches!(course, Course::Retry) { vec![NamedGroup::SECP384R1.0] } else { Vec::new() };
    let owner = matches!(course, Course::OwnersAnswer);
    let verifier = client_options().verifier.filter(|_| !owner);
    let mut server = server::Options { groups, ..server_options() };
    match stop {
        0..3 if owner => server.ask_certificate = true,
        3..6 if owner => server.credentials = vec![Arc::new(unsigned(&server.credentials[0]))],
        _ => {}
    }
    let mut pair = Pair::new(client::Options { verifier, ..client_options() }, server);
    let mut queue = Vec::new();
    let mut read = [0; 2];
    for index in 0.. {
        collect(&pair, &mut read, course, &mut queue);
        match queue.get(index).cloned() {
            Some((from, level, message)) if index < stop => {
                if pair.deliver(from.peer(), level, &message).is_err() {
                    return (pair, None); // The course with a CertificateRequest ends early.
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
    Credential {
        chain: credential.chain.clone(),
        signer: None,
        schemes: credential.schemes.clone(),
        signed_with: Vec::new(),
        names: credential.names.clone(),
        ..Credential::default()
    }
}

/// Appends what both sides have sent since the last call.
fn collect(pair: &Pair, read: &mut [usize; 2], course: Course, queue: &mut Vec<(Side, Level, Vec<u8>)>) {
    for (read, (side, flight)) in
        read.iter_mut().zip([(Side::Client, &pair.from_client), (Side::Server, &pair.from_server)])
    {
        for step in &flight.steps[*read..] {
            if let Step::Send { level, message } = step {
                if matches!(course, Course::Request) && message[0] == HandshakeType::CERTIFICATE.0 {
                    queue.push((side, *level, sample(HandshakeType::CERTIFICATE_REQUEST)));
                }
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
    fn state_name(&self) -> &'static str {
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
                client::State::Established(_) => "client Established",
            },
            State::Server(state) => match state {
                server::State::ClientHello(_) => "server AwaitClientHello",
                server::State::SecondClientHello(_) => "server AwaitSecondClientHello",
                server::State::CertificateAnswer(_) => "server AwaitCertificateAnswer",
                server::State::Signature(_) => "server AwaitSignature",
                server::State::Finished(_) => "server AwaitFinished",
                server::State::Established(_) => "server Established",
            },
            State::Over => "",
        }
    }

    fn reading_level(&self) -> Level {
        match &self.state {
            State::Client(state) => state.level(),
            State::Server(state) => state.level(),
            State::Over => Level::Plain,
        }
    }
}
