//! What a comparison says, in words: the headline of plots and reports.

use dataflow_forecast::RollingForecast;

use crate::comparison::{Comparison, RunFacts};
use crate::quantity::{grouped, percent};

/// The name of the run that replays the optimum's plan: it knows the future, so it is never "the best policy".
pub(crate) const OPTIMAL: &str = "optimal";

/// The cheapest run that does not know the future.
pub(crate) fn best(comparison: &Comparison) -> Option<&RunFacts> {
    let realisable = comparison.runs.iter().filter(|run| run.policy != OPTIMAL);
    realisable.min_by(|one, other| one.cost.total.total_cmp(&other.cost.total))
}

/// One or two sentences: the best policy, its saving against fixed, what it dropped and its gap to the optimum.
pub(crate) fn headline(comparison: &Comparison) -> String {
    let Some(best) = best(comparison) else {
        return match comparison.runs.first() {
            Some(run) => format!(
                "Only the replay of the optimum's plan was asked for: it costs {}. It knows the future, so no policy is \
                 called cheapest.",
                grouped(run.cost.total)
            ),
            None => "No policy was compared.".to_owned(),
        };
    };
    let total = grouped(best.cost.total);
    let and = if best.saving_vs_fixed == 0.0 || best.policy == "fixed" { " and" } else { ", and" };
    let against_fixed = match best.saving_vs_fixed {
        _ if best.policy == "fixed" => String::new(),
        saving if saving > 0.0 => format!(", {} less than fixed servers", percent(saving)),
        saving if saving < 0.0 => format!(", {} more than fixed servers", percent(-saving)),
        _ => String::new(),
    };
    let dropped = match best.dropped_share {
        share if share > 0.0 => format!("drops {} of the load", percent(share)),
        0.0 => "drops nothing".to_owned(),
        _ => "drops an unknown share of the load".to_owned(),
    };
    let gap = match best.gap_to_optimum {
        // Where the least possible is nothing, no share says how far above it is.
        f64::INFINITY => "is above".to_owned(),
        gap if gap > 0.0 => format!("is {} above", percent(gap)),
        gap if gap.is_nan() => "cannot be compared with".to_owned(),
        _ => "equals".to_owned(),
    };
    let bound = grouped(comparison.bound.no_cooldown);
    // "Cheapest" would say too much where the fixed fleet that it is set against was not compared.
    let costs = match comparison.runs.iter().filter(|run| run.policy != OPTIMAL).count() {
        1 => "costs",
        _ if comparison.runs.iter().any(|run| run.policy == "fixed") => "is cheapest: it costs",
        _ => "is the cheapest of the policies compared: it costs",
    };
    format!("{} {costs} {total}{against_fixed}{and} {dropped}. That {gap} the least possible, {bound}.", best.policy)
}

/// The run of the rival that every policy must beat: an HPA tuned to the same traffic.
const RIVAL: &str = "hpa:tuned";
/// A policy that saves less than this share against the rival is not worth a change of controllers.
const WORTH_A_CHANGE: f64 = 0.03;

/// On less than this the rival has hardly learnt anything.
const DAYS_TO_LEARN: u64 = 2;

/// What to do about it, where the tuned HPA was compared: whether anything is worth leaving it for.
pub(crate) fn advice(comparison: &Comparison) -> Option<String> {
    let rival = comparison.runs.iter().find(|run| run.policy == RIVAL)?;
    let best = best(comparison).filter(|best| rival.cost.total > 0.0 && best.policy != "fixed")?;
    let seconds = comparison.trace.ticks as u64 * u64::from(comparison.trace.interval_seconds);
    // It has learnt nothing yet, or fixed servers would be better than either.
    if seconds < DAYS_TO_LEARN * 86_400 || best.saving_vs_fixed <= 0.0 {
        return None;
    }
    let saving = 1.0 - best.cost.total / rival.cost.total;
    Some(match saving {
        _ if best.policy == RIVAL => {
            "Tune your HPA: nothing else that was compared is cheaper than one tuned to this traffic.".to_owned()
        }
        saving if saving < WORTH_A_CHANGE => format!(
            "Tune your HPA: {} saves only {} more than one tuned to this traffic ({RIVAL}).",
            best.policy,
            percent(saving)
        ),
        saving => {
            format!("{} costs {} less than an HPA tuned to this traffic ({RIVAL}).", best.policy, percent(saving))
        }
    })
}

/// The end of the cost axis. One very bad policy would shrink all others to nothing, so a bar more than four times
/// the median is cut there.
pub(crate) fn cost_axis_limit(comparison: &Comparison) -> f64 {
    let mut totals: Vec<f64> = comparison.runs.iter().map(|run| run.cost.total).filter(|total| *total > 0.0).collect();
    totals.sort_by(f64::total_cmp);
    let median = totals.get(totals.len() / 2).copied().unwrap_or(1.0);
    let largest = totals.into_iter().rfind(|total| *total <= 4.0 * median).unwrap_or(1.0);
    largest * 1.06
}

/// The 95% band of a forecast, or what comes nearest to it among its levels: the indices of both ends.
pub(crate) fn band(forecast: &RollingForecast) -> Option<(usize, usize)> {
    let nearest = |wanted: f64| {
        let distances = forecast.levels.iter().take(forecast.quantiles.len()).map(|level| (level - wanted).abs());
        distances.enumerate().min_by(|one, other| one.1.total_cmp(&other.1)).map(|(index, _)| index)
    };
    nearest(0.025).zip(nearest(0.975)).filter(|(low, high)| low < high)
}

/// What that band is called: `forecast, 95% band`.
pub(crate) fn band_name(forecast: &RollingForecast) -> Option<String> {
    let (low, high) = band(forecast)?;
    Some(format!("forecast, {} band", percent(forecast.levels[high] - forecast.levels[low])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, Trace};

    #[test]
    fn what_is_not_known_is_not_called_nothing() {
        let mut comparison = sample::comparison(&Trace::days(1)).comparison;
        for run in &mut comparison.runs {
            run.dropped_share = 0.0;
        }
        assert!(headline(&comparison).contains("drops nothing"));
        for run in &mut comparison.runs {
            (run.dropped_share, run.gap_to_optimum) = (f64::NAN, f64::NAN);
        }
        let told = headline(&comparison);
        assert!(told.contains("drops an unknown share") && told.contains("cannot be compared"), "{told}");
    }

    #[test]
    fn the_optimum_alone_is_named_and_not_called_cheapest() {
        let mut comparison = sample::comparison(&Trace::days(1)).comparison;
        comparison.runs.retain(|run| run.policy == OPTIMAL);
        let told = headline(&comparison);
        assert!(told.contains("costs") && !told.contains("is cheapest") && !told.contains("No policy was"), "{told}");
    }
}
