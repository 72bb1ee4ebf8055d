use super::*;

fn id(number: u64) -> StreamId {
    StreamId::new(number).unwrap()
}

#[test]
fn what_was_lost_goes_before_what_is_new_of_the_same_urgency() {
    let mut order = Order::default();
    let (urgent, usual) = (Priority { urgency: 1, incremental: false }, Priority::default());
    let mut places = [Places::default(); 3];
    order.place(id(0), usual, &mut places[0], false, true);
    order.place(id(4), usual, &mut places[1], true, true);
    assert_eq!(order.first(true), Some(Turn::Repair(id(4))));
    order.place(id(8), urgent, &mut places[2], false, true);
    assert_eq!(order.first(true), Some(Turn::Fresh(id(8))));
    assert_eq!(order.first(false), Some(Turn::Repair(id(4))));
    order.leave(&mut places[1]);
    assert_eq!(order.first(false), None);
    order.leave(&mut places[2]);
    assert_eq!(order.first(true), Some(Turn::Fresh(id(0))));
    assert!(order.has_fresh());
    order.place(id(0), usual, &mut places[0], false, false);
    assert!(!order.has_fresh());
}
