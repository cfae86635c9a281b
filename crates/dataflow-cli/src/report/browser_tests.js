"use strict";
// Runs in the tested page only: presses every control once and checks what it did.

(async () => {
  const root = document.documentElement;
  const fail = (what) => { throw new Error(what); };
  const check = (holds, what) => holds || fail(what);
  try {
    while (!root.dataset.ready && document.getElementById("failure").hidden) await new Promise((done) => setTimeout(done, 20));
    check(root.dataset.ready, "the page did not start");
    check(document.querySelectorAll("#costs .barlayer path").length >= facts.policies.length, "no cost bars");
    check(document.querySelectorAll("#timeline .scatterlayer path.js-line").length > 0, "no timeline");
    check(document.documentElement.scrollWidth <= innerWidth, "the page is wider than the screen");

    const before = document.querySelector("#cost-table tbody").textContent;
    for (const button of document.querySelectorAll("#cost-table thead button")) button.click();
    check(document.querySelector("#cost-table tbody").textContent.length === before.length, "sorting lost rows");

    for (const option of document.getElementById("policy").options) {
      document.getElementById("policy").value = option.value;
      document.getElementById("policy").dispatchEvent(new Event("change"));
      for (const button of document.querySelectorAll(".controls button")) button.click();
      check(timeline.from >= 0 && timeline.to <= facts.ticks && timeline.from < timeline.to, "the view left the trace");
      check(document.getElementById("view").textContent.length > 0, "the view is not described");
    }
    timeline.show(0, facts.ticks);
    const drawn = timeline.columns[`${timeline.policy}.worst`].some((worst) => worst > 0);
    const { data } = document.getElementById("timeline");
    check(data.find((trace) => trace.type === "bar").x.length > 0 === drawn, "drops vanished");
    for (const button of document.querySelectorAll("td button")) button.click();
    for (const key of ["ArrowLeft", "ArrowRight", "+", "-", "0", "Home", "End"]) {
      document.getElementById("timeline").dispatchEvent(new KeyboardEvent("keydown", { key }));
    }
    document.getElementById("search").value = "no such reason";
    document.getElementById("search").dispatchEvent(new Event("input"));
    check(document.querySelectorAll("#decisions tbody tr").length === 0, "the search found what is not there");
    const paper = getComputedStyle(document.body).backgroundColor;
    document.getElementById("theme").click();
    check(getComputedStyle(document.body).backgroundColor !== paper, "the theme did not change");
    root.dataset.exercise = "works";
  } catch (error) {
    root.dataset.exercise = `fails: ${error.message}`;
  }
})();
