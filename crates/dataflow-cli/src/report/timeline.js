"use strict";
// The timeline of one policy over the ticks in view: bucketed anew at every zoom, with one hover text per bucket.

const SINGLE_ACTIONS = 400; // More actions than this in view are counted by bucket instead of explained one by one.

const timeline = {
  columns: null,
  policy: 0,
  from: 0,
  to: 0,
  marked: null, // A tick that was jumped to.
  element: document.getElementById("timeline"),
  note: document.getElementById("view"),

  load(columns) {
    this.columns = columns;
    this.to = facts.ticks;
  },
  // Only an element that holds a plot already takes Plotly's listeners.
  listen() {
    this.element.on("plotly_relayout", (change) => this.zoomed(change));
    this.element.on("plotly_doubleclick", () => this.show(0, facts.ticks));
    this.element.addEventListener("keydown", (event) => this.pressed(event));
  },

  show(from, to, marked = null) {
    const least = Math.min(facts.ticks, Math.max(10, 4 * facts.base));
    const length = Math.min(facts.ticks, Math.max(least, Math.round(to - from)));
    this.from = Math.round(Math.min(Math.max(0, from), facts.ticks - length));
    this.to = this.from + length;
    this.marked = marked;
    this.draw();
  },
  jump(tick) {
    const half = Math.max(90, 60 * facts.base);
    this.show(tick - half, tick + half, tick);
    this.element.scrollIntoView({ block: "center" });
  },
  move(share) {
    const by = share * (this.to - this.from);
    this.show(this.from + by, this.to + by);
  },
  zoom(factor) {
    const [middle, half] = [(this.from + this.to) / 2, ((this.to - this.from) * factor) / 2];
    this.show(middle - half, middle + half);
  },
  zoomed(change) {
    const range = change["xaxis.range"] ?? [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (range[0] === undefined) return;
    const tick = (value) => ((typeof value === "number" ? value : Date.parse(`${value.replace(" ", "T")}Z`)) - facts.start_ms) / facts.step_ms;
    const [from, to] = range.map(tick);
    if (Math.round(from) !== this.from || Math.round(to) !== this.to) this.show(from, to);
  },
  pressed(event) {
    const actions = {
      ArrowLeft: () => this.move(-0.25), ArrowRight: () => this.move(0.25),
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2),
      0: () => this.show(0, facts.ticks), Home: () => this.show(0, this.to - this.from),
      End: () => this.show(facts.ticks - (this.to - this.from), facts.ticks),
    };
    if (!actions[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    actions[event.key]();
  },
  // Moves to the next (1) or previous (-1) drop beyond the middle of the view.
  drop(direction) {
    const worst = this.columns[`${this.policy}.worst`];
    const at = this.marked ?? (direction > 0 && this.from === 0 ? -1 : (this.from + this.to) / 2);
    let row = Math.floor(at / facts.base) + direction;
    while (row >= 0 && row < worst.length && worst[row] > 0) row += direction; // Out of the present drop.
    while (row >= 0 && row < worst.length && !(worst[row] > 0)) row += direction;
    if (row >= 0 && row < worst.length) this.jump(row * facts.base);
    else this.note.textContent = direction > 0 ? "No later drop." : "No earlier drop.";
  },

  draw() {
    const width = Math.max(200, this.element.clientWidth - 110);
    const rows = this.columns["load.mean"].length;
    const [from, to] = [Math.floor(this.from / facts.base), Math.min(rows, Math.ceil(this.to / facts.base))];
    const buckets = bucketize(this.columns, this.policy, from, to, width);
    const actions = this.actions();
    const traces = [...this.capacityTraces(buckets), ...this.loadTraces(buckets), this.dropTrace(buckets), ...this.stripTraces(actions, buckets)];
    traces.push(this.hoverTrace(buckets, actions));
    Plotly.react(this.element, traces, this.layout(buckets), plotConfig);
    this.describe(buckets, actions);
  },

  // Steps: every bucket from its start to its end.
  steps(buckets, value) {
    const x = [], y = [];
    for (const bucket of buckets) {
      x.push(milliseconds(bucket.start * facts.base), milliseconds(Math.min(facts.ticks, bucket.end * facts.base)));
      y.push(value(bucket), value(bucket));
    }
    return { x, y };
  },
  trace(buckets, value, more) {
    return { type: "scatter", mode: "lines", hoverinfo: "skip", line: { width: 0 }, ...this.steps(buckets, value), ...more };
  },
  capacityTraces(buckets) {
    const capacity = facts.capacity;
    const traces = [
      this.trace(buckets, (b) => b.ready * capacity, { fill: "tozeroy", fillcolor: faded("server", 0.16), line: { color: theme.color("server"), width: 1.5 } }),
      this.trace(buckets, (b) => b.provisioned * capacity, { fill: "tonexty", fillcolor: faded("scale", 0.7) }),
    ];
    if (this.columns["forecast.low"]) {
      traces.push(
        this.trace(buckets, (b) => b.low),
        this.trace(buckets, (b) => b.high, { fill: "tonexty", fillcolor: faded("forecast", 0.3) }),
      );
    }
    return traces;
  },
  loadTraces(buckets) {
    const traces = [];
    if (buckets.some((b) => b.load.most > b.load.least)) {
      traces.push(
        this.trace(buckets, (b) => b.load.least),
        this.trace(buckets, (b) => b.load.most, { fill: "tonexty", fillcolor: faded("load", 0.25) }),
      );
    }
    traces.push(this.trace(buckets, (b) => b.load.mean, { line: { color: theme.color("load"), width: 1 } }));
    return traces;
  },
  dropTrace(buckets) {
    const hit = buckets.filter((b) => b.worst > 0);
    const load = this.columns[`${this.policy}.worst.load`];
    const width = (b) => (b.end - b.start) * facts.base * facts.step_ms;
    return {
      type: "bar", hoverinfo: "skip",
      x: hit.map((b) => milliseconds(b.start * facts.base) + width(b) / 2), width: hit.map(width),
      base: hit.map((b) => load[b.worstRow] - b.worst), y: hit.map((b) => b.worst),
      marker: { color: theme.color("drop"), line: { color: theme.color("drop"), width: 1 } },
    };
  },
  actions() {
    const ticks = this.columns[`${this.policy}.action.tick`];
    const found = [];
    for (let index = firstAtLeast(ticks, this.from); index < ticks.length && ticks[index] < this.to; index++) found.push(index);
    return found;
  },
  // The strip below: where load was dropped, and where servers were added or removed.
  stripTraces(actions, buckets) {
    const [ticks, changes] = [this.columns[`${this.policy}.action.tick`], this.columns[`${this.policy}.action.change`]];
    const single = actions.length <= SINGLE_ACTIONS;
    const kinds = [[1, "out", "triangle-up", 1], [0, "in", "triangle-down", -1]];
    const traces = kinds.map(([row, color, symbol, sign]) => {
      let chosen = actions.filter((index) => Math.sign(changes[index]) === sign).map((index) => ticks[index]);
      if (!single) { // One mark for each pixel that has any.
        const length = Math.max(1, (this.to - this.from) / Math.max(1, buckets.length));
        chosen = [...new Set(chosen.map((tick) => Math.floor((tick - this.from) / length)))].map((bucket) => this.from + bucket * length);
      }
      return this.stripTrace(chosen, row, color, single ? symbol : "line-ns");
    });
    const dropped = buckets.filter((b) => b.worst > 0).map((b) => ((b.start + b.end) / 2) * facts.base);
    return [...traces, this.stripTrace(dropped, 2, "drop", "line-ns")];
  },
  stripTrace(ticks, row, color, symbol) {
    const line = symbol === "line-ns";
    return {
      type: "scatter", mode: "markers", yaxis: "y2", hoverinfo: "skip", x: ticks.map(milliseconds), y: ticks.map(() => row),
      marker: { color: theme.color(color), size: line ? 7 : 9, symbol, line: { color: theme.color(color), width: line ? 1.5 : 0 } },
    };
  },
  // One invisible trace carries all the words, so that the hover label is one label.
  hoverTrace(buckets, actions) {
    const ticks = this.columns[`${this.policy}.action.tick`];
    let next = 0;
    const texts = buckets.map((bucket) => {
      const end = bucket.end * facts.base;
      const own = [];
      while (next < actions.length && ticks[actions[next]] < end) own.push(actions[next++]);
      return this.words(bucket, own).join("<br>");
    });
    return {
      type: "scatter", mode: "markers", marker: { opacity: 0, size: 1 },
      x: buckets.map((b) => milliseconds(((b.start + b.end) / 2) * facts.base)), y: buckets.map((b) => b.load.mean),
      text: texts, hovertemplate: "%{text}<extra></extra>",
    };
  },
  words(bucket, actions) {
    const tick = bucket.start * facts.base;
    const length = (bucket.end - bucket.start) * facts.base;
    const lines = [`<b>${moment(tick)}</b>${length > 1 ? ` and ${duration((length * facts.step_ms) / 1000)} on` : ""}`];
    const { least, mean, most } = bucket.load;
    lines.push(bucket.filled === 1 ? `load missing, filled with ${withUnit(mean)}` : `load ${withUnit(mean)}${most > least ? ` (${withUnit(least)} to ${withUnit(most)})` : ""}`);
    const booting = bucket.provisioned - bucket.ready;
    lines.push(`${grouped(bucket.ready)} ready${booting > 0 ? `, ${grouped(booting)} booting` : ""}: ${withUnit(bucket.ready * facts.capacity)}`);
    if (!Number.isNaN(bucket.low)) lines.push(`forecast ${withUnit(bucket.low)} to ${withUnit(bucket.high)}`);
    if (bucket.worst > 0) lines.push(`<b>dropped ${withUnit(bucket.dropped)}</b>`);
    const changes = this.columns[`${this.policy}.action.change`];
    for (const index of actions.slice(0, 3)) lines.push(`<b>${signed(changes[index])}</b> ${plain(this.columns[`${this.policy}.action.reason`][index])}`);
    if (actions.length > 3) lines.push(`and ${actions.length - 3} more actions`);
    return lines;
  },

  layout(buckets) {
    const layout = baseLayout();
    const peak = buckets.reduce((most, b) => Math.max(most, b.load.most, b.provisioned * facts.capacity), 0) || 1;
    // A band far above all load and capacity would flatten both.
    const band = buckets.reduce((most, b) => Math.max(most, b.high || 0), 0);
    const top = Math.max(peak, Math.min(band, 1.4 * peak)) * 1.05;
    const range = [milliseconds(this.from), milliseconds(this.to)];
    layout.margin = { l: 64, r: 16, t: 10, b: 40 };
    layout.showlegend = false;
    layout.hovermode = "x";
    layout.dragmode = matchMedia("(pointer: coarse)").matches ? "pan" : "zoom";
    layout.bargap = 0;
    layout.xaxis = { ...layout.xaxis, type: "date", range, anchor: "y2", showspikes: true, spikemode: "across", spikethickness: 1, spikedash: "dot", spikecolor: theme.color("soft") };
    layout.yaxis = { ...layout.yaxis, domain: [0.17, 1], fixedrange: true, range: [0, top], exponentformat: "SI" };
    layout.yaxis2 = { ...baseLayout().yaxis, domain: [0, 0.14], fixedrange: true, range: [-0.7, 2.7], tickvals: [0, 1, 2], ticktext: ["in", "out", "dropped"], zeroline: false, showgrid: false };
    layout.shapes = this.shapes(buckets);
    return layout;
  },
  shapes(buckets) {
    const shapes = [];
    for (const bucket of buckets) {
      if (bucket.filled < 1) continue;
      const [from, to] = [bucket.start, bucket.end].map((row) => milliseconds(row * facts.base));
      const last = shapes.at(-1);
      if (last && last.x1 === from) last.x1 = to;
      else shapes.push({ type: "rect", x0: from, x1: to, yref: "paper", y0: 0.17, y1: 1, fillcolor: theme.color("missing"), line: { width: 0 }, layer: "below", label: { text: "missing", textposition: "top center", font: { size: 11, color: theme.color("soft") } } });
    }
    if (this.marked !== null) {
      const at = milliseconds(this.marked + facts.base / 2);
      shapes.push({ type: "line", x0: at, x1: at, yref: "paper", y0: 0, y1: 1, line: { color: theme.color("accent"), width: 1.5, dash: "dot" } });
    }
    return shapes;
  },
  describe(buckets, actions) {
    const dropped = buckets.reduce((sum, b) => sum + b.dropped, 0);
    const most = buckets.reduce((most, b) => Math.max(most, b.load.most), 0);
    const length = duration(((this.to - this.from) * facts.step_ms) / 1000);
    this.note.textContent = `${plain(facts.policies[this.policy].name)}, ${moment(this.from)} to ${moment(this.to)} UTC (${length}): load up to ${withUnit(most)}, ` +
      `${dropped > 0 ? `${withUnit(dropped)} dropped` : "nothing dropped"}, ${grouped(actions.length)} ${actions.length === 1 ? "action" : "actions"}.`;
  },
};

const signed = (change) => (change > 0 ? `+${change}` : `−${-change}`);
