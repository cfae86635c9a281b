"use strict";
// Rows of the embedded columns into as many buckets as there are pixels: least, mean and most of each, drops summed
// and the worst kept, so that none is lost at any zoom. The whole trace takes a few milliseconds.

function extent(column, from, to) {
  let least = Infinity, most = -Infinity, sum = 0, count = 0;
  for (let row = from; row < to; row++) {
    const value = column[row];
    if (Number.isNaN(value)) continue;
    if (value < least) least = value;
    if (value > most) most = value;
    sum += value;
    count++;
  }
  return count ? { least, mean: sum / count, most } : { least: NaN, mean: NaN, most: NaN };
}

// Buckets of the rows [from, to) of one policy, at most `count` of them.
function bucketize(columns, policy, from, to, count) {
  const rows = to - from;
  const buckets = [];
  const many = Math.max(1, Math.min(rows, count));
  const own = (name) => columns[`${policy}.${name}`];
  const [ready, provisioned, dropped, worst] = [own("ready"), own("provisioned"), own("dropped"), own("worst")];
  for (let index = 0; index < many && rows > 0; index++) {
    const start = from + Math.floor((index * rows) / many);
    const end = from + Math.floor(((index + 1) * rows) / many);
    const load = extent(columns["load.mean"], start, end);
    let [sum, deepest, at, filled] = [0, 0, start, 0];
    for (let row = start; row < end; row++) {
      sum += dropped[row];
      filled += columns.filled[row];
      if (worst[row] > deepest) [deepest, at] = [worst[row], row];
    }
    buckets.push({
      start, end, filled: filled / (end - start), dropped: sum, worst: deepest, worstRow: at,
      load: { least: extent(columns["load.least"], start, end).least, mean: load.mean, most: extent(columns["load.most"], start, end).most },
      ready: extent(ready, start, end).mean,
      provisioned: extent(provisioned, start, end).mean,
      low: columns["forecast.low"] ? extent(columns["forecast.low"], start, end).mean : NaN,
      high: columns["forecast.high"] ? extent(columns["forecast.high"], start, end).mean : NaN,
    });
  }
  return buckets;
}

// The first index in an ascending column whose value is at least `value`.
function firstAtLeast(column, value) {
  let [low, high] = [0, column.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (column[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
