//! Frames as draft-ietf-quic-qlog-quic-events section 8.13 names them.

use super::json::Json;
use crate::{
    Fault,
    frame::{Ack, ConnectionClose, Direction, Frame},
    rules::{codes::TransportErrorCode, frames},
};
use sakigake_wire::varint_len;

/// One frame of a packet whose sender scales ACK delays by `exponent`.
pub(super) fn frame(json: &mut Json<'_>, frame: &Frame<'_>, exponent: u64) {
    json.string("frame_type", &name(frame.kind()));
    match frame {
        Frame::Padding(bytes) => raw(json, None, *bytes),
        Frame::Ping | Frame::HandshakeDone | Frame::ImmediateAck => {}
        Frame::Ack(frame) => ack(json, frame, exponent),
        Frame::ResetStream(frame) => {
            json.number("stream_id", frame.id);
            application_error(json, frame.code);
            json.number("final_size", frame.final_size);
        }
        Frame::ResetStreamAt(frame) => {
            json.number("stream_id", frame.id);
            application_error(json, frame.code);
            json.number("final_size", frame.final_size);
            json.number("reliable_size", frame.reliable_size);
        }
        Frame::StopSending(frame) => {
            json.number("stream_id", frame.id);
            application_error(json, frame.code);
        }
        Frame::Crypto(frame) => {
            json.number("offset", frame.offset);
            let head = 1 + varint_len(frame.offset) + varint_len(frame.data.len() as u64);
            raw(json, Some(head), frame.data.len()); // spec: qlog-quic-8.13.7-a
        }
        Frame::NewToken(frame) => json.member("token", |json| raw(json, Some(0), frame.token.len())),
        Frame::Stream(frame) => {
            json.number("stream_id", frame.id);
            json.number("offset", frame.offset);
            json.bool("fin", frame.fin);
            let offset = if frame.offset > 0 { varint_len(frame.offset) } else { 0 };
            let length = if frame.to_end { 0 } else { varint_len(frame.data.len() as u64) };
            raw(json, Some(1 + varint_len(frame.id) + offset + length), frame.data.len()); // spec: qlog-quic-8.13.9-a
        }
        Frame::MaxData(frame) => json.number("maximum", frame.maximum),
        Frame::MaxStreamData(frame) => {
            json.number("stream_id", frame.id);
            json.number("maximum", frame.maximum);
        }
        Frame::MaxStreams(frame) => {
            json.string("stream_type", direction(frame.direction));
            json.number("maximum", frame.maximum);
        }
        Frame::DataBlocked(frame) => json.number("limit", frame.maximum),
        Frame::StreamDataBlocked(frame) => {
            json.number("stream_id", frame.id);
            json.number("limit", frame.maximum);
        }
        Frame::StreamsBlocked(frame) => {
            json.string("stream_type", direction(frame.direction));
            json.number("limit", frame.maximum);
        }
        frame => rare(json, frame),
    }
}

/// Frames that come seldom.
fn rare(json: &mut Json<'_>, frame: &Frame<'_>) {
    match frame {
        Frame::NewConnectionId(frame) => {
            json.number("sequence_number", frame.sequence);
            json.number("retire_prior_to", frame.retire_prior_to);
            json.number("connection_id_length", frame.id.len() as u64);
            json.hex("connection_id", frame.id);
        }
        Frame::RetireConnectionId(frame) => json.number("sequence_number", frame.sequence),
        Frame::PathChallenge(frame) => json.hex("data", &frame.data),
        Frame::PathResponse(frame) => json.hex("data", &frame.data),
        Frame::ConnectionClose(frame) => close(json, frame),
        Frame::Datagram(frame) => {
            let length = if frame.to_end { 0 } else { varint_len(frame.data.len() as u64) };
            raw(json, Some(1 + length), frame.data.len()); // spec: qlog-quic-8.13.23-a
        }
        Frame::AckFrequency(frame) => {
            json.number("sequence_number", frame.sequence);
            json.number("ack_eliciting_threshold", frame.ack_eliciting_threshold);
            json.number("requested_max_ack_delay", frame.requested_max_ack_delay_us);
            json.number("reordering_threshold", frame.reordering_threshold);
        }
        _ => {}
    }
}

/// A frame that is none.
pub(super) fn unknown(json: &mut Json<'_>, fault: &Fault) {
    json.string("frame_type", "unknown");
    json.number("frame_type_bytes", fault.frame_type());
}

/// The frame table's name, in lower case.
fn name(kind: u64) -> String {
    frames::name(kind).to_ascii_lowercase()
}

/// A frame's length, where its `head` is known, and that of its payload.
fn raw(json: &mut Json<'_>, head: Option<usize>, payload: usize) {
    json.member("raw", |json| {
        if let Some(head) = head {
            json.number("length", (head + payload) as u64);
        }
        json.number("payload_length", payload as u64);
    });
}

fn ack(json: &mut Json<'_>, frame: &Ack<'_>, exponent: u64) {
    json.millis("ack_delay", frame.delay(exponent));
    json.array("acked_ranges", |json| {
        for range in frame.ranges() {
            match range.end - range.start {
                1 => json.numbers(&[range.start]), // spec: qlog-quic-8.13.3-a
                _ => json.numbers(&[range.start, range.end - 1]),
            }
        }
    });
    if let Some(ecn) = frame.ecn {
        json.number("ect1", ecn.ect1);
        json.number("ect0", ecn.ect0);
        json.number("ce", ecn.ce);
    }
}

fn close(json: &mut Json<'_>, frame: &ConnectionClose<'_>) {
    match frame.frame_type {
        Some(kind) => {
            json.string("error_space", "transport");
            transport_error(json, "error", frame.code);
            reason(json, frame.reason);
            match frames::frame(kind) {
                Some(_) => json.string("trigger_frame_type", &name(kind)),
                None => json.number("trigger_frame_type", kind),
            }
        }
        None => {
            json.string("error_space", "application");
            application_error(json, frame.code);
            reason(json, frame.reason);
        }
    }
}

/// A reason phrase: as text where it is text, else in hex.
pub(super) fn reason(json: &mut Json<'_>, bytes: &[u8]) {
    match core::str::from_utf8(bytes) {
        Ok("") => {}
        Ok(text) => json.string("reason", text),
        Err(_) => json.hex("reason_bytes", bytes),
    }
}

/// A code that QUIC gives no name.
pub(super) fn application_error(json: &mut Json<'_>, code: u64) {
    json.string("error", "unknown");
    json.number("error_code", code);
}

/// A transport error code by its name, as member `member`.
pub(super) fn transport_error(json: &mut Json<'_>, member: &str, code: u64) {
    let error = TransportErrorCode(code);
    match (error.alert(), error.name()) {
        (Some(_), _) => json.text(member, format_args!("crypto_error_{code:#05x}")),
        // The schema does not know RFC 9368's code.
        (None, Some(name)) if error != TransportErrorCode::VERSION_NEGOTIATION_ERROR => {
            json.string(member, &name.to_ascii_lowercase());
        }
        _ => {
            json.string(member, "unknown");
            json.number("error_code", code);
        }
    }
}

const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Bidirectional => "bidirectional",
        Direction::Unidirectional => "unidirectional",
    }
}
