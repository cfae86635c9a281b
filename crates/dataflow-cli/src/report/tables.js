"use strict";
// The sortable cost table, the largest drops and the decision log. Cells are filled as text, never as HTML.

function row(cells, jumpTo) {
  const line = document.createElement("tr");
  for (const [text, kind] of cells) {
    const cell = line.insertCell();
    cell.textContent = text;
    if (kind) cell.className = kind;
  }
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "show";
  button.setAttribute("aria-label", `Show ${cells[0][0]} in the timeline`);
  button.addEventListener("click", () => {
    for (const other of document.querySelectorAll("tr.here")) other.classList.remove("here");
    line.classList.add("here");
    timeline.jump(jumpTo);
  });
  line.insertCell().append(button);
  return line;
}

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, index) => {
    head.querySelector("button").addEventListener("click", () => {
      const ascending = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const body = table.tBodies[0];
      const key = (line) => line.cells[index].dataset.value ?? line.cells[index].textContent;
      const order = (one, other) => (index === 0 ? key(one).localeCompare(key(other)) : Number(key(one)) - Number(key(other)));
      body.append(...[...body.rows].sort((one, other) => (ascending ? 1 : -1) * order(one, other)));
    });
  });
}

function fillDrops(policy) {
  const { drops, drop_episodes: episodes } = facts.policies[policy];
  const lines = drops.map((drop) => row([
    [moment(drop.tick)], [duration((drop.ticks * facts.step_ms) / 1000)], [withUnit(drop.dropped)], [withUnit(drop.worst)],
    [grouped(drop.cost)], [grouped(drop.ready)],
  ], drop.tick));
  document.querySelector("#drops tbody").replaceChildren(...lines);
  document.getElementById("drops-note").textContent = episodes === 0 ? "Nothing was dropped."
    : `The ${grouped(drops.length)} largest of ${grouped(episodes)} stretches in which load was dropped.`;
}

const decisions = {
  PAGE: 25,
  first: 0,
  found: [],
  kind: document.getElementById("kind"),
  search: document.getElementById("search"),

  start() {
    for (const input of [this.kind, this.search]) input.addEventListener("input", () => this.find());
    const moves = {
      first: () => 0, back: () => this.first - this.PAGE, next: () => this.first + this.PAGE,
      last: () => Math.floor((this.found.length - 1) / this.PAGE) * this.PAGE,
    };
    for (const button of document.querySelectorAll("[data-page]")) {
      button.addEventListener("click", () => {
        this.first = Math.max(0, moves[button.dataset.page]());
        this.draw();
      });
    }
  },
  own(name) {
    return timeline.columns[`${timeline.policy}.action.${name}`];
  },
  find() {
    const [ticks, changes, reasons] = [this.own("tick"), this.own("change"), this.own("reason")];
    const [kind, words] = [Number(this.kind.value), this.search.value.trim().toLowerCase()];
    this.found = [];
    ticks.forEach((tick, index) => {
      if (kind !== 0 && Math.sign(changes[index]) !== kind) return;
      if (words && !`${moment(tick)} ${reasons[index]}`.toLowerCase().includes(words)) return;
      this.found.push(index);
    });
    this.first = 0;
    this.draw();
  },
  draw() {
    const page = this.found.slice(this.first, this.first + this.PAGE);
    const lines = page.map((index) => {
      const change = this.own("change")[index];
      return row([
        [moment(this.own("tick")[index])], [signed(change), change > 0 ? "change-out" : "change-in"],
        [grouped(this.own("servers")[index])], [this.own("reason")[index]],
      ], this.own("tick")[index]);
    });
    document.querySelector("#decisions tbody").replaceChildren(...lines);
    const last = this.first + page.length;
    for (const button of document.querySelectorAll("[data-page]")) {
      const back = ["first", "back"].includes(button.dataset.page);
      button.disabled = back ? this.first === 0 : last >= this.found.length;
    }
    const { actions, actions_kept: kept } = facts.policies[timeline.policy];
    const part = kept < actions ? ` Only the first and last of this policy's ${grouped(actions)} decisions are kept in this page.` : "";
    document.getElementById("decisions-note").textContent = page.length === 0 ? `No decision to show.${part}`
      : `${grouped(this.first + 1)} to ${grouped(last)} of ${grouped(this.found.length)} ${this.found.length === 1 ? "change" : "changes"}.${part}`;
  },
};
