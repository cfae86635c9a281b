"""Makes the golden cases of this folder with PyTorch: seeded weights, and what the networks make of two inputs.

    pip install torch numpy
    python make_golden.py

writes bilstm.pt, bilstm_attention.pt, transformer.pt (state dicts) and golden.json beside this file. Weights come from
torch.manual_seed, so another PyTorch may draw others; the files belong together.
"""

import json
import math
import pathlib

import numpy as np
import torch
from torch import nn

HERE = pathlib.Path(__file__).parent
COLUMNS, STEPS, BATCH = 6, 12, 4


class Bilstm(nn.Module):
    """Two layers, 32 units per direction; last step, layer normalisation, perceptron."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(COLUMNS, 32, num_layers=2, bidirectional=True, batch_first=True)
        self.norm = nn.LayerNorm(64)
        relu_dropout = lambda: (nn.ReLU(), nn.Dropout(0.5))
        self.mlp = nn.Sequential(
            nn.Linear(64, 32), *relu_dropout(), nn.Linear(32, 16), *relu_dropout(), nn.Linear(16, 1)
        )

    def forward(self, windows):
        last = self.lstm(windows)[0][:, -1]
        return self.mlp(self.norm(last)), {"recurrent": last}


class AdditiveAttention(nn.Module):
    """Eight heads, each with its own weights over time; all weigh the same first channels."""

    def __init__(self, width=128, heads=8):
        super().__init__()
        self.head_width = width // heads
        self.attn_weight = nn.ModuleList(nn.Linear(width, self.head_width) for _ in range(heads))
        self.attn_score = nn.ModuleList(nn.Linear(self.head_width, 1, bias=False) for _ in range(heads))
        self.out_proj = nn.Linear(width, width)

    def forward(self, outputs):
        scores = [score(torch.tanh(energy(outputs))) for energy, score in zip(self.attn_weight, self.attn_score)]
        weights = torch.softmax(torch.cat(scores, dim=2), dim=1).transpose(1, 2)
        contexts = weights @ outputs[:, :, : self.head_width]
        return self.out_proj(contexts.flatten(1)), weights


class BilstmAttention(nn.Module):
    """One layer, 64 units per direction; its layer normalisation is there but not applied."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(COLUMNS, 64, bidirectional=True, batch_first=True)
        self.norm = nn.LayerNorm(128)
        self.attention = AdditiveAttention()
        self.fc = nn.Linear(128, 1)

    def forward(self, windows):
        outputs = self.lstm(windows)[0]
        context, weights = self.attention(outputs)
        return self.fc(context), {"recurrent": outputs[:, -1], "attention": weights}


class Transformer(nn.Module):
    """Encoder of width 64, four heads, two layers; averaged over time."""

    def __init__(self):
        super().__init__()
        self.input_proj = nn.Linear(COLUMNS, 64)
        layer = nn.TransformerEncoderLayer(64, 4, dim_feedforward=32, dropout=0.1, batch_first=True)
        self.transformer = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(64)
        self.fc = nn.Linear(64, 1)

    def forward(self, windows):
        position = torch.arange(STEPS, dtype=torch.float64)[:, None]
        angles = position * torch.exp(-math.log(10_000.0) * torch.arange(0, 64, 2, dtype=torch.float64) / 64)
        positions = torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1).to(windows.dtype)
        stream = self.transformer(self.input_proj(windows) + positions)
        return self.fc(self.norm(stream).mean(dim=1)), {}


def sine_input():
    batch, step, column = np.ogrid[:BATCH, :STEPS, :COLUMNS]
    return np.sin(0.1 * (batch * STEPS * COLUMNS + step * COLUMNS + column)).astype(np.float32)


def realistic_input():
    batch, step, column = np.ogrid[:BATCH, :STEPS, :COLUMNS]
    values = 40 * (1 + np.sin(0.3 * (batch + step) + column)) / 2
    values[:, :, 5] = (14 + np.sin(0.2 * (batch * STEPS + step)))[:, :, 0]
    return values.astype(np.float32)


def spread(model):
    """Weights of trained size: normalisations that do something, gates that saturate now and then."""
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "norm" in name:
                weights.add_(0.3 * torch.randn_like(weights))
            else:
                weights.mul_(2.5)


def main():
    torch.set_num_threads(1)
    cases = {}
    for name, make in [("bilstm", Bilstm), ("bilstm_attention", BilstmAttention), ("transformer", Transformer)]:
        torch.manual_seed(20240601)
        model = make().eval()
        spread(model)
        torch.save(model.state_dict(), HERE / f"{name}.pt")
        cases[name] = {"parameters": sum(weights.numel() for weights in model.parameters())}
        for input_name, windows in [("sin", sine_input()), ("realistic", realistic_input())]:
            with torch.no_grad():
                output, inner = model(torch.from_numpy(windows))
                exact, _ = model.double()(torch.from_numpy(windows.astype(np.float64)))
            model.float()
            cases[name][input_name] = {
                "output": output.flatten().tolist(),
                "output_float64": exact.flatten().tolist(),
                **{key: value.flatten().tolist() for key, value in inner.items()},
            }
    origin = {"torch": torch.__version__.split("+")[0], "numpy": np.__version__, "batch": BATCH, "steps": STEPS}
    (HERE / "golden.json").write_text(json.dumps({"origin": origin, "models": cases}) + "\n")


if __name__ == "__main__":
    main()
