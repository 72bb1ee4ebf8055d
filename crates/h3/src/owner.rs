//! A connection as those see it who do not ask which version of HTTP it speaks.

use crate::{Connection, ErrorCode, rules};
use sakigake_semantics::{
    Chunk, Fields, Http, Misuse, Origin, OriginSet, Priority, Reason, Request, Response, Source, StreamId,
};
use sakigake_wire::Instant;

impl Http for Connection {
    fn request(&mut self, request: &Request, end: bool) -> Result<StreamId, Misuse> {
        self.request(request, end)
    }

    fn respond(&mut self, stream: StreamId, response: &Response, end: bool) -> Result<(), Misuse> {
        self.respond(stream, response, end)
    }

    fn send(&mut self, stream: StreamId, chunk: Chunk, end: bool) -> Result<(), Misuse> {
        self.send(stream, chunk, end)
    }

    fn send_from(
        &mut self,
        stream: StreamId,
        source: Box<dyn Source>,
        len: u64,
        end: bool,
    ) -> Result<(), Misuse> {
        self.send_from(stream, source, len, end)
    }

    fn trailers(&mut self, stream: StreamId, fields: &Fields) -> Result<(), Misuse> {
        self.trailers(stream, fields)
    }

    fn room(&self, stream: StreamId) -> usize {
        self.room(stream)
    }

    fn has_sent_end(&self, stream: StreamId) -> bool {
        self.has_sent_end(stream)
    }

    fn queued(&self, stream: StreamId) -> u64 {
        self.queued(stream)
    }

    fn queued_bytes(&self) -> u64 {
        self.queued_bytes()
    }

    fn held_bytes(&self) -> usize {
        self.held_bytes()
    }

    fn open_streams(&self) -> usize {
        self.open_streams()
    }

    fn runs_dry_within(&self, bytes: usize, stream: StreamId) -> bool {
        self.runs_dry_within(bytes, stream)
    }

    fn consume(&mut self, _: Instant, stream: StreamId, bytes: usize) {
        self.consume(stream, bytes);
    }

    fn reset(&mut self, stream: StreamId, reason: Reason) {
        self.reset(stream, code(reason));
    }

    fn prioritise(&mut self, stream: StreamId, priority: Priority) {
        self.prioritise(stream, priority);
    }

    fn close(&mut self, reason: Reason) {
        self.close(code(reason));
    }

    fn has_given_up(&self) -> bool {
        self.has_given_up()
    }

    fn ask_catch_up(&mut self) {
        self.ask_catch_up();
    }

    fn has_caught_up(&self) -> bool {
        self.has_caught_up()
    }

    fn peer_header_list_bytes(&self) -> u64 {
        self.peer_header_list_bytes()
    }

    fn knows_preload(&self) -> bool {
        self.knows_preload()
    }

    fn knows_extended_connect(&self) -> bool {
        self.knows_extended_connect()
    }

    fn origins(&self) -> Option<&OriginSet> {
        self.origins()
    }

    fn connected_to(&mut self, origin: Origin) {
        self.connected_to(origin);
    }

    fn misdirected(&mut self, origin: &Origin) {
        self.misdirected(origin);
    }

    fn code(&self, reason: Reason) -> u64 {
        code(reason).wire()
    }

    fn error_name(&self, code: u64) -> &'static str {
        rules::error_name(code)
    }
}

const fn code(reason: Reason) -> ErrorCode {
    match reason {
        Reason::NoError => ErrorCode::NoError,
        Reason::InternalError => ErrorCode::InternalError,
        Reason::Cancel => ErrorCode::RequestCancelled,
        Reason::ConnectError => ErrorCode::ConnectError,
    }
}
