//! The elasticity metrics of the SPEC research group: how well the supply of servers follows the demand for them.
//!
//! N. Herbst, R. Krebs, G. Oikonomou, G. Kousiouris, A. Evangelinou, A. Iosup and S. Kounev, *Ready for Rain? A View from
//! SPEC Research on the Future of Cloud Metrics*, SPEC-RG-2016-01, section 3; the accuracies are those normalised by the
//! demand, as in A. Bauer, N. Herbst, S. Spinner, A. Ali-Eldin and S. Kounev, *Chameleon* (2019). All are shares of time or
//! of demand, not per cent. They count servers and know no prices: a fleet that is far too large has a splendid speed-up,
//! so it is never shown without the regret.

/// How well supply followed demand over a whole run; smaller is better, for all but the speed-up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Elasticity {
    /// `θ_U`: servers missing, as a share of those demanded, averaged over time.
    pub under_accuracy: f64,
    /// `θ_O`: servers too many, as a share of those demanded, averaged over time.
    pub over_accuracy: f64,
    /// `τ_U`: share of time with too few servers.
    pub under_time: f64,
    /// `τ_O`: share of time with too many servers.
    pub over_time: f64,
    /// υ: share of steps in which supply and demand moved in different directions.
    pub instability: f64,
}

/// Adds up [`Elasticity`] tick by tick.
#[derive(Debug, Clone)]
pub(crate) struct ElasticitySums {
    capacity: f64,
    fewest: u32,
    ticks: u64,
    under: f64,
    over: f64,
    ticks_under: u64,
    ticks_over: u64,
    unlike: u64,
    /// Demand and supply of the tick before.
    last: Option<(f64, f64)>,
}

/// The servers that serve a load without dropping any of it: at least `fewest`, and at least one.
pub fn demand(load: f64, capacity: f64, fewest: u32) -> f64 {
    (load / capacity).ceil().max(f64::from(fewest.max(1)))
}

impl ElasticitySums {
    /// For servers of this capacity per tick, of which so many at least are always there.
    pub(crate) const fn new(capacity: f64, fewest: u32) -> Self {
        Self { capacity, fewest, ticks: 0, under: 0.0, over: 0.0, ticks_under: 0, ticks_over: 0, unlike: 0, last: None }
    }

    /// One tick with its load and the servers that served it.
    #[inline]
    pub(crate) fn add(&mut self, load: f64, supplied: u32) {
        let (demand, supply) = (demand(load, self.capacity, self.fewest), f64::from(supplied));
        self.ticks += 1;
        if supply < demand {
            self.under += (demand - supply) / demand;
            self.ticks_under += 1;
        } else if supply > demand {
            self.over += (supply - demand) / demand;
            self.ticks_over += 1;
        }
        if let Some((demand_before, supply_before)) = self.last {
            self.unlike += u64::from(demand.partial_cmp(&demand_before) != supply.partial_cmp(&supply_before));
        }
        self.last = Some((demand, supply));
    }

    /// The metrics of all ticks so far; zeros without any.
    pub(crate) fn finish(&self) -> Elasticity {
        let ticks = self.ticks.max(1) as f64;
        Elasticity {
            under_accuracy: self.under / ticks,
            over_accuracy: self.over / ticks,
            under_time: self.ticks_under as f64 / ticks,
            over_time: self.ticks_over as f64 / ticks,
            instability: self.unlike as f64 / (self.ticks.max(2) - 1) as f64,
        }
    }
}

impl Elasticity {
    /// ε: the elastic speed-up over a baseline, the geometric mean of the ratios of both accuracies and both time shares;
    /// above 1 is better than the baseline. `None` where a part that the baseline has is zero here, so that the ratio has no
    /// bound.
    pub fn speedup_over(&self, baseline: &Self) -> Option<f64> {
        let parts = |of: &Self| [of.under_accuracy, of.over_accuracy, of.under_time, of.over_time];
        let ratio = |(base, own): (f64, f64)| if base == own { 1.0 } else { base / own };
        let product: f64 = parts(baseline).into_iter().zip(parts(self)).map(ratio).product();
        Some(product.powf(0.25)).filter(|speedup| speedup.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn elasticity(loads: &[f64], supplied: &[u32]) -> Elasticity {
        let mut sums = ElasticitySums::new(10.0, 1);
        loads.iter().zip(supplied).for_each(|(load, supplied)| sums.add(*load, *supplied));
        sums.finish()
    }

    #[test]
    fn each_metric_is_what_its_definition_says() {
        // Demands 1, 2, 4, 4; supplies 1, 1, 5, 2: one short of two, one above four, two short of four.
        let found = elasticity(&[0.0, 20.0, 31.0, 40.0], &[1, 1, 5, 2]);
        let expected = Elasticity {
            under_accuracy: (0.5 + 0.5) / 4.0,
            over_accuracy: 0.25 / 4.0,
            under_time: 0.5,
            over_time: 0.25,
            // Up against still, up and up, still against down.
            instability: 2.0 / 3.0,
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn the_speed_up_is_one_over_itself_and_none_without_bound() {
        let some = elasticity(&[0.0, 20.0, 31.0, 40.0], &[1, 1, 5, 2]);
        let never_short = elasticity(&[0.0, 20.0, 31.0, 40.0], &[5, 5, 5, 5]);
        assert_eq!(some.speedup_over(&some), Some(1.0));
        assert_eq!(never_short.speedup_over(&never_short), Some(1.0));
        assert_eq!(never_short.speedup_over(&some), None);
        assert_eq!(some.speedup_over(&never_short), Some(0.0));
    }

    proptest! {
        #[test]
        fn supply_that_is_demand_is_perfect(loads in prop::collection::vec(0.0..1e4, 0..50)) {
            let exact: Vec<u32> = loads.iter().map(|load| demand(*load, 10.0, 1) as u32).collect();
            let Elasticity { under_accuracy, over_accuracy, under_time, over_time, instability } =
                elasticity(&loads, &exact);
            prop_assert_eq!([under_accuracy, over_accuracy, under_time, over_time, instability], [0.0; 5]);
        }

        #[test]
        fn a_server_more_is_never_shorter(
            ticks in prop::collection::vec((0.0..1e4, 0u32..500), 1..50),
        ) {
            let (loads, supplied): (Vec<f64>, Vec<u32>) = ticks.into_iter().unzip();
            let more: Vec<u32> = supplied.iter().map(|servers| servers + 1).collect();
            let (few, many) = (elasticity(&loads, &supplied), elasticity(&loads, &more));
            prop_assert!(many.under_accuracy <= few.under_accuracy && many.under_time <= few.under_time);
            prop_assert!(many.over_accuracy >= few.over_accuracy && many.over_time >= few.over_time);
        }
    }
}
