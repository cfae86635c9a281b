"use strict";
// Puts the page to work; what fails is said on the page, not only in the console.

function choosePolicy(policy) {
  timeline.policy = policy;
  timeline.marked = null;
  for (const place of document.querySelectorAll(".of-policy")) place.textContent = `of ${facts.policies[policy].name}`;
  timeline.draw();
  fillDrops(policy);
  decisions.find();
}

function connect() {
  const policy = document.getElementById("policy");
  policy.addEventListener("change", () => choosePolicy(Number(policy.value)));
  for (const button of document.querySelectorAll("[data-span]")) {
    button.addEventListener("click", () => {
      const half = Number(button.dataset.span) / 2 || facts.ticks;
      const middle = timeline.marked ?? (timeline.from + timeline.to) / 2;
      timeline.show(middle - half, middle + half, timeline.marked);
    });
  }
  for (const button of document.querySelectorAll("[data-move]")) button.addEventListener("click", () => timeline.move(0.5 * Number(button.dataset.move)));
  for (const button of document.querySelectorAll("[data-drop]")) button.addEventListener("click", () => timeline.drop(Number(button.dataset.drop)));
}

async function start() {
  makeSortable(document.getElementById("cost-table"));
  theme.start();
  drawCosts();
  theme.listeners.push(drawCosts);
  if (facts.ticks === 0 || facts.policies.length === 0) return;
  const columns = await readColumns();
  timeline.load(columns);
  theme.listeners.push(() => timeline.draw());
  addEventListener("resize", () => timeline.draw());
  connect();
  decisions.start();
  choosePolicy(Number(document.getElementById("policy").value));
  timeline.listen();
}

start().then(
  () => { document.documentElement.dataset.ready = "true"; },
  (error) => {
    const place = document.getElementById("failure");
    place.hidden = false;
    place.textContent = `The plots could not be drawn: ${error.message}`;
    console.error(error);
  },
);
