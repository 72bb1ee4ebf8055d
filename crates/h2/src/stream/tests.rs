use super::*;
use core::fmt::Write;

#[test]
fn the_states_answer_as_figure_2_and_its_text_say() {
    let states = [
        State::Idle,
        State::Open,
        State::HalfClosedLocal,
        State::HalfClosedRemote,
        State::Closed(Cause::Ended),
        State::Closed(Cause::PeerReset),
        State::Closed(Cause::LocalReset),
        State::Closed(Cause::Forgotten),
    ];
    let frames = [
        ("HEADERS", kind::HEADERS, false),
        ("HEADERS END_STREAM", kind::HEADERS, true),
        ("DATA", kind::DATA, false),
        ("DATA END_STREAM", kind::DATA, true),
        ("RST_STREAM", kind::RST_STREAM, false),
        ("WINDOW_UPDATE", kind::WINDOW_UPDATE, false),
        ("PRIORITY", kind::PRIORITY, false),
    ];
    let mut matrix = String::new();
    for state in states {
        writeln!(matrix, "{state:?}").unwrap();
        for (name, frame, end) in frames {
            let answer = match state.receive(frame, end) {
                Ok(Heard::Now(next)) if next == state => "stays".into(),
                Ok(Heard::Now(next)) => format!("-> {next:?}"),
                Ok(Heard::Ignored) => "ignored".into(),
                Err(fault) => format!("{:?} error {:?}", fault.scope(), fault.code()),
            };
            writeln!(matrix, "  receives {name}: {answer}").unwrap();
        }
        writeln!(matrix, "  sends END_STREAM: -> {:?}", state.sent_end()).unwrap();
    }
    insta::assert_snapshot!(matrix);
}
