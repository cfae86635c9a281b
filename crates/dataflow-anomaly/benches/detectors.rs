//! What one value costs: each detector of the list over four weeks of five minutes.

use dataflow_anomaly::{DetectorSettings, DetectorSpec};
use dataflow_series::Step;
use dataflow_series::synth::{Shape, SyntheticRequest, generate};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

#[divan::bench(args = DetectorSpec::ALL.iter().copied(), sample_count = 3)]
fn four_weeks(bencher: Bencher<'_, '_>, spec: DetectorSpec) {
    let step = Step::from_seconds(300).expect("a step");
    let request = SyntheticRequest { days: 28.0, step, ..SyntheticRequest::new(Shape::NasaLike) };
    let load = generate(&request).expect("four weeks").requests();
    let settings = DetectorSettings::new(step);
    bencher.counter(ItemsCount::new(load.len())).bench_local(|| {
        let mut detector = spec.build(&settings);
        load.values().enumerate().map(|(index, value)| detector.score(load.time(index), value)).sum::<f64>()
    });
}
