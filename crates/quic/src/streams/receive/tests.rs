use super::*;

const CODE: u64 = 0x107;

/// One receiving part with windows of 100 bytes, and what it told.
struct Bench {
    id: StreamId,
    part: Receiving,
    window: ReceiveWindow,
    held: Held,
    told: Vec<Told>,
}

#[derive(Debug, PartialEq, Eq)]
enum Told {
    Data(usize),
    Finished,
    Reset(u64),
}

impl Bench {
    fn new() -> Self {
        Self {
            id: StreamId::new(3).unwrap(),
            part: Receiving::new(100),
            window: ReceiveWindow::new(100),
            held: Held::new(8),
            told: Vec::new(),
        }
    }

    fn data(&mut self, offset: u64, len: usize, fin: bool) -> Result<(), StreamFault> {
        let mut shared = Shared { window: &mut self.window, held: &mut self.held };
        let told = &mut self.told;
        self.part
            .accept(self.id, (offset, &vec![0; len], fin), &mut shared, &mut |heard| told.push(tell(heard)))
    }

    fn reset(&mut self, code: u64, final_size: u64, reliable_size: u64) -> Result<(), StreamFault> {
        let mut shared = Shared { window: &mut self.window, held: &mut self.held };
        let told = &mut self.told;
        let fields = (code, final_size, reliable_size);
        self.part.reset(self.id, fields, &mut shared, &mut |heard| told.push(tell(heard)))
    }

    fn stop(&mut self) -> bool {
        self.part.stop(CODE, &mut Shared { window: &mut self.window, held: &mut self.held })
    }

    fn consume(&mut self, bytes: u64) {
        let bytes = self.part.consume(bytes);
        self.window.consume(bytes);
    }
}

fn tell(heard: Heard<'_>) -> Told {
    match heard {
        Heard::Data { bytes, .. } => Told::Data(bytes.len()),
        Heard::Finished { .. } => Told::Finished,
        Heard::Reset { code, .. } => Told::Reset(code),
        other => panic!("{other:?} is not for this part"),
    }
}

#[test]
fn a_stream_is_read_to_its_end() {
    let mut bench = Bench::new();
    bench.data(3, 4, true).unwrap();
    assert_eq!(bench.part.state(), ReceiveState::SizeKnown);
    bench.data(0, 3, false).unwrap();
    assert_eq!(bench.told, [Told::Data(3), Told::Data(4), Told::Finished]);
    assert_eq!(bench.part.state(), ReceiveState::DataReceived);
    bench.consume(6);
    assert_eq!(bench.part.state(), ReceiveState::DataReceived);
    // A reset that comes now is withheld, and so is a repeated end.
    bench.reset(CODE, 7, 0).unwrap();
    bench.data(3, 4, true).unwrap();
    bench.consume(1);
    assert_eq!(bench.part.state(), ReceiveState::DataRead);
    assert_eq!(bench.told.len(), 3);
    assert!(bench.part.is_over());
}

#[test]
fn an_end_without_data_is_an_end() {
    let mut bench = Bench::new();
    bench.data(0, 0, true).unwrap();
    assert_eq!(bench.told, [Told::Finished]);
    assert!(bench.part.is_over());
}

#[test]
fn what_was_not_delivered_cannot_be_read() {
    let mut bench = Bench::new();
    bench.data(0, 10, false).unwrap();
    bench.data(50, 10, false).unwrap();
    bench.consume(60);
    assert_eq!((bench.part.window.consumed(), bench.window.consumed()), (10, 10));
}

#[test]
fn a_final_size_stands() {
    use StreamFault::{BeyondFinalSize, FinalSizeChanged, FinalSizeTooSmall};
    type Act = fn(&mut Bench) -> Result<(), StreamFault>;
    let table: [(Act, Act, StreamFault); 9] = [
        (|b| b.data(0, 5, true), |b| b.data(0, 6, true), FinalSizeChanged), // spec: 9000-4.5-a
        (|b| b.data(0, 5, true), |b| b.data(0, 4, true), FinalSizeChanged),
        (|b| b.data(2, 5, true), |b| b.data(7, 1, false), BeyondFinalSize), // spec: 9000-4.5-b
        (|b| b.data(2, 5, true), |b| b.reset(CODE, 8, 0), FinalSizeChanged),
        (|b| b.data(0, 5, true), |b| b.reset(CODE, 4, 0), FinalSizeChanged),
        (|b| b.data(2, 5, false), |b| b.data(0, 6, true), FinalSizeTooSmall), // spec: 9000-4.5-c
        (|b| b.data(2, 5, false), |b| b.reset(CODE, 6, 0), FinalSizeTooSmall),
        (|b| b.reset(CODE, 5, 0), |b| b.data(0, 6, false), BeyondFinalSize),
        (|b| b.reset(CODE, 5, 0), |b| b.reset(CODE, 6, 0), FinalSizeChanged),
    ];
    for (at, (first, second, fault)) in table.into_iter().enumerate() {
        let mut bench = Bench::new();
        first(&mut bench).unwrap();
        assert_eq!(second(&mut bench), Err(fault), "row {at}");
        assert_eq!(fault.fault(0).code(), 0x06);
    }
}

#[test]
fn one_byte_beyond_the_streams_limit_is_a_fault() {
    assert_eq!(Bench::new().data(99, 1, false), Ok(()));
    assert_eq!(Bench::new().data(99, 2, false), Err(StreamFault::StreamData)); // spec: 9000-4.1-b
    assert_eq!(Bench::new().reset(CODE, 100, 0), Ok(()));
    assert_eq!(Bench::new().reset(CODE, 101, 0), Err(StreamFault::StreamData));
    assert_eq!(StreamFault::StreamData.fault(0).code(), 0x03);
}

#[test]
fn one_byte_beyond_the_connections_limit_is_a_fault() {
    for is_reset in [false, true] {
        let mut bench = Bench::new();
        bench.window = ReceiveWindow::new(50);
        bench.data(0, 49, false).unwrap();
        bench.data(0, 50, false).unwrap(); // The same bytes count once.
        let more = if is_reset { bench.reset(CODE, 51, 0) } else { bench.data(50, 1, false) };
        assert_eq!(more, Err(StreamFault::Data)); // spec: 9000-19.9-a
    }
}

#[test]
fn offsets_end_at_two_to_the_62() {
    assert_eq!(Bench::new().data(MAX_VARINT, 1, false), Err(StreamFault::Offset)); // spec: 9000-19.8-b
    assert_eq!(Bench::new().data(u64::MAX, 1, false), Err(StreamFault::Offset));
    assert_eq!(StreamFault::Offset.fault(0).code(), 0x07);
}

#[test]
fn a_reset_gives_the_connection_its_credit_back() {
    let mut bench = Bench::new();
    bench.data(0, 10, false).unwrap();
    bench.data(20, 10, false).unwrap();
    bench.reset(CODE, 60, 0).unwrap();
    assert_eq!(bench.told, [Told::Data(10), Told::Reset(CODE)]);
    assert_eq!(bench.part.state(), ReceiveState::ResetRead);
    assert_eq!((bench.window.received(), bench.window.consumed()), (60, 60)); // spec: 9000-4.5-d
    assert_eq!(bench.held.bytes(), 0);
    // What its owner had not read yet is not counted twice.
    bench.consume(10);
    assert_eq!(bench.window.consumed(), 60);
    // Late data and a repeated reset mean nothing.
    bench.data(30, 10, false).unwrap();
    bench.reset(CODE, 60, 0).unwrap();
    assert_eq!(bench.told.len(), 2);
}

#[test]
fn who_stopped_hears_nothing_more_and_still_counts() {
    let mut bench = Bench::new();
    bench.data(5, 5, false).unwrap();
    assert!(bench.stop());
    assert!(!bench.stop());
    assert_eq!((bench.part.next_stop(), bench.part.next_stop()), (Some(CODE), None));
    bench.part.stop_lost();
    assert_eq!(bench.part.next_stop(), Some(CODE)); // spec: 9000-3.5-c
    bench.data(0, 30, false).unwrap();
    assert_eq!((bench.window.received(), bench.window.consumed()), (30, 30));
    assert_eq!(bench.data(30, 71, false), Err(StreamFault::StreamData)); // spec: 9000-3.5-b
    assert!(!bench.part.wants_credit()); // spec: 9000-3.3-b
    bench.reset(CODE, 40, 0).unwrap();
    assert!(bench.part.is_over());
    bench.part.stop_lost();
    assert!(!bench.part.wants_stop());
    assert!(bench.told.is_empty());
}

#[test]
fn a_reliable_reset_waits_for_what_it_promised() {
    let mut bench = Bench::new();
    bench.data(0, 3, false).unwrap();
    bench.reset(CODE, 20, 10).unwrap();
    assert_eq!(bench.part.state(), ReceiveState::SizeKnown);
    bench.data(3, 6, false).unwrap();
    assert_eq!(bench.told, [Told::Data(3), Told::Data(6)]);
    bench.data(9, 1, false).unwrap();
    assert_eq!(bench.told[2..], [Told::Data(1), Told::Reset(CODE)]);
    assert_eq!((bench.part.state(), bench.window.consumed()), (ReceiveState::ResetRead, 20));
}

#[test]
fn a_reliable_size_can_only_shrink() {
    let mut bench = Bench::new();
    bench.reset(CODE, 20, 10).unwrap();
    bench.reset(CODE, 20, 15).unwrap(); // spec: rsa-5.2-d
    bench.data(0, 8, false).unwrap();
    assert_eq!(bench.told, [Told::Data(8)]);
    bench.reset(CODE, 20, 5).unwrap();
    assert_eq!(bench.told[1..], [Told::Reset(CODE)]);

    let mut bench = Bench::new();
    bench.reset(CODE, 20, 10).unwrap();
    bench.reset(CODE, 20, 0).unwrap();
    assert_eq!(bench.told, [Told::Reset(CODE)]);
}

#[test]
fn a_reliable_reset_keeps_to_its_rules() {
    let mut bench = Bench::new();
    assert_eq!(bench.reset(CODE, 20, 21), Err(StreamFault::ReliableSize)); // spec: rsa-4-a
    bench.reset(CODE, 20, 20).unwrap();
    assert_eq!(bench.reset(CODE + 1, 20, 20), Err(StreamFault::ResetCodeChanged)); // spec: rsa-5.2-c
    assert_eq!(bench.reset(CODE, 21, 20), Err(StreamFault::FinalSizeChanged));
    assert_eq!(StreamFault::ReliableSize.fault(0).code(), 0x07);
    assert_eq!(StreamFault::ResetCodeChanged.fault(0).code(), 0x05);
}
