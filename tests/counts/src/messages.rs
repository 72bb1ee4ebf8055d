//! What browsers and servers really say: the lines of Chromium's request for a page over HTTP/2, h2load's for anything, and a
//! server's answer to the first.

/// Name and value.
pub(crate) type Line = (&'static str, &'static str);

/// Chromium 141 on Linux asks for a page's script.
pub(crate) const REQUEST: [Line; 17] = [
    (":method", "GET"),
    (":authority", "localhost"),
    (":scheme", "https"),
    (":path", "/file.js"),
    ("sec-ch-ua-platform", "\"Linux\""),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    ),
    ("sec-ch-ua", "\"Google Chrome\";v=\"141\", \"Not?A_Brand\";v=\"8\", \"Chromium\";v=\"141\""),
    ("dnt", "1"),
    ("sec-ch-ua-mobile", "?0"),
    ("accept", "*/*"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-mode", "no-cors"),
    ("sec-fetch-dest", "script"),
    ("referer", "https://localhost/articles/2026/11/a-page-of-some-length"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
    ("priority", "u=1"),
];

/// h2load 1.52.
pub(crate) const LOAD: [Line; 5] = [
    (":path", "/file.js"),
    (":scheme", "https"),
    (":authority", "localhost"),
    (":method", "GET"),
    ("user-agent", "h2load nghttp2/1.52.0"),
];

/// nginx 1.22 with the usual security fields of a site, for a script.
pub(crate) const RESPONSE: [Line; 13] = [
    (":status", "200"),
    ("server", "nginx/1.22.1"),
    ("date", "Sun, 22 Nov 2026 03:44:44 GMT"),
    ("content-type", "application/javascript; charset=utf-8"),
    ("content-length", "16384"),
    ("last-modified", "Thu, 19 Nov 2026 10:11:12 GMT"),
    ("vary", "Accept-Encoding"),
    ("etag", "\"691d9930-4000\""),
    ("cache-control", "public, max-age=31536000, immutable"),
    ("strict-transport-security", "max-age=63072000; includeSubDomains; preload"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("accept-ranges", "bytes"),
];
