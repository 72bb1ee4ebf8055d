//! Stories of a client and a server in memory, over the real provider.

pub(crate) mod client_certificates;
mod cookies;
mod early_data;
mod fresh;
mod hostile_client;
mod hostile_resumption;
mod hostile_server;
mod later;
mod later_certificates;
mod matrix;
mod mutations;
pub(crate) mod pair;
mod quic;
pub(crate) mod resumption;
mod rfc_8448;
mod staples;
mod stories;
mod ticket_rules;
mod verdicts;
mod wanted;
