use super::*;
use crate::{
    frame::tests::samples as frames,
    rules::FRAMES,
    trace::tests::{packet, samples},
};
use serde_json::Value;
use std::collections::BTreeSet;

fn written(record: &Record) -> String {
    let start = Instant::from_nanos(1_000_000_000);
    let mut out = String::new();
    let writer = Writer::begin(Side::Client, &ConnectionId::EMPTY, start, &mut out).unwrap();
    out.clear();
    writer.write(start + Span::from_micros(1_250), record, &mut out).unwrap();
    out
}

fn read(record: &Record) -> Value {
    let text = written(record);
    serde_json::from_str(text.trim_start_matches('\x1e')).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The frames of a packet that carries all of them, as a parser that is not ours reads them.
fn read_frames() -> Vec<Value> {
    read(&Record::Sent(packet()))["data"]["frames"].as_array().unwrap().clone()
}

#[test]
fn every_record_is_a_text_that_a_parser_reads() {
    // spec: qlog-main-7-a qlog-main-7.1-a
    let mut names = BTreeSet::new();
    for record in samples() {
        let text = written(&record);
        assert!(text.starts_with('\x1e') && text.ends_with('\n'), "{text}");
        let event = read(&record);
        assert_eq!(event["time"], 1.25);
        assert!(event["data"].is_object());
        names.insert(event["name"].as_str().unwrap().to_owned());
    }
    assert_eq!(names.len(), 22, "{names:?}");
}

#[test]
fn every_record_reads_so() {
    let lines: Vec<String> = samples().iter().map(|record| written(record).replace('\x1e', "<RS>")).collect();
    insta::assert_snapshot!(lines.concat());
}

#[test]
fn names_are_in_lower_case() {
    fn check(value: &Value) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| {
                assert_eq!(*name, name.to_lowercase());
                check(value);
            }),
            Value::Array(items) => items.iter().for_each(check),
            _ => {}
        }
    }
    samples().iter().for_each(|record| check(&read(record)));
}

#[test]
fn text_is_escaped_whatever_a_peer_says() {
    let reason = "\"\\\u{0}\n\u{1f}\u{7f} \u{2028} \u{1f980}";
    let ending = Ending {
        by: Some(Party::Peer),
        code: None,
        reason: reason.as_bytes().to_vec(),
        trigger: Trigger::Error,
    };
    assert_eq!(read(&Record::Closed(ending))["data"]["reason"], reason);
}

#[test]
fn every_frame_of_the_table_has_its_name() {
    let names: BTreeSet<String> =
        read_frames().iter().map(|frame| frame["frame_type"].as_str().unwrap().to_owned()).collect();
    let table: BTreeSet<String> = FRAMES.iter().map(|rule| rule.name.to_ascii_lowercase()).collect();
    assert_eq!(names, table);
    assert_eq!(read_frames().len(), frames().len() + 2, "an ACK and PADDING beside them");
}

#[test]
fn frames_with_a_length_tell_it() {
    // spec: qlog-quic-8.13.7-a qlog-quic-8.13.9-a qlog-quic-8.13.23-a
    for name in ["crypto", "stream", "datagram"] {
        for frame in read_frames().iter().filter(|frame| frame["frame_type"] == name) {
            let (length, payload) = (&frame["raw"]["length"], &frame["raw"]["payload_length"]);
            assert!(length.as_u64().unwrap() > payload.as_u64().unwrap(), "{frame}");
        }
    }
    let crypto = read_frames().into_iter().find(|frame| frame["frame_type"] == "crypto").unwrap();
    assert_eq!(crypto["raw"]["length"], 6, "060103010203");
}

#[test]
fn a_range_of_one_packet_is_one_number() {
    // spec: qlog-quic-8.13.3-a
    let ack = &read_frames()[0];
    assert_eq!(ack["frame_type"], "ack");
    assert_eq!(ack["acked_ranges"], serde_json::json!([[7, 8], [3]]));
    assert_eq!((&ack["ack_delay"], &ack["ect0"], &ack["ce"]), (&0.032.into(), &3.into(), &1.into()));
}

#[test]
fn the_end_is_told_with_what_brought_it() {
    // spec: qlog-quic-4.3-a
    let triggers: Vec<Value> = samples()
        .iter()
        .filter(|record| matches!(record, Record::Closed(_)))
        .map(|record| read(record)["data"]["trigger"].clone())
        .collect();
    assert_eq!(triggers, ["idle_timeout", "application", "error", "error"]);
    let errors: Vec<Value> = samples()
        .iter()
        .filter(|record| matches!(record, Record::Closed(_)))
        .filter_map(|record| read(record)["data"].get("connection_error").cloned())
        .collect();
    assert_eq!(errors, ["crypto_error_0x10a", "protocol_violation"]);
}

#[test]
fn an_output_that_is_full_is_told() {
    struct Full;
    impl Write for Full {
        fn write_str(&mut self, _: &str) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    assert!(Writer::begin(Side::Server, &ConnectionId::EMPTY, Instant::from_nanos(0), &mut Full).is_err());
}
