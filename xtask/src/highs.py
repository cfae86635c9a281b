"""Solves the fleet's problem with HiGHS: reads one problem as JSON from stdin, writes the result as JSON to the last line of stdout.

Loads are in servers' worth of capacity per tick. Three formulations:

- "levels": one linear programme for all levels, exact because each level's constraints are totally unimodular.
- "fractional": servers as real numbers, without cooldown: a relaxation, so never above the optimum.
- "limits": the mixed-integer programme under the cooldown and step limits, exact.
"""

import json
import sys
import time

import highspy
import numpy as np

INFINITY = highspy.kHighsInf


class Model:
    """Columns and rows of a linear programme, gathered in arrays."""

    def __init__(self):
        self.columns = 0
        self.rows = 0
        self.cost, self.upper, self.integral = [], [], []
        self.row_lower, self.row_upper = [], []
        self.entries = []

    def add_columns(self, costs, upper, integral=False):
        """Returns the numbers of new columns from 0 to `upper`."""
        first, count = self.columns, len(costs)
        self.columns += count
        self.cost.append(np.asarray(costs, dtype=float))
        self.upper.append(np.full(count, upper, dtype=float))
        self.integral.append(np.full(count, integral))
        return np.arange(first, first + count)

    def add_rows(self, lower, upper, terms):
        """New rows: `terms` holds (rows concerned, columns, coefficient) with one entry per row concerned."""
        first = self.rows
        self.rows += len(lower)
        self.row_lower.append(np.asarray(lower, dtype=float))
        self.row_upper.append(np.asarray(upper, dtype=float))
        for rows, columns, coefficient in terms:
            self.entries.append((first + np.asarray(rows), columns, np.full(len(columns), float(coefficient))))

    def solve(self, seconds):
        rows, columns, values = (np.concatenate(part) for part in zip(*self.entries))
        order = np.lexsort((rows, columns))
        starts = np.searchsorted(columns[order], np.arange(self.columns + 1))
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = self.columns, self.rows
        lp.col_cost_ = np.concatenate(self.cost)
        lp.col_lower_, lp.col_upper_ = np.zeros(self.columns), np.concatenate(self.upper)
        lp.row_lower_, lp.row_upper_ = np.concatenate(self.row_lower), np.concatenate(self.row_upper)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = starts
        lp.a_matrix_.index_ = rows[order]
        lp.a_matrix_.value_ = values[order]
        integral = np.concatenate(self.integral)
        if integral.any():
            kinds = [highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger]
            lp.integrality_ = [kinds[int(one)] for one in integral]
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("time_limit", float(seconds))
        solver.setOptionValue("mip_rel_gap", 1e-9)
        solver.passModel(lp)
        start = time.perf_counter()
        solver.run()
        elapsed = time.perf_counter() - start
        info = solver.getInfo()
        solved = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        objective = info.objective_function_value
        bound = info.mip_dual_bound if integral.any() else objective
        return {"solved": solved, "cost": objective, "bound": bound, "seconds": elapsed,
                "version": solver.version(), "columns": self.columns, "rows": self.rows}


def add_moves(model, ticks, price_scale, provisioned, initial, upper):
    """Orders and releases: provisioned[t] - provisioned[t-1] = orders[t] - releases[t]."""
    orders = model.add_columns(np.full(ticks, price_scale), upper)
    releases = model.add_columns(np.full(ticks, price_scale), upper)
    right = np.zeros(ticks)
    right[0] = initial
    every = np.arange(ticks)
    model.add_rows(right, right, [
        (every, provisioned, 1), (every[1:], provisioned[:-1], -1), (every, orders, -1), (every, releases, 1),
    ])
    return orders, releases


def add_readiness(model, ticks, startup, provisioned, ready, initial):
    """ready[t] <= provisioned[t - lag] for every lag up to the start-up time; before the trace, `initial`."""
    for lag in range(startup + 1):
        every = np.arange(ticks - lag)
        model.add_rows(np.full(len(every), -INFINITY), np.zeros(len(every)),
                       [(every, ready[lag:], 1), (every, provisioned[:ticks - lag], -1)])
    early = np.arange(min(startup, ticks))
    model.add_rows(np.full(len(early), -INFINITY), np.full(len(early), initial), [(early, ready[early], 1)])


def by_levels(problem, load):
    ticks, model, constant = len(load), Model(), 0.0
    fewest, most = problem["min_servers"], problem["max_servers"]
    constant += problem["violation"] * np.maximum(load - most, 0).sum() + problem["server"] * fewest * ticks
    for level in range(fewest, most):
        lost = problem["violation"] * np.clip(load - level, 0, 1)
        constant += lost.sum()
        on = model.add_columns(np.full(ticks, problem["server"]), 1)
        ready = model.add_columns(-lost, 1)
        add_moves(model, ticks, problem["scale"], on, 0, 1)
        add_readiness(model, ticks, problem["startup"], on, ready, 0)
    return model, constant


def as_counts(problem, load, limited):
    ticks, model = len(load), Model()
    fewest, most = problem["min_servers"], problem["max_servers"]
    # Columns count the servers above the fewest allowed.
    provisioned = model.add_columns(np.full(ticks, problem["server"]), most - fewest, limited)
    ready = model.add_columns(np.zeros(ticks), most - fewest)
    dropped = model.add_columns(np.full(ticks, problem["violation"]), INFINITY)
    orders, releases = add_moves(model, ticks, problem["scale"], provisioned, 0, most - fewest)
    add_readiness(model, ticks, problem["startup"], provisioned, ready, 0)
    every = np.arange(ticks)
    model.add_rows(load - fewest, np.full(ticks, INFINITY), [(every, dropped, 1), (every, ready, 1)])
    if limited:
        changes = model.add_columns(np.zeros(ticks), 1, True)
        for moves, step in ((orders, problem["out"]), (releases, problem["in"])):
            model.add_rows(np.full(ticks, -INFINITY), np.zeros(ticks), [(every, moves, 1), (every, changes, -step)])
        # At most one change in any stretch of a cooldown and a tick.
        span = min(problem["cooldown"] + 1, ticks)
        starts = np.arange(ticks - span + 1)
        model.add_rows(np.full(len(starts), -INFINITY), np.ones(len(starts)),
                       [(starts, changes[starts + offset], 1) for offset in range(span)])
    return model, problem["server"] * fewest * ticks


def main():
    problem = json.load(sys.stdin)
    load = np.asarray(problem["load"], dtype=float)
    if problem["formulation"] == "levels":
        model, constant = by_levels(problem, load)
    else:
        model, constant = as_counts(problem, load, problem["formulation"] == "limits")
    result = model.solve(problem["seconds"])
    result["cost"] += constant
    result["bound"] += constant
    # On a line of its own: HiGHS has announced itself before.
    print("\n" + json.dumps(result))


main()
