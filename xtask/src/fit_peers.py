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


problem = json.load(sys.stdin)
print(json.dumps({"sarimax": sarimax}[problem["model"]](problem)))
