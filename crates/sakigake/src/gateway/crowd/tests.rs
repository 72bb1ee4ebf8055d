use super::*;

#[test]
fn nobody_joins_what_was_asked_for_before_a_change_and_the_places_are_free_again() {
    let mut crowds = Crowds::default();
    let flights: Vec<Rc<Flight>> = ["/a", "/a", "/b"]
        .map(|target| {
            let flight = Rc::new(Flight::new(false, crowds.held.take(3).expect("a place")));
            let visited = Origin::new("localhost", 443);
            let crowd = Crowd { visited, headers: HeaderMap::new(), flight: flight.clone() };
            crowds.under_way.entry(target.to_owned()).or_default().push(crowd);
            flight
        })
        .into();
    crowds.part("/a");
    assert!(!crowds.under_way.contains_key("/a") && crowds.held.taken() == 3);
    crowds.leave("/a", &flights[0]); // As its first one does when it is over.
    crowds.leave("/b", &flights[2]);
    assert!(crowds.under_way.is_empty() && crowds.held.taken() == 3, "somebody may read them");
    drop(flights);
    assert_eq!(crowds.held.taken(), 0);
}
