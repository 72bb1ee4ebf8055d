use super::{Early, Form, PARAMETERS, id, is_reserved, name, parameter};
use crate::rules::Side;

#[test]
fn the_rows_stand_in_order() {
    assert!(PARAMETERS.windows(2).all(|pair| pair[0].id < pair[1].id));
    assert!(PARAMETERS.iter().all(|rule| !is_reserved(rule.id)));
}

#[test]
fn servers_alone_send_four_of_them() {
    let of_servers: Vec<&str> =
        PARAMETERS.iter().filter(|rule| !rule.may_come_from(Side::Client)).map(|rule| rule.name).collect();
    assert_eq!(
        of_servers, // RFC 9000 section 18.2, last paragraph
        [
            "original_destination_connection_id",
            "stateless_reset_token",
            "preferred_address",
            "retry_source_connection_id"
        ]
    );
}

#[test]
fn early_data_is_bound_by_what_section_7_4_1_lists() {
    let with = |early| -> Vec<u64> {
        PARAMETERS.iter().filter(|rule| rule.early == early).map(|rule| rule.id).collect()
    };
    assert_eq!(with(Early::Binding), [4, 5, 6, 7, 8, 9, 0x0e, 0x1d, 0x20]);
    assert_eq!(with(Early::Remembered), [1, 3, 0x0c]);
    let forgotten = with(Early::Forgotten);
    assert!([0, 2, 0x0a, 0x0b, 0x0d, 0x0f, 0x10].iter().all(|id| forgotten.contains(id)));
}

#[test]
fn a_default_lies_within_its_bounds() {
    for rule in &PARAMETERS {
        if let Form::Integer { default: Some(default), min, max } = rule.form {
            assert!((min..=max).contains(&default), "{}", rule.name);
        }
    }
}

#[test]
fn parameters_have_names() {
    assert_eq!(name(id::MIN_ACK_DELAY), "min_ack_delay");
    assert_eq!(name(27), "reserved");
    assert_eq!(name(31 + 27), "reserved");
    assert_eq!(name(0x4000), "unknown");
    assert!(parameter(0x12).is_none());
}
