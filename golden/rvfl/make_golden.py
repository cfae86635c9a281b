"""Writes golden.json: a tiny random vector functional link of two layers, computed with numpy alone.

Run from this folder: python3 make_golden.py. The ridge penalty is added to the variances of standardised columns; the
constant is not penalised.
"""

import json

import numpy as np

INPUTS, UNITS, ROWS, PENALTY = 3, 4, 30, 1e-3

random = np.random.default_rng(20210301)
inputs = random.normal(size=(ROWS, INPUTS))
targets = 5.0 + np.sin(inputs[:, 0]) + inputs[:, 1] * inputs[:, 2] + 0.1 * random.normal(size=ROWS)

layers, hidden, before = [], [], np.empty((ROWS, 0))
for _ in range(2):
    seen = np.hstack([before, inputs])
    weights = random.uniform(-1.0, 1.0, size=(seen.shape[1], UNITS))
    biases = random.uniform(-1.0, 1.0, size=UNITS)
    before = np.tanh(seen @ weights + biases)
    layers.append({"weights": weights.ravel().tolist(), "biases": biases.tolist()})
    hidden.append(before)

columns = np.hstack([*hidden, inputs])
mean, deviation = columns.mean(axis=0), columns.std(axis=0)
standard = (columns - mean) / deviation
gram = standard.T @ standard / ROWS + PENALTY * np.eye(standard.shape[1])
solution = np.linalg.solve(gram, standard.T @ (targets - targets.mean()) / ROWS) / deviation
coefficients = np.concatenate([[targets.mean() - solution @ mean], solution])
golden = {
    "numpy": np.__version__,
    "penalty": PENALTY,
    "inputs": inputs.tolist(),
    "targets": targets.tolist(),
    "layers": layers,
    "hidden": np.hstack(hidden).tolist(),
    "coefficients": coefficients.tolist(),
    "outputs": (coefficients[0] + columns @ solution).tolist(),
}
with open("golden.json", "w", encoding="utf-8") as file:
    json.dump(golden, file, indent=1)
    file.write("\n")
