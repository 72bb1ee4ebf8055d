//! Lists whose members carry a weight (RFC 9110 section 12.4.2): `accept`, `accept-encoding`.

/// A weight in thousandths: 0 says "not acceptable", 1000 is what stands where nothing is said.
pub(super) type Weight = u16;

/// The members of a list with their weights, in order. What is no member is left out: parameters that are no weight
/// belong to the member, and count as said for it without them.
pub(super) fn members(list: &[u8]) -> impl Iterator<Item = (&[u8], Weight)> {
    list.split(|&byte| byte == b',').filter_map(|member| {
        let mut parts = member.split(|&byte| byte == b';');
        let name = parts.next()?.trim_ascii();
        let mut weight = 1000;
        for part in parts {
            let part = part.trim_ascii();
            if let [b'q' | b'Q', b'=', value @ ..] = part {
                weight = qvalue(value)?;
            }
        }
        (!name.is_empty()).then_some((name, weight))
    })
}

/// `qvalue`: 0 to 1 with at most three digits behind the point.
fn qvalue(text: &[u8]) -> Option<Weight> {
    let (&first, rest) = text.split_first()?;
    let digits = match rest {
        [] => rest,
        [b'.', digits @ ..] if digits.len() <= 3 => digits,
        _ => return None,
    };
    let mut thousandths = 0;
    for place in 0..3 {
        let digit = *digits.get(place).unwrap_or(&b'0');
        thousandths = thousandths * 10 + Weight::from(char::from(digit).to_digit(10)? as u8);
    }
    match first {
        b'0' => Some(thousandths),
        b'1' if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_its_grammar_says() {
        let cases: &[(&str, &[(&str, Weight)])] = &[
            ("", &[]),
            (" , ,", &[]),
            ("gzip", &[("gzip", 1000)]),
            ("br;q=1.0, gzip;q=0.8, *;q=0.1", &[("br", 1000), ("gzip", 800), ("*", 100)]),
            ("a ; Q=0.005 ,b;q=0", &[("a", 5), ("b", 0)]),
            ("text/html;level=1;q=0.5", &[("text/html", 500)]),
            ("a;q=1.000,b;q=0.,c;q=1.", &[("a", 1000), ("b", 0), ("c", 1000)]),
            // Broken weights take their member with them.
            ("a;q=1.001,b;q=2,c;q=,d;q=0.0001,e;q=-1,f;q=.5,g;q=0.x, h", &[("h", 1000)]),
            (";q=1", &[]),
        ];
        for (list, expected) in cases {
            let read: Vec<_> = members(list.as_bytes()).collect();
            let expected: Vec<_> = expected.iter().map(|row| (row.0.as_bytes(), row.1)).collect();
            assert_eq!(read, expected, "{list:?}");
        }
    }
}
