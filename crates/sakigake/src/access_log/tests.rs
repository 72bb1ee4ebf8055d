use super::{AccessLog, Entry, Format, VISIT_BYTES, combined, common, json, text};
use http::{HeaderMap, HeaderValue};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

fn entry(path: &[u8]) -> Entry<'_> {
    Entry {
        at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_295_045_007),
        client: "127.0.0.1:40000".parse().expect("an address"),
        identity: "",
        protocol: "h2",
        host: "a.test",
        method: b"GET",
        path,
        status: 200,
        bytes: 1234,
        took: Duration::from_micros(1500),
        whole: true,
        hinted: false,
        hints: 3,
        early_hints: 0,
        referer: b"",
        user_agent: b"",
    }
}

#[test]
fn a_line_for_people() {
    assert_eq!(
        text(&entry(b"/a?b"), false),
        "2026-11-21T21:04:05.007Z 127.0.0.1:40000       h2       GET  200      1234   1.50 ms /a?b  +3 hints\n"
    );
}

#[test]
fn a_103_is_told_from_a_frame() {
    let entry = Entry { hints: 0, early_hints: 16, ..entry(b"/") };
    assert!(text(&entry, false).ends_with(" /  +16 early hints\n"), "{}", text(&entry, false));
    assert!(json(&entry).ends_with("\"hints\":0,\"early_hints\":16}\n"), "{}", json(&entry));
}

#[test]
fn a_line_for_programs() {
    assert_eq!(
        json(&entry(b"/a?b")),
        "{\"time\":\"2026-11-21T21:04:05.007Z\",\"client\":\"127.0.0.1:40000\",\"protocol\":\"h2\",\
         \"host\":\"a.test\",\"method\":\"GET\",\"path\":\"/a?b\",\"status\":200,\"bytes\":1234,\"ms\":1.500,\"whole\":true,\
         \"hinted\":false,\"hints\":3,\"early_hints\":0}\n"
    );
}

#[test]
fn a_peer_cannot_write_to_the_terminal() {
    for (path, as_text, as_json) in [
        (b"/\x1b[2J".as_slice(), "/\\x1b[2J", "/\\u001b[2J"),
        (b"/a\r\nforged", "/a\\x0d\\x0aforged", "/a\\u000d\\u000aforged"),
        (b"/\"\\", "/\"\\\\", "/\\\"\\\\"),
        (b"/\0\x7f", "/\\x00\\x7f", "/\\u0000\\u007f"),
        ("/\u{9b}31m".as_bytes(), "/\\xc2\\x9b31m", "/\\u009b31m"),
        ("/\u{202e}x".as_bytes(), "/\\xe2\\x80\\xaex", "/\\u202ex"),
        ("/\u{1f600}".as_bytes(), "/\\xf0\\x9f\\x98\\x80", "/\\ud83d\\ude00"),
        (b"/\xff", "/\\xff", "/\\ufffd"),
    ] {
        let (line, object) = (text(&entry(path), false), json(&entry(path)));
        assert!(line.contains(&format!(" {as_text}  +")), "{line}");
        assert!(object.contains(&format!("\"path\":\"{as_json}\",")), "{object}");
    }
    for byte in 0..=255 {
        for line in [text(&entry(&[byte]), false), json(&entry(&[byte]))] {
            assert!(line.trim_end_matches('\n').bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
        }
    }
}

#[test]
fn a_line_for_tools() {
    assert_eq!(
        common(&entry(b"/a?\"\x1b")),
        "127.0.0.1 - - [21/Nov/2026:21:04:05 +0000] \"GET /a?\\\"\\x1b HTTP/2.0\" 200 1234\n"
    );
}

#[test]
fn a_line_says_where_clients_come_from() {
    fn line(referer: &[u8], user_agent: &[u8]) -> String {
        combined(&Entry { referer, user_agent, ..entry(b"/") })
    }
    let common = "127.0.0.1 - - [21/Nov/2026:21:04:05 +0000] \"GET / HTTP/2.0\" 200 1234";
    assert_eq!(
        line(b"https://a.test/?\"", b"curl/8.14"),
        format!("{common} \"https://a.test/?\\\"\" \"curl/8.14\"\n")
    );
    assert_eq!(line(b"", b""), format!("{common} \"-\" \"-\"\n"));
    // Nothing that a client says ends its quotation, its line, or the terminal's peace.
    for byte in 0..=255_u8 {
        let line = line(&[byte, b'x'], b"y");
        assert!(line.trim_end_matches('\n').bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        let inside = match byte {
            b'"' => "\\\"".to_owned(),
            b'\\' => "\\\\".to_owned(),
            b' '..=b'~' => char::from(byte).to_string(),
            _ => format!("\\x{byte:02x}"),
        };
        assert!(line.ends_with(&format!(" \"{inside}x\" \"y\"\n")), "{line}");
    }
}

#[test]
fn what_a_client_says_of_itself_is_kept_only_where_it_is_written_and_only_so_much() {
    let mut fields = HeaderMap::new();
    let long = vec![b'a'; VISIT_BYTES + 1];
    fields.append("user-agent", HeaderValue::from_bytes(&long).expect("a value"));
    fields.append("referer", HeaderValue::from_static("/first"));
    fields.append("referer", HeaderValue::from_static("/second"));
    for format in [Format::Text, Format::Json, Format::Common] {
        assert_eq!(AccessLog::new(format, Box::new(Kept::default())).visit(&fields), None);
    }
    assert_eq!(AccessLog::off().visit(&fields), None);
    let visit =
        AccessLog::new(Format::Combined, Box::new(Kept::default())).visit(&fields).expect("it is asked for");
    assert_eq!((visit.user_agent.len(), &visit.referer[..]), (VISIT_BYTES, &b"/first"[..]));
}

/// Keeps each write apart; takes none while it is held.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Vec<u8>>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics here").push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_write_holds_whole_lines_and_the_last_ones_are_not_lost() {
    let kept = Kept::default();
    let log = AccessLog::new(Format::Text, Box::new(kept.clone()));
    log.write(&entry(b"/a"));
    log.clone().write(&entry(b"/b"));
    log.failure("[::1]:5".parse().expect("an address"), "the peer said \x1b[2J");
    drop(log);
    let writes = kept.0.lock().expect("no test panics here");
    assert!(writes.iter().all(|write| write.ends_with(b"\n") && !write.contains(&0x1b)));
    let all = writes.concat();
    assert_eq!(all.split(|byte| *byte == b'\n').count(), 4);
    assert!(all.ends_with(b"Z [::1]:5               the peer said \\x1b[2J\n"), "{writes:?}");
}

#[test]
fn a_slow_log_loses_lines_and_says_so_and_nobody_waits() {
    for (format, lost) in [(Format::Common, "3 lines are missing here"), (Format::Json, "{\"lost\":3}\n")] {
        let kept = Kept::default();
        let held = kept.0.lock().expect("no test panics here");
        let len = match format {
            Format::Json => json(&entry(b"/1")).len(),
            _ => common(&entry(b"/1")).len(),
        };
        let log = AccessLog::with(format, false, 2 * len, Box::new(kept.clone()));
        log.write(&entry(b"/1"));
        // The writer takes the first line, and waits.
        let queue = &log.0.as_ref().expect("it is on").queue;
        while !queue.is_taken() {
            std::thread::yield_now();
        }
        for path in [b"/2", b"/3", b"/4", b"/5", b"/6"] {
            log.write(&entry(path));
        }
        assert_eq!(log.lost(), 3);
        drop(held);
        drop(log);
        let all = String::from_utf8(kept.0.lock().expect("no test panics here").concat()).expect("text");
        assert!(all.contains("/3") && !all.contains("/4") && all.contains(lost), "{all}");
    }
}

#[test]
fn a_log_that_is_off_says_nothing() {
    let log = AccessLog::off();
    log.write(&entry(b"/a"));
    assert!(log.is_off() && log.lost() == 0);
}

#[test]
fn who_the_client_is_stands_in_every_format() {
    let entry = Entry { identity: "CN=al \"ice\x1b,O=x", ..entry(b"/") };
    assert!(text(&entry, false).ends_with("  CN=al \"ice\\x1b,O=x\n"), "{}", text(&entry, false));
    assert!(json(&entry).ends_with(",\"identity\":\"CN=al \\\"ice\\u001b,O=x\"}\n"), "{}", json(&entry));
    let line = common(&entry);
    assert!(line.starts_with("127.0.0.1 - CN=al\\x20\\\"ice\\x1b,O=x [21/"), "{line}");
}
