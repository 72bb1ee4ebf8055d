//! The states of a stream's two parts (RFC 9000, sections 3.1 and 3.2), each as its figure has them.

/// The part that sends.
///
/// ```text
/// Ready --Stream--> Send --Fin--> DataSent --AllAcked--> DataReceived
///   |                 |              |
///   '------Reset------+--------------+-----> ResetSent --ResetAcked--> ResetReceived
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendState {
    Ready,
    Send,
    DataSent,
    DataReceived,
    ResetSent,
    ResetReceived,
}

/// What moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendEvent {
    /// STREAM or STREAM_DATA_BLOCKED left.
    Stream,
    /// STREAM with FIN left, or RESET_STREAM_AT.
    Fin,
    /// RESET_STREAM left, or is about to.
    Reset,
    /// The peer has everything that it was promised.
    AllAcked,
    /// The peer has the RESET_STREAM.
    ResetAcked,
}

impl SendState {
    /// Where an event leads; most lead nowhere from most states.
    pub(crate) const fn after(self, event: SendEvent) -> Self {
        use SendEvent as Event;
        match (self, event) {
            (Self::Ready, Event::Stream) => Self::Send,
            (Self::Ready | Self::Send, Event::Fin) => Self::DataSent,
            (Self::Ready | Self::Send | Self::DataSent, Event::Reset) => Self::ResetSent,
            // All data may come to be acknowledged while the reset is under way, which makes it needless (section 13.3).
            (Self::DataSent | Self::ResetSent, Event::AllAcked) => Self::DataReceived,
            (Self::ResetSent, Event::ResetAcked) => Self::ResetReceived,
            (state, _) => state,
        }
    }

    /// Whether nothing more can leave.
    pub(crate) const fn is_terminal(self) -> bool {
        matches!(self, Self::DataReceived | Self::ResetReceived)
    }

    /// Whether STREAM frames may leave, if only again.
    pub(crate) const fn may_send(self) -> bool {
        matches!(self, Self::Ready | Self::Send | Self::DataSent) // spec: 9000-3.3-a
    }
}

/// The part that receives.
///
/// ```text
/// Receive --Fin--> SizeKnown --AllData--> DataReceived --ReadAll--> DataRead
///    |                |
///    '-----Reset------+------> ResetReceived --ReadReset--> ResetRead
/// ```
/// A reset that comes when all data is here is withheld, as the section allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReceiveState {
    Receive,
    SizeKnown,
    DataReceived,
    DataRead,
    ResetReceived,
    ResetRead,
}

/// What moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReceiveEvent {
    /// STREAM with FIN came, or RESET_STREAM_AT.
    Fin,
    /// Nothing is missing below the final size.
    AllData,
    /// RESET_STREAM came, or all that RESET_STREAM_AT had promised.
    Reset,
    /// The owner has read everything.
    ReadAll,
    /// The owner knows of the reset.
    ReadReset,
}

impl ReceiveState {
    /// Where an event leads.
    pub(crate) const fn after(self, event: ReceiveEvent) -> Self {
        use ReceiveEvent as Event;
        match (self, event) {
            (Self::Receive, Event::Fin) => Self::SizeKnown,
            (Self::SizeKnown, Event::AllData) => Self::DataReceived,
            (Self::Receive | Self::SizeKnown, Event::Reset) => Self::ResetReceived,
            (Self::DataReceived, Event::ReadAll) => Self::DataRead,
            (Self::ResetReceived, Event::ReadReset) => Self::ResetRead,
            (state, _) => state,
        }
    }

    /// Whether nothing of it is of interest any more.
    pub(crate) const fn is_terminal(self) -> bool {
        matches!(self, Self::DataRead | Self::ResetRead)
    }

    /// Whether data may still be missing.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::Receive | Self::SizeKnown)
    }
}

#[cfg(test)]
mod tests;
