use super::*;

#[test]
fn columns_are_as_wide_as_their_widest_cell() {
    let rows = [["a", "bcd", ""], ["ef", "g", "h"]].map(|row| row.map(String::from));
    assert_eq!(table(&rows), "a   bcd\nef  g    h\n");
}
