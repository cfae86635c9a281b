"""Makes ets.json, theta.json and mstl.json: what statsforecast finds on series made by formula.

python3 -m venv venv && venv/bin/pip install statsforecast==2.1.1 && venv/bin/python make_golden.py

The same versions give the same files; they are written into each. No series comes from elsewhere.
"""

import json
import os
import warnings
from importlib.metadata import version
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
warnings.filterwarnings("ignore")

import numpy as np
from statsforecast.ets import ets_f, forecast_ets
from statsforecast.models import MSTL, AutoETS
from statsforecast.theta import auto_theta, forecast_theta

HERE = Path(__file__).parent
SEED = 20260101
HOURS = 1000
SEASON = 24
AHEAD = 48


def series():
    """Name and loads, rounded to 4 digits so that every reader gets the same numbers."""
    rng = np.random.default_rng(SEED)
    hour = np.arange(HOURS)
    day = np.sin(2 * np.pi * hour / 24) + 0.4 * np.cos(4 * np.pi * hour / 24)
    week = np.sin(2 * np.pi * hour / 168)
    walk = np.cumsum(rng.normal(0, 2, HOURS))
    made = {
        "additive": 300 + 100 * day + walk + rng.normal(0, 15, HOURS),
        "relative": (300 + walk + 0.2 * hour) * np.exp(0.4 * day + rng.normal(0, 0.1, HOURS)),
        "two seasons": 200 + 60 * day + 40 * week + rng.normal(0, 20, HOURS),
        "zeros": np.maximum(0, 50 + 60 * day + rng.normal(0, 10, HOURS)).round(),
        "counts": 1.0 + rng.poisson(20 * np.exp(0.6 * day + 0.3 * week)),
        "walk": 500 + 3 * walk + rng.normal(0, 5, HOURS),
        "trend": 100 + 0.3 * hour + rng.normal(0, 10, HOURS),
    }
    return {name: np.round(loads, 4) for name, loads in made.items()}


def rounded(values):
    return [round(float(value), 6) for value in np.ravel(values)]


def ets_case(fit):
    error, trend, season, damped = fit["components"]
    mean = forecast_ets(fit, AHEAD)["mean"]
    return {
        "form": f"ETS({error},{trend}{'d' if damped == 'D' else ''},{season})",
        "log_likelihood": float(fit["loglik"]),
        "corrected_aic": float(fit["aicc"]),
        "weights": [None if np.isnan(weight) else float(weight) for weight in fit["par"][:4]],
        "forecast": rounded(mean),
    }


def ets_cases(loads):
    forms = []
    for error in "AM":
        for trend, damped in (("N", False), ("A", False), ("A", True)):
            for season in "NAM":
                relative = error == "M" or season == "M"
                if (relative and loads.min() <= 0) or (error == "A" and season == "M"):
                    continue
                forms.append(ets_case(ets_f(loads, SEASON, model=error + trend + season, damped=damped)))
    return {"automatic": ets_case(ets_f(loads, SEASON)), "forms": forms}


def theta_case(loads):
    fit = auto_theta(loads, SEASON)
    return {
        "kind": fit["modeltype"],
        "decomposed": bool(fit.get("decompose", False)),
        "weight": float(fit["par"]["alpha"]),
        "theta": float(fit["par"]["theta"]),
        # Without the first three errors, as the search counts them.
        "squares": float(np.sum(fit["residuals"][3:] ** 2)),
        "forecast": rounded(forecast_theta(fit, AHEAD)["mean"]),
    }


def mstl_case(loads):
    model = MSTL([24, 168], trend_forecaster=AutoETS(model="ZZN")).fit(loads)
    rest = model.model_[["trend", "remainder"]].sum(axis=1).to_numpy()
    return {"rest_deviation": float(np.std(np.diff(rest))), "forecast": rounded(model.predict(AHEAD)["mean"])}


def write(name, cases):
    versions = {package: version(package) for package in ("statsforecast", "statsmodels", "numpy", "scipy")}
    document = {"made_by": "make_golden.py", "versions": versions, "seed": SEED, "season": SEASON, "cases": cases}
    (HERE / name).write_text(json.dumps(document, indent=None, separators=(",", ":")) + "\n")


def main():
    made = series()
    pairs = made.items()
    write("series.json", [{"name": name, "loads": rounded(loads)} for name, loads in pairs])
    write("ets.json", [{"name": name, **ets_cases(loads)} for name, loads in pairs])
    write("theta.json", [{"name": name, **theta_case(loads)} for name, loads in pairs])
    write("mstl.json", [{"name": name, **mstl_case(loads)} for name, loads in pairs])


if __name__ == "__main__":
    main()
