//! What is wrong with a load, in the words of those who run a fleet.

use std::fmt;

use serde::{Serialize, Serializer};

/// A kind of anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// More load than expected, for a while.
    Spike,
    /// Less load than expected, for a while.
    Drop,
    /// A load that went to another level and stayed there.
    LevelShift,
    /// No load, or next to none, where there usually is.
    Outage,
    /// Nothing was recorded.
    MissingData,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Spike, Self::Drop, Self::LevelShift, Self::Outage, Self::MissingData];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spike => "spike",
            Self::Drop => "drop",
            Self::LevelShift => "level shift",
            Self::Outage => "outage",
            Self::MissingData => "missing data",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
