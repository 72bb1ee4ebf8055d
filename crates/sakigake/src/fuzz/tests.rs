use super::{
    fuzz_accept_encoding, fuzz_alt_svc, fuzz_conditions, fuzz_config, fuzz_hints, fuzz_https_records,
    fuzz_listed_name, fuzz_range, fuzz_target,
};

/// The corpus, and each of it with every bit flipped and at every length.
fn around(samples: &[&str], body: fn(&[u8])) {
    around_by(samples, &body);
}

fn around_by(samples: &[&str], body: &dyn Fn(&[u8])) {
    for sample in samples {
        for end in 0..=sample.len() {
            body(&sample.as_bytes()[..end]);
        }
        for bit in 0..sample.len() * 8 {
            let mut bytes = sample.as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            body(&bytes);
        }
    }
}

#[test]
fn no_target_near_these_leads_out() {
    around(&["/a/%2e%2e/b?c=d", "//../x", "/.well-known/%2Fa", "/a%20%c3%a4/", "/..%5c..%5c"], fuzz_target);
}

#[test]
fn no_range_near_these_sends_too_much() {
    around(
        &[
            "bytes=0-0,-1",
            "bytes=5-,0-18446744073709551615",
            "bytes=-18446744073709551616",
            "bytes=1-2,3-900,500-",
        ],
        fuzz_range,
    );
}

#[test]
fn no_coding_near_these_is_sent_unasked() {
    around(
        &[
            "gzip;q=0.5, br;q=1.0, *;q=0",
            "identity;q=0,zstd",
            "x-gzip , deflate;q=0.001",
            "*;q=0.999,BR;Q=0.",
        ],
        fuzz_accept_encoding,
    );
}

#[test]
fn no_name_near_these_is_markup() {
    around(
        &["<b>&amp;\"'</b>", "a\u{202e}gpj.exe", "\u{7}\u{85}\u{2028}\u{feff}", "./../?x#y\\", "\u{ff1c}%3c"],
        fuzz_listed_name,
    );
}

#[test]
fn no_conditions_near_these_panic() {
    around(
        &["W/\"a\", \"b,c\",, *", "Thu, 01 Jan 2026 00:00:00 GMT", "\"", "W/", "\"0000000000000000\""],
        fuzz_conditions,
    );
}

#[test]
fn no_alternative_near_these_cannot_be_dialled() {
    around(
        &[
            "h3=\":443\"; ma=86400, h3-29=\":443\"; persist=1",
            "w%3Dx=\"[::1]:8443\" ; ma=\"6\\0\",,h2=\"a.test:1\"",
            "clear\n",
        ],
        fuzz_alt_svc,
    );
}

#[test]
fn no_answer_near_these_leads_where_nobody_can_be() {
    const HEAD: &str = "\0\0\u{1}\0\0\u{1}\0\u{1}\0\0\0\0\u{1}a\u{4}test\0\0\u{41}\0\u{1}";
    // The two bytes of flags are no text: they are set here, and a name that is a pointer is spelled out.
    let body = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        if let Some(flags) = bytes.get_mut(2..4) {
            flags.copy_from_slice(&[0x81, 0x80]);
        }
        fuzz_https_records(&bytes);
    };
    let row = "\u{1}a\u{4}test\0\0\u{41}\0\u{1}\0\0\0\u{3c}\0\u{10}\0\u{1}\0\0\u{1}\0\u{3}\u{2}h3\0\u{3}\0\u{2}\u{20}\u{7b}";
    let whole = format!("{HEAD}{row}");
    around_by(&[&whole], &body);
}

#[test]
fn hints_near_these_are_written_as_they_read() {
    around(
        &[
            "</a.css?x=y>; rel=\"x preload\"; as=style; integrity=\"sha256-a\"; crossorigin=use-credentials",
            "[/a/]\n<b>; rel=preload;as=font",
            "<./\\c[/a.css>; rel=preload; as=style",
        ],
        fuzz_hints,
    );
}

#[test]
fn configurations_near_these_are_read_or_refused_in_order() {
    around(
        &[
            "[hosts.\"a.test\"]\nfolder = \"x\"\nheaders = { a = \"b\" }\n[hosts.\"a.test\"]\nkey = 1\n",
            "listen = [\"*:80\", \"[::1]:80\", 5]\r\nlog.access = 'txt'\n",
            "[limits]\nidle = \"1.5 h\"\nhead_size = \"64 KiB\"\nstreams = 0x7f\n",
            "[[hosts]]\n\"\u{5148}\" = \"\"\"a\nb\"\"\" # c\n\tz.y = 1979-05-27T07:32:00Z",
        ],
        fuzz_config,
    );
}
