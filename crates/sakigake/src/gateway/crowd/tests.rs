use super::*;

#[test]
fn nobody_joins_what_was_asked_for_before_a_change_and_the_places_are_free_again() {
    let mut crowds = Crowds::default();
    let flights: Vec<Rc<Flight>> = ["/a", "/a", "/b"]
        .map(|target| {
            let flight = Rc::new(Flight::new(false));
            let visited = Origin::new("localhost", 443);
            let crowd = Crowd { visited, headers: HeaderMap::new(), flight: flight.clone() };
            crowds.under_way.entry(target.to_owned()).or_default().push(crowd);
            crowds.firsts += 1;
            flight
        })
        .into();
    crowds.part("/a");
    assert!(!crowds.under_way.contains_key("/a") && crowds.firsts == 1);
    crowds.leave("/a", &flights[0]); // As its first one does when it is over.
    assert_eq!(crowds.firsts, 1);
    crowds.leave("/b", &flights[2]);
    assert_eq!(crowds.firsts, 0);
}
