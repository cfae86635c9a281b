//! The colours of plots: Okabe and Ito's set, which people with colour-blindness can tell apart ("Color Universal
//! Design", 2008), and greys for what is not data. One meaning, one colour, in every figure; `report.css` repeats them.

/// A colour with its opacity, 1 = opaque.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Paint {
    pub(super) red: u8,
    pub(super) green: u8,
    pub(super) blue: u8,
    pub(super) opacity: f64,
}

const fn opaque(rgb: u32) -> Paint {
    Paint { red: (rgb >> 16) as u8, green: (rgb >> 8) as u8, blue: rgb as u8, opacity: 1.0 }
}

impl Paint {
    pub(super) const fn at(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }

    /// The colour so far on the way to another, from 0 to 1.
    pub(super) fn mixed_with(self, other: Self, share: f64) -> Self {
        let mix = |from: u8, to: u8| (f64::from(from) + share * (f64::from(to) - f64::from(from))).round() as u8;
        Self {
            red: mix(self.red, other.red),
            green: mix(self.green, other.green),
            blue: mix(self.blue, other.blue),
            opacity: self.opacity,
        }
    }
}

pub(super) const INK: Paint = opaque(0x1b_1f24);
pub(super) const SOFT_INK: Paint = opaque(0x59_636e);
pub(super) const RULE: Paint = opaque(0xd8_dde3);
pub(super) const PAPER: Paint = opaque(0xff_ffff);
pub(super) const MISSING: Paint = opaque(0xe4_e4e8);

/// Load, as it arrived.
pub(super) const LOAD: Paint = opaque(0x33_3a42);
/// Ready servers, and what servers cost.
pub(super) const SERVER: Paint = opaque(0x00_72b2);
/// Booting servers, and what changes cost.
pub(super) const SCALE: Paint = opaque(0xe6_9f00);
/// Dropped load, and what it costs.
pub(super) const DROP: Paint = opaque(0xd5_5e00);
/// Forecasts.
pub(super) const FORECAST: Paint = opaque(0xcc_79a7);
/// Actions that add servers; those that remove some.
pub(super) const OUT: Paint = opaque(0x00_9e73);
pub(super) const IN: Paint = opaque(0x6b_4fa0);

/// Kinds of anomalies, which have figures of their own and shapes and words beside their colours.
pub(super) const SPIKE: Paint = DROP;
pub(super) const FALL: Paint = SERVER;
pub(super) const SHIFT: Paint = IN;
pub(super) const OUTAGE: Paint = INK;

/// Both ends of the scale of heat maps: one hue, so that lightness alone tells less from more.
pub(super) const COLD: Paint = opaque(0xe8_f2f8);
pub(super) const HOT: Paint = opaque(0x00_3c5f);
