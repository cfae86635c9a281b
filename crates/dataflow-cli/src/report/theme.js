"use strict";
// Light and dark: the system's choice until the button overrides it. Plots are drawn anew in the new colours.

const theme = {
  listeners: [],
  system: matchMedia("(prefers-color-scheme: dark)"),
  button: document.getElementById("theme"),

  isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : this.system.matches;
  },
  color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  },
  changed() {
    this.button.textContent = this.isDark() ? "Light" : "Dark";
    this.button.setAttribute("aria-pressed", String(this.isDark()));
    this.button.setAttribute("aria-label", `Dark colours: ${this.isDark() ? "on" : "off"}`);
    for (const listener of this.listeners) listener();
  },
  start() {
    this.button.addEventListener("click", () => {
      document.documentElement.dataset.theme = this.isDark() ? "light" : "dark";
      this.changed();
    });
    this.system.addEventListener("change", () => this.changed());
    this.changed();
  },
};

// A colour of the page with another opacity.
function faded(name, opacity) {
  const hex = theme.color(name);
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${red}, ${green}, ${blue}, ${opacity})`;
}

function baseLayout() {
  const axis = { gridcolor: theme.color("rule"), zerolinecolor: theme.color("rule"), linecolor: theme.color("rule") };
  return {
    paper_bgcolor: theme.color("paper"),
    plot_bgcolor: theme.color("paper"),
    font: { color: theme.color("ink"), family: getComputedStyle(document.body).fontFamily, size: 13 },
    hoverlabel: { bgcolor: theme.color("raised"), bordercolor: theme.color("rule"), font: { color: theme.color("ink") }, align: "left" },
    xaxis: { ...axis },
    yaxis: { ...axis },
  };
}

const plotConfig = { responsive: true, displaylogo: false, displayModeBar: false, doubleClick: false, scrollZoom: false };
