"""Makes sarimax.json: what statsmodels' SARIMAX says of series made here by formula and seed.

Run with the versions of README.md: `python make_golden.py > sarimax.json`. Each case holds the series, the regressors,
the log-likelihood and 24 forecasts with standard errors at given parameters, and the maximum of the likelihood.
"""

import json
import warnings

import numpy as np
from statsmodels.tsa.statespace.sarimax import SARIMAX

warnings.simplefilter("ignore")
SEED = 20_240_229
AHEAD = 24


def lag_polynomial(first, seasonal, period):
    """The coefficients of (1 + first L)(1 + seasonal L^period), of lag 0 on."""
    polynomial = np.r_[1.0, first]
    spread = np.zeros(period * len(seasonal) + 1)
    spread[0] = 1.0
    spread[period::period] = seasonal
    return np.convolve(polynomial, spread)


def arma(generator, length, ar=(), ma=(), seasonal_ar=(), seasonal_ma=(), period=1, deviation=1.0):
    """Draws of a seasonal ARMA process after a warm-up of 500 steps."""
    left = lag_polynomial([-value for value in ar], [-value for value in seasonal_ar], period)
    right = lag_polynomial(list(ma), list(seasonal_ma), period)
    shocks = deviation * generator.standard_normal(length + 500)
    values = np.zeros(length + 500)
    for time in range(length + 500):
        for lag, value in enumerate(right[: time + 1]):
            values[time] += value * shocks[time - lag]
        for lag, value in enumerate(left[: time + 1]):
            values[time] -= value * values[time - lag] if lag else 0.0
    return values[500:]


def integrate(values, start, lag):
    """The series whose differences at this lag are `values`."""
    result = np.r_[start, np.zeros(len(values))]
    for time, value in enumerate(values):
        result[time + lag] = result[time] + value
    return result[lag:]


def day(length, period=24):
    return np.sin(2 * np.pi * np.arange(period) / period)[np.arange(length) % period]


def case(name, values, order, seasonal_order=(0, 0, 0, 0), regressors=None, parameters=()):
    values = np.round(values, 6)
    known = len(values) if regressors is None else len(regressors) - AHEAD
    regressors = None if regressors is None else np.round(regressors, 6)
    model = SARIMAX(
        values,
        exog=None if regressors is None else regressors[:known],
        order=order,
        seasonal_order=seasonal_order,
    )
    ahead = {} if regressors is None else {"exog": regressors[known:]}
    given = model.filter(parameters).get_forecast(AHEAD, **ahead)
    rough = model.fit(method="lbfgs", maxiter=500, disp=False)
    best = model.fit(start_params=rough.params, method="bfgs", maxiter=500, gtol=1e-7, disp=False)
    best = best if best.llf >= rough.llf else rough
    fitted = best.get_forecast(AHEAD, **ahead)
    return {
        "name": name,
        "values": [None if np.isnan(value) else value for value in values],
        "order": list(order),
        "seasonal_order": list(seasonal_order),
        "regressors": [] if regressors is None else regressors.T.tolist(),
        "names": model.param_names,
        "given": {
            "parameters": list(parameters),
            "log_likelihood": model.loglike(parameters),
            "mean": given.predicted_mean.tolist(),
            "standard_error": given.se_mean.tolist(),
        },
        "fitted": {
            "parameters": best.params.tolist(),
            "log_likelihood": best.llf,
            "mean": fitted.predicted_mean.tolist(),
            "standard_error": fitted.se_mean.tolist(),
        },
    }


def with_gaps(values):
    values = values.copy()
    values[[30, 31, 77]] = np.nan
    values[100:125] = np.nan
    return values


def main():
    generator = np.random.default_rng(SEED)
    cases = []

    series = arma(generator, 400, ar=[0.6, 0.2], ma=[0.4, -0.2])
    parameters = [0.5, 0.25, 0.3, -0.1, 1.2]
    cases.append(case("arma_2_2", series, (2, 0, 2), parameters=parameters))

    waves = np.c_[np.ones(424), day(424)]
    series = arma(generator, 400, ar=[0.7], ma=[0.3], deviation=0.5) + waves[:400] @ [10.0, 3.0]
    cases.append(case("regression", series, (1, 0, 1), regressors=waves, parameters=[9.0, 2.5, 0.6, 0.2, 0.3]))
    cases.append(
        case("regression_with_gaps", with_gaps(series), (1, 0, 1), regressors=waves, parameters=[9.0, 2.5, 0.6, 0.2, 0.3])
    )

    series = integrate(arma(generator, 400, ar=[0.5], ma=[-0.3]), [5.0], 1)
    cases.append(case("integrated", series, (1, 1, 1), parameters=[0.4, -0.2, 0.9]))
    cases.append(case("integrated_with_gaps", with_gaps(series), (1, 1, 1), parameters=[0.4, -0.2, 0.9]))

    shocks = arma(generator, 480, ar=[0.8], ma=[0.2], seasonal_ma=[-0.6], period=24)
    series = integrate(shocks, 5.0 * day(24), 24)
    seasonal = {"order": (1, 0, 1), "seasonal_order": (0, 1, 1, 24), "parameters": [0.7, 0.1, -0.5, 1.1]}
    cases.append(case("seasonal", series, **seasonal))
    cases.append(case("seasonal_with_gaps", with_gaps(series), **seasonal))

    shocks = arma(generator, 300, ar=[0.4], ma=[-0.5], seasonal_ar=[0.3], seasonal_ma=[-0.6], period=12)
    series = integrate(integrate(shocks, day(12, 12), 12), [2.0], 1)
    cases.append(
        case("both_differences", series, (1, 1, 1), (1, 1, 1, 12), parameters=[0.3, -0.4, 0.2, -0.5, 1.1])
    )
    print(json.dumps({"seed": SEED, "cases": cases}))


main()
