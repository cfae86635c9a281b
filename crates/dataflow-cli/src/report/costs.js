"use strict";
// Stacked bars of costs by policy, cheapest on top; the bounds as lines. A bar beyond the axis says what it is.

function drawCosts() {
  const runs = [...facts.policies].sort((one, other) => other.cost.total - one.cost.total);
  const limit = facts.cost_axis_limit;
  const parts = [["server", "servers", "server"], ["scale", "scaling", "scale"], ["violation", "dropped load", "drop"]];
  const bars = parts.map(([part, name, color]) => ({
    type: "bar", orientation: "h", name,
    y: runs.map((run) => plain(run.name)), x: runs.map((run) => run.cost[part]),
    customdata: runs.map((run) => grouped(run.cost[part])),
    hovertemplate: `%{y}: ${name} %{customdata}<extra></extra>`,
    marker: { color: theme.color(color) },
  }));
  const totals = runs.map((run) => ({
    x: Math.min(run.cost.total, limit), y: plain(run.name), xanchor: run.cost.total > limit ? "right" : "left",
    text: run.cost.total > limit ? `<b>cut: ${grouped(run.cost.total)} ▶</b>` : grouped(run.cost.total), showarrow: false,
    bgcolor: run.cost.total > limit ? theme.color("paper") : undefined, xshift: run.cost.total > limit ? -6 : 4,
  }));
  const bounds = [[facts.bound.no_cooldown, "least possible"], [facts.bound.cooldown_and_steps, "under cooldown and steps"]]
    .filter(([cost]) => Number.isFinite(cost) && cost <= limit);
  const layout = baseLayout();
  layout.barmode = "stack";
  layout.height = 100 + 36 * runs.length;
  layout.margin = { l: 10, r: 70, t: 44, b: 30 };
  layout.showlegend = false;
  layout.xaxis = { ...layout.xaxis, range: [0, limit], fixedrange: true, rangemode: "tozero", separatethousands: true };
  layout.yaxis = { ...layout.yaxis, fixedrange: true, showgrid: false, automargin: true, ticksuffix: " " };
  layout.shapes = bounds.map(([cost]) => ({
    type: "line", x0: cost, x1: cost, yref: "paper", y0: 0, y1: 1, line: { color: theme.color("ink"), width: 1.5, dash: "dash" },
  }));
  layout.annotations = totals.concat(bounds.map(([cost, name], index) => ({
    x: cost, y: 1, yref: "paper", yanchor: "bottom", yshift: index * 16, showarrow: false, text: `${name}: ${grouped(cost)}`,
    xanchor: cost > limit / 2 ? "right" : "left", font: { size: 12, color: theme.color("soft") },
  })));
  Plotly.react("costs", bars, layout, plotConfig);
}
