//! Handshakes as QUIC carries them: bytes by level, no records (RFC 9001 sections 4 and 8).

mod early_data;
mod hostile_client;
mod hostile_server;
mod later;
mod pair;
mod resumption;
mod stories;
mod vectors;

pub(super) use early_data::tcp_pair as early_pair;
pub(super) use pair::{answer, client, server};
