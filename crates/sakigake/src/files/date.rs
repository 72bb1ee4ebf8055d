//! The `date` field (RFC 9110 section 6.6.1): written anew once a second and not for each answer.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

/// An IMF-fixdate, such as `Thu, 01 Jan 2026 00:00:00 GMT`.
pub(crate) type Date = [u8; 29];

thread_local! {
    /// The second that was written last, and how.
    static LAST: Cell<(u64, Date)> = const { Cell::new((u64::MAX, [b' '; 29])) };
}

/// `now` as `date` has it. A clock before 1970 counts as at its start.
pub(crate) fn date(now: SystemTime) -> Date {
    let second = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let last = LAST.get();
    if last.0 == second {
        return last.1;
    }
    let mut date = [b' '; 29];
    // HTTP's dates end with the year 9999, and the formatter panics beyond.
    let written =
        httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(second.min(LAST_SECOND)));
    date.copy_from_slice(written.as_bytes());
    LAST.set((second, date));
    date
}

/// Fri, 31 Dec 9999 23:59:59 GMT.
pub(super) const LAST_SECOND: u64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_its_date() {
        for (second, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (LAST_SECOND, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (LAST_SECOND + 9, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            let now = SystemTime::UNIX_EPOCH + Duration::from_millis(second * 1000 + 999);
            assert_eq!(date(now), expected.as_bytes());
        }
    }
}
