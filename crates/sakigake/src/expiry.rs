//! From when and until when a certificate is good.

use std::time::{Duration, SystemTime};

/// The end of a DER certificate's validity; `None` when it cannot be parsed or ended before 1970.
pub fn not_after(certificate: &[u8]) -> Option<SystemTime> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?; // Told by `None`.
    let secs = u64::try_from(parsed.validity().not_after.timestamp()).ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(secs))
}

/// The same of its beginning.
pub fn not_before(certificate: &[u8]) -> Option<SystemTime> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?; // Told by `None`.
    let secs = u64::try_from(parsed.validity().not_before.timestamp()).ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(secs))
}

/// In words, as of `now`: `expires 2026-12-05, in 13 days`, `expired 2026-11-01`.
pub fn words(not_after: SystemTime, now: SystemTime) -> String {
    let date = httpdate::fmt_http_date(not_after);
    let date = date.split(' ').skip(1).take(3).collect::<Vec<_>>().join(" ");
    match not_after.duration_since(now) {
        Ok(left) if left < Duration::from_secs(86_400) => {
            format!("expires {date}, in {} hours", left.as_secs() / 3_600)
        }
        Ok(left) => format!("expires {date}, in {} days", left.as_secs() / 86_400),
        Err(_) => format!("EXPIRED {date}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_reads_as_people_say_it() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        let at = |secs: i64| words(now + Duration::from_secs(secs.unsigned_abs()), now);
        assert_eq!(at(14 * 86_400), "expires 02 Dec 2026, in 14 days");
        assert_eq!(at(7_300), "expires 18 Nov 2026, in 2 hours");
        assert_eq!(words(now - Duration::from_secs(1), now), "EXPIRED 18 Nov 2026");
    }

    #[test]
    fn garbage_has_no_expiry() {
        assert_eq!((not_before(b"no certificate"), not_after(b"no certificate")), (None, None));
    }
}
