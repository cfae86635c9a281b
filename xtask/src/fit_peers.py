"""Fits one model with another library: a problem as JSON on standard input, the result as JSON on standard output."""

import json
import sys
import time
import warnings

import numpy as np

warnings.simplefilter("ignore")


def sarimax(problem):
    import statsmodels
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    values = np.array([np.nan if value is None else value for value in problem["values"]])
    regressors = np.array(problem["regressors"]).T if problem["regressors"] else None
    started = time.process_time()
    model = SARIMAX(values, exog=regressors, order=problem["order"], seasonal_order=problem["seasonal_order"])
    result = model.fit(disp=False, maxiter=500)
    seconds = time.process_time() - started
    return {
        "seconds": seconds,
        "log_likelihood": float(result.llf),
        "version": f"statsmodels {statsmodels.__version__}",
    }


def smoothing(problem):
    from importlib.metadata import version

    made = {"ets": ets, "mstl": mstl, "theta": theta}[problem["model"]]
    series = [np.array(values) for values in problem["series"]]
    made(series[0])
    seconds, log_likelihoods = 0.0, []
    for values in series:
        times = []
        for _ in range(problem["runs"]):
            started = time.process_time()
            log_likelihood = made(values)
            times.append(time.process_time() - started)
        seconds += min(times)
        log_likelihoods.append(log_likelihood)
    whole = None if None in log_likelihoods else float(sum(log_likelihoods))
    return {"seconds": seconds, "log_likelihood": whole, "version": f"statsforecast {version('statsforecast')}"}


def ets(values):
    from statsforecast.models import AutoETS

    return AutoETS(season_length=24).fit(values).model_["loglik"]


def mstl(values):
    from statsforecast.models import MSTL, AutoETS

    fitted = MSTL([24, 168], trend_forecaster=AutoETS(model="ZZN")).fit(values)
    return fitted.trend_forecaster.model_["loglik"]


def theta(values):
    from statsforecast.models import AutoTheta

    AutoTheta(season_length=24).fit(values)


problem = json.load(sys.stdin)
print(json.dumps({"sarimax": sarimax}.get(problem["model"], smoothing)(problem)))
