use super::*;

const CORPUS: &[&str] = &[
    "",
    "\u{3}<img src=a><style>@import 'b';c{d:url(e)}</style><script src=f></script>",
    "\u{0}<!--><img src=x>--!><img src=y>",
    "\u{1}<script><!--<script></script><img src=no>--></script><img src=yes>",
    "\u{2}<picture><source srcset='a,, b 1e400w,c -1x, d (,) 2x'><img></picture>",
    "\u{5}<a b=&#0;&#xD800;&#x110000;&notit;&am><link rel=preload as=image imagesrcset=',,,' href='//:0'>",
    "\u{7}<svg><![CDATA[<img src=a>]]><style>x{a:url(b)}</svg></style><plaintext><img src=c>",
    "@import url(;@font-face{src:url(a) url(b);unicode-range:U+??????}@media{@media(",
    "url(a)\"\\\n{[(url('b'image-set(url(image-set(\"c\"",
    "//a:b@c/../..\\%\u{0}?#",
    "https:///\u{feff}../x",
];

#[test]
fn the_corpus_and_all_its_truncations_hold() {
    for sample in CORPUS {
        for end in 0..=sample.len() {
            let bytes = &sample.as_bytes()[..end];
            fuzz_html(bytes);
            fuzz_css(bytes);
            fuzz_url(bytes);
        }
    }
}

#[test]
fn no_bit_flip_breaks_a_scan() {
    for sample in CORPUS {
        for bit in 0..sample.len() * 8 {
            let mut bytes = sample.as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            fuzz_html(&bytes);
            fuzz_css(&bytes);
            fuzz_url(&bytes);
        }
    }
}

#[test]
fn calls_in_any_order_leave_a_load_whole() {
    // A plain linear congruence: what matters is that the orders are many and always the same.
    let mut state = 1_u32;
    for length in 0..600 {
        let bytes: Vec<u8> = (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        fuzz_load(&bytes);
        // Few identities, so that calls meet.
        fuzz_load(&bytes.iter().map(|byte| byte % 16).collect::<Vec<_>>());
    }
}
