//! Where the money between a policy and the optimum went.
//!
//! Regret is what a policy costs above the optimum of the same world. Five things limit a policy: servers take time to
//! start, its own delays (cooldown, hold, stabilization) keep it from acting, every change has a price, the number of
//! servers has bounds, and the future is not known. Each can be swapped for its ideal, for policy and optimum alike, and
//! what then becomes of the regret says what that limit is to blame for. As limits act together, each gets its Shapley
//! value (Shapley, "A Value for n-Person Games", 1953): the change that it makes, averaged over all orders in which the
//! limits can be swapped. What is left when nothing limits the policy is its target: more servers than the load needs, or
//! fewer. All parts add up to the regret.

use dataflow_scale::Cost;
use dataflow_scale::policy::Replay;
use dataflow_scale::spec::{PolicySpec, Settings};
use rayon::prelude::*;

use crate::testbed::{ExperimentError, Testbed};

/// A limit under which a policy acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Servers take time to start: the policy is too late.
    StartUp,
    /// The policy's own cooldown, hold, stabilization or rate limits: it is too slow.
    Delays,
    /// Every change has a price: the policy is too nervous.
    ScalingPrice,
    /// The bounds of the number of servers.
    Bounds,
    /// The future is not known: forecast errors, or acting on the load of the past.
    Foresight,
}

impl Cause {
    /// All causes, in the order in which they are told.
    pub const ALL: [Self; CAUSES] = [Self::StartUp, Self::Delays, Self::ScalingPrice, Self::Bounds, Self::Foresight];

    /// A word for it, as a heading.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StartUp => "start-up",
            Self::Delays => "delays",
            Self::ScalingPrice => "scaling",
            Self::Bounds => "bounds",
            Self::Foresight => "foresight",
        }
    }

    const fn bit(self) -> usize {
        1 << self as usize
    }
}

const CAUSES: usize = 5;
const WORLDS: usize = 1 << CAUSES;

/// The regret of a policy and its parts, in the currency of the prices. Parts can be negative: a limit may keep a policy
/// from a mistake.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Regret {
    /// What the policy costs.
    pub cost: f64,
    /// What the optimum costs.
    pub bound: f64,
    /// The part of each of [`Cause::ALL`], in their order.
    pub causes: [f64; CAUSES],
    /// What servers beyond those of the optimum cost where nothing limits the policy, so that its target is to blame.
    pub too_many_servers: f64,
    /// What the load costs that is dropped beyond that of the optimum, then.
    pub too_few_servers: f64,
}

impl Regret {
    /// All of the regret: the sum of its parts, but for rounding.
    pub fn total(&self) -> f64 {
        self.cost - self.bound
    }
}

/// Takes the regret of a policy apart, by 32 runs of it.
///
/// # Errors
/// When forecasts cannot be made.
pub fn regret(testbed: &Testbed, policy: &PolicySpec, settings: &Settings) -> Result<Regret, ExperimentError> {
    let foreseen = testbed.with_foresight();
    let worlds: Vec<World> = (0..WORLDS)
        .into_par_iter()
        .map(|real| {
            let is_real = |cause: Cause| real & cause.bit() != 0;
            let testbed = if is_real(Cause::Foresight) { testbed } else { &foreseen };
            World::run(testbed, policy, settings, is_real)
        })
        .collect::<Result<_, _>>()?;
    let regrets: Vec<f64> = worlds.iter().map(World::regret).collect();
    let (ideal, real) = (&worlds[0], &worlds[WORLDS - 1]);
    Ok(Regret {
        cost: real.cost.total(),
        bound: real.bound.total(),
        causes: Cause::ALL.map(|cause| shapley_value(&regrets, cause.bit())),
        too_many_servers: ideal.cost.server - ideal.bound.server,
        too_few_servers: ideal.cost.violation - ideal.bound.violation,
    })
}

/// What a policy and the optimum cost in one of the worlds.
struct World {
    cost: Cost,
    bound: Cost,
}

impl World {
    fn run(
        testbed: &Testbed,
        policy: &PolicySpec,
        settings: &Settings,
        is_real: impl Fn(Cause) -> bool,
    ) -> Result<Self, ExperimentError> {
        let (mut policy, mut settings) = (policy.clone(), settings.clone());
        if !is_real(Cause::StartUp) {
            settings.startup_seconds = 0.0;
            settings.lead_seconds = None;
        }
        if !is_real(Cause::Delays) {
            policy.act_at_once(&mut settings, testbed.step());
        }
        if !is_real(Cause::ScalingPrice) {
            settings.scale_cost = 0.0;
        }
        if !is_real(Cause::Bounds) {
            settings.min_servers = settings.min_servers.min(1);
            settings.max_servers = settings.max_servers.max(servers_at_peak(testbed, &settings));
            policy.unbound(settings.max_servers);
        }
        let cost = testbed.run(&policy, &settings)?.cost;
        let plan = testbed.plan(&settings).provisioned.clone();
        let bound = testbed.simulate(&mut Replay(plan), &PolicySpec::Optimal, &settings, None)?.cost;
        Ok(Self { cost, bound })
    }

    fn regret(&self) -> f64 {
        self.cost.total() - self.bound.total()
    }
}

/// Servers that leave none of the load unserved, with one to spare for rounding.
fn servers_at_peak(testbed: &Testbed, settings: &Settings) -> u32 {
    let peak = testbed.judged().load.iter().copied().fold(0.0, f64::max);
    ((peak / settings.fleet(testbed.step()).capacity).ceil() + 1.0) as u32
}

/// The change that a limit makes, averaged over all orders: `values` by sets of limits, as bits.
fn shapley_value(values: &[f64], bit: usize) -> f64 {
    let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
    let others = CAUSES as u32 - 1;
    (0..values.len())
        .filter(|set| set & bit == 0)
        .map(|set| {
            let before = set.count_ones();
            let weight = factorial(before) * factorial(others - before) / factorial(CAUSES as u32);
            weight * (values[set | bit] - values[set])
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use dataflow_scale::spec::Configuration;
    use proptest::prelude::*;

    use super::*;
    use crate::testbed::tests::testbed_of;

    fn settings(startup_minutes: u32, cooldown_minutes: u32) -> Settings {
        let mut settings = Configuration::default().settings().clone();
        settings.startup_seconds = f64::from(startup_minutes) * 60.0;
        settings.cooldown_seconds = f64::from(cooldown_minutes) * 60.0;
        settings
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn parts_add_up_to_what_the_policy_costs_above_the_optimum(
            loads in prop::collection::vec(0.0_f64..8e6, 60..200), startup in 0u32..6, cooldown in 0u32..6,
        ) {
            let (testbed, settings) = (testbed_of(&loads), settings(startup, cooldown));
            for policy in PolicySpec::DEFAULT {
                let regret = regret(&testbed, &policy, &settings).unwrap();
                let parts = regret.causes.iter().sum::<f64>() + regret.too_many_servers + regret.too_few_servers;
                prop_assert!((parts - regret.total()).abs() <= 1e-9 * regret.cost.max(1.0), "{policy}: {regret:?}");
                prop_assert!(regret.total() >= -1e-9 * regret.cost);
                prop_assert_eq!(regret.cost, testbed.run(&policy, &settings).unwrap().cost.total());
            }
        }
    }

    #[test]
    fn a_limit_that_does_not_bind_is_not_to_blame() {
        let loads: Vec<f64> = (0..200).map(|tick| 1e6 * f64::from(1 + tick / 20 % 4)).collect();
        let regret = regret(&testbed_of(&loads), &PolicySpec::Quantile, &settings(0, 0)).unwrap();
        assert_eq!(regret.causes[Cause::StartUp as usize], 0.0);
        assert_eq!(regret.causes[Cause::Bounds as usize], 0.0, "four servers are needed and five allowed");
        assert!(
            regret.causes[Cause::Delays as usize] > 0.0,
            "its hold of half an hour keeps servers longer than steps last"
        );
    }

    #[test]
    fn fixed_servers_are_all_target() {
        let loads = vec![1e6; 100];
        let regret = regret(&testbed_of(&loads), &PolicySpec::Fixed(Some(3)), &settings(0, 0)).unwrap();
        assert_eq!(regret.causes[Cause::Foresight as usize], 0.0);
        assert!((regret.too_many_servers - 100.0 * 2.0 * 0.05).abs() < 1e-9, "{regret:?}");
        assert!((regret.causes[Cause::ScalingPrice as usize] - 2.0 * 0.2).abs() < 1e-9, "two servers were ordered");
    }
}
