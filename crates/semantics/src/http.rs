//! What an owner asks of an HTTP engine, whichever version it speaks.

use crate::{Chunk, Fields, Origin, OriginSet, Priority, Request, Response, Source, StreamId};
use core::fmt;
use sakigake_wire::Instant;

/// An HTTP connection as its owner sees it: the same over HTTP/2 and HTTP/3. What it asks for waits in the engine until that
/// says it to the peer.
pub trait Http {
    /// Sends a request; with `end` it has no body. The peer need not have been heard of before. Names are in lower case.
    ///
    /// # Errors
    /// [`Misuse`]; nothing was changed. So it is with all that is asked here.
    fn request(&mut self, request: &Request, end: bool) -> Result<StreamId, Misuse>;

    /// Sends a response, interim (1xx, any number) or final; with `end` it has no body.
    ///
    /// # Errors
    /// [`Misuse`].
    fn respond(&mut self, stream: StreamId, response: &Response, end: bool) -> Result<(), Misuse>;

    /// Queues a piece of the body by reference; with `end` it is the last, and may be empty. A chunk is taken when it
    /// fits into [`Http::room`], or when nothing is queued.
    ///
    /// # Errors
    /// [`Misuse`].
    fn send(&mut self, stream: StreamId, chunk: Chunk, end: bool) -> Result<(), Misuse>;

    /// Queues `len` bytes of a body that are asked for where they leave; with `end` they are the last. They take no
    /// [`Http::room`].
    ///
    /// # Errors
    /// [`Misuse`].
    fn send_from(
        &mut self,
        stream: StreamId,
        source: Box<dyn Source>,
        len: u64,
        end: bool,
    ) -> Result<(), Misuse>;

    /// Ends the body with fields after it.
    ///
    /// # Errors
    /// [`Misuse`].
    fn trailers(&mut self, stream: StreamId, fields: &Fields) -> Result<(), Misuse>;

    /// Bytes that the stream's send queue still takes; 0 when nothing may be sent on it.
    fn room(&self, stream: StreamId) -> usize;

    /// Whether everything that the owner had to say on the stream has left, or nothing more can.
    fn has_sent_end(&self, stream: StreamId) -> bool;

    /// Bytes of the stream's body that have yet to leave.
    fn queued(&self, stream: StreamId) -> u64;

    /// The same of all streams.
    fn queued_bytes(&self) -> u64;

    /// Those of them that take memory: all but a [`Source`]'s.
    fn held_bytes(&self) -> usize;

    /// Streams that live: each may have something queued.
    fn open_streams(&self) -> usize;

    /// Whether fewer than that many bytes are queued that could leave with this stream's next ones or before them, so that
    /// less urgent ones follow within as many: the owner who cannot fill all queues should fill this one.
    fn runs_dry_within(&self, bytes: usize, stream: StreamId) -> bool;

    /// The owner has read that many bytes of the stream's body: their credit goes back to the peer in time.
    fn consume(&mut self, now: Instant, stream: StreamId, bytes: usize);

    /// Ends a stream at once, whatever its state. No event follows.
    fn reset(&mut self, stream: StreamId, reason: Reason);

    /// Says how soon a stream's response is wanted (RFC 9218).
    fn prioritise(&mut self, stream: StreamId, priority: Priority);

    /// Ends everything at once. No event follows.
    fn close(&mut self, reason: Reason);

    /// Whether it was ended at once, by a fault or by [`Http::close`]: what its streams had yet to send is lost.
    fn has_given_up(&self) -> bool;

    /// Asks the peer, once, whether it has read all that was sent up to here.
    fn ask_catch_up(&mut self);

    /// Whether the peer has said that it read what [`Http::ask_catch_up`] asked about.
    fn has_caught_up(&self) -> bool;

    /// Bytes of a field section that the peer takes, counted as RFC 9113 section 6.5.2 does, so far as it said.
    fn peer_header_list_bytes(&self) -> u64;

    /// Whether the client said that it acts on PRELOAD frames.
    fn knows_preload(&self) -> bool;

    /// Whether the server understands extended CONNECT: not before its SETTINGS were heard.
    fn knows_extended_connect(&self) -> bool;

    /// A client's origin set: `None` until the server has sent ORIGIN, and then only what is in it may be asked for here.
    fn origins(&self) -> Option<&OriginSet>;

    /// Says which origin a client connected to.
    fn connected_to(&mut self, origin: Origin);

    /// A response said 421: the connection is not for that origin.
    fn misdirected(&mut self, origin: &Origin);

    /// The number that the protocol has for a reason.
    fn code(&self, reason: Reason) -> u64;

    /// The name that the protocol's registry has for an error code.
    fn error_name(&self, code: u64) -> &'static str;
}

/// Why an owner ends a stream or a connection, in the words that HTTP/2 and HTTP/3 share (RFC 9114 section 8.1 and appendix
/// A.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nothing is wrong: NO_ERROR, H3_NO_ERROR.
    NoError,
    /// It is our own fault: INTERNAL_ERROR, H3_INTERNAL_ERROR.
    InternalError,
    /// Nobody needs it any more: CANCEL, H3_REQUEST_CANCELLED.
    Cancel,
    /// A tunnel's other connection broke: CONNECT_ERROR, H3_CONNECT_ERROR.
    ConnectError,
}

/// The owner asked for what cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// The connection takes no new streams, or has ended.
    Closing,
    /// That is for the other end to do.
    Role,
    /// No such stream, or no longer.
    UnknownStream,
    /// Out of order: DATA before a response, a second response, anything after the end.
    Order,
    /// The peer allows no further stream at present.
    TooManyStreams,
    /// All stream numbers are used up: a new connection is needed.
    NoMoreStreams,
    /// The stream's send queue has no room for it (see [`Http::room`]).
    Full,
    /// Longer than the peer takes: a PRELOAD block, a field section.
    TooLarge,
    /// The server did not say that it understands extended CONNECT (RFC 8441 section 3, RFC 9220 section 3).
    Protocol,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closing => "the connection takes no new streams",
            Self::Role => "that is for the other end to do",
            Self::UnknownStream => "there is no such stream",
            Self::Order => "the stream's message is past that, or not there yet",
            Self::TooManyStreams => "the peer allows no further stream at present",
            Self::NoMoreStreams => "all stream numbers are used up",
            Self::Full => "the stream's send queue is full",
            Self::TooLarge => "it is longer than the peer takes",
            Self::Protocol => "the server does not understand extended CONNECT",
        })
    }
}

impl core::error::Error for Misuse {}
