//! Every key of the configuration: one slice, from which the file reader, `--set`, the default file and the JSON
//! Schema all come. To add a key, add its field to [`Settings`] and one entry to [`KEYS`].

use dataflow_series::Step;
use serde_json::json;

use super::cloud;
use super::quantity::{Rate, SECONDS_MAX, parse_amount, parse_seconds};
use super::settings::Settings;
use crate::policy::cloud::Mode;

/// No fleet has more servers than this.
const COUNT_MAX: u32 = 1_000_000;

/// One key: what it is called, what it means, and where its value is kept.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Section and name, joined by a dot; the reference's own spelling where it has one.
    pub path: &'static str,
    /// Another name by which it may be given.
    pub alias: Option<&'static str>,
    /// Its value where nobody gives one; `None` leaves it unset.
    pub default: Option<&'static str>,
    /// A value to show where there is no default.
    pub example: &'static str,
    /// What it means, one sentence.
    pub about: &'static str,
    pub(super) slot: Slot,
}

/// The kind of a value and the place where it is kept.
#[derive(Debug, Clone, Copy)]
pub(super) enum Slot {
    /// An amount per time or per tick, at least zero.
    Rate(fn(&mut Settings) -> &mut Rate),
    /// A price, at least zero.
    Price(fn(&mut Settings) -> &mut f64),
    /// A utilization, above zero.
    Utilization(fn(&mut Settings) -> &mut f64),
    /// A quantile level, strictly between 0 and 1.
    Level(fn(&mut Settings) -> &mut f64),
    /// A time, kept in seconds.
    Time(fn(&mut Settings) -> &mut f64),
    /// A time that may be left out.
    OptionalTime(fn(&mut Settings) -> &mut Option<f64>),
    /// A whole number of at least zero.
    Count(fn(&mut Settings) -> &mut u32),
    /// A whole number of at least one, or `none`.
    Limit(fn(&mut Settings) -> &mut Option<u32>),
    /// The length of an interval, which may be left out.
    Interval(fn(&mut Settings) -> &mut Option<Step>),
    /// The seed of everything random.
    Seed(fn(&mut Settings) -> &mut u64),
    /// What an autoscaler may do.
    Mode(fn(&mut Settings) -> &mut Mode),
    /// A name that the program knows how to read.
    Name(fn(&mut Settings) -> &mut String),
}

impl Slot {
    /// What a value must be, to follow the word "expected".
    pub(super) const fn expected(self) -> &'static str {
        match self {
            Self::Rate(_) => {
                "an amount of at least 0, per time (such as 0.05/min) or, as a bare number, per interval of the trace"
            }
            Self::Price(_) => "a finite number of at least 0",
            Self::Utilization(_) => "a share of the capacity above 0, such as 0.75",
            Self::Level(_) => "a number between 0 and 1, both excluded",
            Self::Time(_) | Self::OptionalTime(_) => {
                "a time from 0 to 366d with its unit (such as 90s or 3m) or, as a bare number, in minutes"
            }
            Self::Count(_) => "a whole number from 0 to 1000000",
            Self::Limit(_) => "a whole number of at least 1, or none",
            Self::Interval(_) => "an interval of whole seconds with its unit, such as 30s, 1m or 15min",
            Self::Seed(_) => "a whole number from 0 to 18446744073709551615",
            Self::Mode(_) => "out-and-in, only-out or neither (ON, ONLY_SCALE_OUT, OFF)",
            Self::Name(_) => "a name",
        }
    }

    /// Keeps the value where the text is one.
    pub(super) fn keep(self, settings: &mut Settings, text: &str) -> Option<()> {
        match self {
            Self::Rate(slot) => *slot(settings) = Rate::parse(text)?,
            Self::Price(slot) => *slot(settings) = parse_amount(text)?,
            Self::Utilization(slot) => *slot(settings) = parse_amount(text).filter(|share| *share > 0.0)?,
            Self::Level(slot) => {
                *slot(settings) = parse_amount(text).filter(|level| *level > 0.0 && *level < 1.0)?;
            }
            Self::Time(slot) => *slot(settings) = parse_seconds(text)?,
            Self::OptionalTime(slot) => *slot(settings) = Some(parse_seconds(text)?),
            Self::Count(slot) => *slot(settings) = text.trim().parse().ok().filter(|count| *count <= COUNT_MAX)?,
            Self::Limit(slot) => {
                *slot(settings) = match text.trim() {
                    "none" => None,
                    count => Some(count.parse().ok().filter(|count| *count > 0)?),
                };
            }
            Self::Interval(slot) => *slot(settings) = Some(text.trim().parse().ok()?),
            Self::Seed(slot) => *slot(settings) = text.trim().parse().ok()?,
            Self::Mode(slot) => *slot(settings) = Mode::named(text.trim())?,
            Self::Name(slot) => text.trim().clone_into(slot(settings)),
        }
        Some(())
    }

    /// The value kept, as [`Self::keep`] would read it; `None` where it is left out.
    pub(super) fn text(self, settings: &Settings) -> Option<String> {
        // Slots lead to a value to be changed, so they are given a copy to look at.
        let settings = &mut settings.clone();
        Some(match self {
            Self::Rate(slot) => slot(settings).to_string(),
            Self::Price(slot) | Self::Utilization(slot) | Self::Level(slot) => slot(settings).to_string(),
            Self::Time(slot) => format!("{}s", slot(settings)),
            Self::OptionalTime(slot) => format!("{}s", (*slot(settings))?),
            Self::Count(slot) => slot(settings).to_string(),
            Self::Limit(slot) => slot(settings).map_or_else(|| "none".to_owned(), |limit| limit.to_string()),
            Self::Interval(slot) => (*slot(settings))?.to_string(),
            Self::Seed(slot) => slot(settings).to_string(),
            Self::Mode(slot) => slot(settings).name().to_owned(),
            Self::Name(slot) => serde_json::Value::from(slot(settings).as_str()).to_string(),
        })
    }

    /// The JSON Schema of a value: what [`Self::keep`] takes, times in their usual spellings; bounds that depend on a
    /// unit are kept by the number of digits.
    pub(super) fn schema(self) -> serde_json::Value {
        let number = json!({"type": "number", "minimum": 0});
        let matching = |pattern: &str| json!({"type": "string", "pattern": format!(r"^\s*{pattern}\s*$")});
        match self {
            Self::Rate(_) => any_of([number, matching(&format!(r"{AMOUNT}(\s*/\s*{RATE_UNIT})?"))]),
            Self::Time(_) | Self::OptionalTime(_) => any_of([
                json!({"type": "number", "minimum": 0, "maximum": SECONDS_MAX / 60.0}),
                matching(r"[0-9]{1,6}(\.[0-9]+)?"),
                matching(TIME),
            ]),
            Self::Price(_) => any_of([number, matching(AMOUNT)]),
            Self::Utilization(_) => any_of([json!({"type": "number", "exclusiveMinimum": 0}), matching(ABOVE_ZERO)]),
            Self::Level(_) => any_of([
                json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
                matching(r"0*\.[0-9]*[1-9][0-9]*"),
            ]),
            Self::Count(_) => any_of([
                json!({"type": "integer", "minimum": 0, "maximum": COUNT_MAX}),
                matching("0*([0-9]{1,6}|1000000)"),
            ]),
            Self::Seed(_) => {
                any_of([json!({"type": "integer", "minimum": 0, "maximum": u64::MAX}), matching("[0-9]{1,19}")])
            }
            Self::Limit(_) => any_of([
                json!({"type": "integer", "minimum": 1, "maximum": u32::MAX}),
                matching("(none|0*[1-9][0-9]{0,8})"),
            ]),
            Self::Interval(_) => matching(INTERVAL),
            Self::Mode(_) => matching(&format!("({})", Mode::ALL.map(Mode::name).join("|"))),
            Self::Name(_) => json!({"type": "string"}),
        }
    }

    /// The JSON Schema of a value that is also above zero, as [`Configuration::check`](super::Configuration::check)
    /// wants it of some.
    pub(super) fn schema_above_zero(self) -> serde_json::Value {
        match self {
            Self::Rate(_) => any_of([
                json!({"type": "number", "exclusiveMinimum": 0}),
                json!({"type": "string", "pattern": format!(r"^\s*{ABOVE_ZERO}(\s*/\s*{RATE_UNIT})?\s*$")}),
            ]),
            Self::Count(_) => any_of([
                json!({"type": "integer", "minimum": 1, "maximum": COUNT_MAX}),
                json!({"type": "string", "pattern": r"^\s*0*([1-9][0-9]{0,5}|1000000)\s*$"}),
            ]),
            _ => self.schema(),
        }
    }
}

/// A number of at least zero, as text.
const AMOUNT: &str = r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?";
/// A number above zero, as text.
const ABOVE_ZERO: &str = r"\+?([0-9]*[1-9][0-9]*\.?[0-9]*|[0-9]*\.[0-9]*[1-9][0-9]*)([eE][+-]?[0-9]{1,2})?";
/// The time of a rate, such as `min` or `15min`.
const RATE_UNIT: &str = r"([1-9][0-9]*\s*)?(d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)";
/// A time with its unit, such as `1h30m`, of no more digits than 366 days have in that unit.
const TIME: &str = concat!(
    r"([0-9]{1,2}\s*(d|days?)\s*)?([0-9]{1,3}\s*(h|hrs?|hours?)\s*)?",
    r"([0-9]{1,5}\s*(m|mins?|minutes?)\s*)?([0-9]{1,7}(\.[0-9]{1,9})?\s*(s|secs?|seconds?))?"
);
/// A whole time above zero with its unit.
const INTERVAL: &str = concat!(
    r"0*[1-9][0-9]{0,6}\s*(d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)",
    r"(\s*[0-9]{1,2}\s*(h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?))*"
);

fn any_of<const N: usize>(schemas: [serde_json::Value; N]) -> serde_json::Value {
    json!({"anyOf": Vec::from(schemas)})
}

impl Key {
    /// The key of this path or alias.
    pub fn find(path: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.path == path || key.alias == Some(path))
    }

    /// What a value must be, to follow the word "expected".
    pub const fn expected(&self) -> &'static str {
        self.slot.expected()
    }

    /// The value as a configuration writes it; `None` where it is left out.
    pub fn text(&self, settings: &Settings) -> Option<String> {
        self.slot.text(settings)
    }

    /// The value as a number: of a rate its amount, of a time its seconds; `None` where it is none or left out.
    pub fn number(&self, settings: &Settings) -> Option<f64> {
        let settings = &mut settings.clone();
        match self.slot {
            Slot::Rate(slot) => Some(slot(settings).amount),
            Slot::Price(slot) | Slot::Utilization(slot) | Slot::Level(slot) | Slot::Time(slot) => Some(*slot(settings)),
            Slot::OptionalTime(slot) => *slot(settings),
            Slot::Count(slot) => Some(f64::from(*slot(settings))),
            Slot::Limit(slot) => slot(settings).map(f64::from),
            Slot::Interval(_) | Slot::Seed(_) | Slot::Mode(_) | Slot::Name(_) => None,
        }
    }

    /// Sets the value to a number, in the units of [`Self::number`]; `None` where it may not be that.
    pub fn set_number(&self, settings: &mut Settings, value: f64) -> Option<()> {
        let is_whole = value.fract() == 0.0 && (0.0..=f64::from(COUNT_MAX)).contains(&value);
        match self.slot {
            _ if !value.is_finite() || value < 0.0 => return None,
            Slot::Rate(slot) => slot(settings).amount = value,
            Slot::Price(slot) => *slot(settings) = value,
            Slot::Utilization(slot) if value > 0.0 => *slot(settings) = value,
            Slot::Level(slot) if value > 0.0 && value < 1.0 => *slot(settings) = value,
            Slot::Time(slot) if value <= SECONDS_MAX => *slot(settings) = value,
            Slot::OptionalTime(slot) if value <= SECONDS_MAX => *slot(settings) = Some(value),
            Slot::Count(slot) if is_whole => *slot(settings) = value as u32,
            Slot::Limit(slot) if is_whole && value > 0.0 => *slot(settings) = Some(value as u32),
            _ => return None,
        }
        Some(())
    }

    /// Whether the value is a whole number.
    pub const fn is_whole(&self) -> bool {
        matches!(self.slot, Slot::Count(_) | Slot::Limit(_))
    }

    /// What [`Self::number`] is measured in; empty for amounts, shares and counts.
    pub const fn unit(&self) -> &'static str {
        if matches!(self.slot, Slot::Time(_) | Slot::OptionalTime(_)) { "s" } else { "" }
    }

    /// The section and the name within it; the section is empty at the top level.
    pub(super) fn section_and_name(path: &str) -> (&str, &str) {
        path.rsplit_once('.').unwrap_or(("", path))
    }
}

pub(super) const fn key(path: &'static str, default: &'static str, slot: Slot, about: &'static str) -> Key {
    Key { path, alias: None, default: Some(default), example: default, about, slot }
}

const fn optional(path: &'static str, example: &'static str, slot: Slot, about: &'static str) -> Key {
    Key { path, alias: None, default: None, example, about, slot }
}

/// Every key, section by section.
pub const KEYS: &[Key] = &joined::<{ GENERAL.len() + cloud::KEYS.len() }>(&[GENERAL, cloud::KEYS]);

/// Lists one after the other, of `COUNT` keys in all.
const fn joined<const COUNT: usize>(lists: &[&[Key]]) -> [Key; COUNT] {
    let mut keys = [GENERAL[0]; COUNT];
    let (mut list, mut filled) = (0, 0);
    while list < lists.len() {
        let mut place = 0;
        while place < lists[list].len() {
            keys[filled] = lists[list][place];
            (filled, place) = (filled + 1, place + 1);
        }
        list += 1;
    }
    keys
}

/// The keys of the world and of the policies of the reference. Defaults are the reference project's values, written as rates and times with units
/// so that they hold at every interval.
const GENERAL: &[Key] = &[
    key("random_seed", "1995", Slot::Seed(|s| &mut s.random_seed), "Seed of everything random."),
    key(
        "cost_parameters.server_cost",
        "0.05/min",
        Slot::Rate(|s| &mut s.server_cost),
        "Price of one provisioned server, booting ones included.",
    ),
    key(
        "cost_parameters.scale_cost",
        "0.20",
        Slot::Price(|s| &mut s.scale_cost),
        "Price of each server ordered or released.",
    ),
    key(
        "cost_parameters.violation_cost",
        "0.000005",
        Slot::Price(|s| &mut s.violation_cost),
        "Price of each unit of load that finds no ready server.",
    ),
    key(
        "cost_parameters.startup_time",
        "3m",
        Slot::Time(|s| &mut s.startup_seconds),
        "Time from the order of a server until it serves load.",
    ),
    key(
        "cost_parameters.capacity_per_server",
        "1200000/min",
        Slot::Rate(|s| &mut s.capacity_per_server),
        "Load that one server serves, in the unit of the trace.",
    ),
    key(
        "thresholds.reactive.high",
        "0.75",
        Slot::Utilization(|s| &mut s.reactive.high),
        "The reactive policy adds a server above this utilization of the newest known load.",
    ),
    key(
        "thresholds.reactive.low",
        "0.30",
        Slot::Utilization(|s| &mut s.reactive.low),
        "The reactive policy removes a server below this utilization of the newest known load.",
    ),
    key(
        "thresholds.predictive.high",
        "0.70",
        Slot::Utilization(|s| &mut s.predictive.high),
        "The predictive policy adds a server above this utilization of the forecast.",
    ),
    key(
        "thresholds.predictive.low",
        "0.35",
        Slot::Utilization(|s| &mut s.predictive.low),
        "The predictive policy removes a server below this utilization of the forecast.",
    ),
    key(
        "thresholds.hybrid.out",
        "0.75",
        Slot::Utilization(|s| &mut s.hybrid_out),
        "The hybrid policy adds a server above this utilization of the forecast's upper bound.",
    ),
    key(
        "thresholds.hybrid.in",
        "0.40",
        Slot::Utilization(|s| &mut s.hybrid_in),
        "The hybrid policy removes a server below this utilization of the forecast's lower bound.",
    ),
    key(
        "thresholds.hybrid.emergency",
        "0.90",
        Slot::Utilization(|s| &mut s.hybrid_emergency),
        "The hybrid policy adds two servers above this utilization of the newest known load.",
    ),
    key(
        "thresholds.hybrid.hysteresis_time",
        "15m",
        Slot::Time(|s| &mut s.hybrid_hysteresis_seconds),
        "Time for which the hybrid policy's scale-in condition must hold; 0 acts at once.",
    ),
    key(
        "quantile.level",
        "0.95",
        Slot::Level(|s| &mut s.quantile_level),
        "Quantile of the forecast that the quantile policy provisions for.",
    ),
    key(
        "quantile.hold",
        "30m",
        Slot::Time(|s| &mut s.quantile_hold_seconds),
        "Time for which the quantile policy keeps its largest recent target.",
    ),
    key(
        "quantile.ahead",
        "0s",
        Slot::Time(|s| &mut s.quantile_ahead_seconds),
        "Time beyond the start-up time for which the quantile policy provisions as well; 0 for none.",
    ),
    key(
        "hpa.target_utilization",
        "0.70",
        Slot::Utilization(|s| &mut s.hpa.target_utilization),
        "Load per server that the hpa policy aims at, as a share of its capacity.",
    ),
    key(
        "hpa.tolerance",
        "0.1",
        Slot::Price(|s| &mut s.hpa.tolerance),
        "How far from its target, as a share of it, the hpa policy changes nothing.",
    ),
    key(
        "hpa.scale_up_stabilization",
        "0s",
        Slot::Time(|s| &mut s.hpa.scale_up_stabilization_seconds),
        "Time whose lowest recommendation the hpa policy follows upwards.",
    ),
    key(
        "hpa.scale_down_stabilization",
        "5m",
        Slot::Time(|s| &mut s.hpa.scale_down_stabilization_seconds),
        "Time whose highest recommendation the hpa policy follows downwards.",
    ),
    key(
        "hpa.scale_up_pods",
        "4",
        Slot::Count(|s| &mut s.hpa.scale_up_pods),
        "Servers that the hpa policy may add in 15 s; the larger of this and the percentage counts, 0 leaves it out.",
    ),
    key(
        "hpa.scale_up_percent",
        "100",
        Slot::Count(|s| &mut s.hpa.scale_up_percent),
        "Percentage of its servers that the hpa policy may add in 15 s; 0 leaves it out.",
    ),
    key(
        "hpa.scale_down_percent",
        "100",
        Slot::Count(|s| &mut s.hpa.scale_down_percent),
        "Percentage of its servers that the hpa policy may remove in 15 s; 0 removes none.",
    ),
    key(
        "chance_constrained.dropped_share",
        "0.001",
        Slot::Level(|s| &mut s.dropped_share),
        "Share of the load that the chance-constrained policy expects to drop at most.",
    ),
    key(
        "chance_constrained.hold",
        "30m",
        Slot::Time(|s| &mut s.chance_hold_seconds),
        "Time for which the chance-constrained policy keeps its largest recent target.",
    ),
    key(
        "newsvendor.hold",
        "15m",
        Slot::Time(|s| &mut s.newsvendor_hold_seconds),
        "Time for which the newsvendor policy keeps its largest recent target.",
    ),
    key(
        "model_predictive.horizon",
        "45m",
        Slot::Time(|s| &mut s.horizon_seconds),
        "Time that model-predictive control plans ahead.",
    ),
    key(
        "model_predictive.hold",
        "10m",
        Slot::Time(|s| &mut s.plan_hold_seconds),
        "Time for which the plan must want a server gone before it goes.",
    ),
    Key {
        alias: Some("simulation.cooldown"),
        ..key(
            "simulation.cooldown_minutes",
            "5m",
            Slot::Time(|s| &mut s.cooldown_seconds),
            "Time after a change in which policies hold still; `cooldown` is another name for it.",
        )
    },
    key("simulation.min_servers", "1", Slot::Count(|s| &mut s.min_servers), "Fewest servers, ready before the start."),
    key("simulation.max_servers", "5", Slot::Count(|s| &mut s.max_servers), "Most servers."),
    key(
        "simulation.max_step_out",
        "2",
        Slot::Limit(|s| &mut s.max_step_out),
        "Most servers that one change of the constrained optimum adds; 2 as the reference's policies do.",
    ),
    key(
        "simulation.max_step_in",
        "1",
        Slot::Limit(|s| &mut s.max_step_in),
        "Most servers that one change of the constrained optimum removes; 1 as the reference's policies do.",
    ),
    optional(
        "simulation.interval",
        "1m",
        Slot::Interval(|s| &mut s.interval),
        "Length of one interval; finer traces are summed. Left out: a minute, or the trace's own where that is longer.",
    ),
    key("forecasting.model", "ridge", Slot::Name(|s| &mut s.model), "Model that makes the forecasts."),
    key(
        "forecasting.anomaly_detector",
        "forecast",
        Slot::Name(|s| &mut s.anomaly_detector),
        "What tells hybrid that the newest load is an anomaly: forecast (above the 99.7% quantile of its forecast) or a \
         detector, as `dataflow detect --help` lists them.",
    ),
    optional(
        "forecasting.window_size",
        "60",
        Slot::Limit(|s| &mut s.window_size),
        "Intervals of history that the reference's neural models look at; other models do not use it.",
    ),
    optional(
        "forecasting.lead",
        "3m",
        Slot::OptionalTime(|s| &mut s.lead_seconds),
        "Time between a decision and the load that is forecast for it; left out, the start-up time.",
    ),
];
