use super::*;

#[test]
fn every_transition_of_the_sending_part_is_that_of_figure_2() {
    use SendEvent::{AllAcked, Fin, Reset, ResetAcked, Stream};
    use SendState::{DataReceived, DataSent, Ready, ResetReceived, ResetSent, Send};
    let events = [Stream, Fin, Reset, AllAcked, ResetAcked];
    let table = [
        (Ready, [Send, DataSent, ResetSent, Ready, Ready]),
        (Send, [Send, DataSent, ResetSent, Send, Send]),
        (DataSent, [DataSent, DataSent, ResetSent, DataReceived, DataSent]),
        (DataReceived, [DataReceived; 5]),
        (ResetSent, [ResetSent, ResetSent, ResetSent, DataReceived, ResetReceived]),
        (ResetReceived, [ResetReceived; 5]),
    ];
    for (state, row) in table {
        for (event, after) in events.into_iter().zip(row) {
            assert_eq!(state.after(event), after, "{state:?} {event:?}");
        }
    }
}

#[test]
fn every_transition_of_the_receiving_part_is_that_of_figure_3() {
    use ReceiveEvent::{AllData, Fin, ReadAll, ReadReset, Reset};
    use ReceiveState::{DataRead, DataReceived, Receive, ResetRead, ResetReceived, SizeKnown};
    let events = [Fin, AllData, Reset, ReadAll, ReadReset];
    let table = [
        (Receive, [SizeKnown, Receive, ResetReceived, Receive, Receive]),
        (SizeKnown, [SizeKnown, DataReceived, ResetReceived, SizeKnown, SizeKnown]),
        (DataReceived, [DataReceived, DataReceived, DataReceived, DataRead, DataReceived]),
        (DataRead, [DataRead; 5]),
        (ResetReceived, [ResetReceived, ResetReceived, ResetReceived, ResetReceived, ResetRead]),
        (ResetRead, [ResetRead; 5]),
    ];
    for (state, row) in table {
        for (event, after) in events.into_iter().zip(row) {
            assert_eq!(state.after(event), after, "{state:?} {event:?}");
        }
    }
}

#[test]
fn after_a_reset_no_stream_frame_leaves() {
    use SendState::{DataReceived, DataSent, Ready, ResetReceived, ResetSent, Send};
    let table = [
        (Ready, true),
        (Send, true),
        (DataSent, true),
        (DataReceived, false),
        (ResetSent, false),
        (ResetReceived, false),
    ];
    for (state, may) in table {
        assert_eq!(state.may_send(), may, "{state:?}"); // spec: 9000-3.3-a
    }
}
