"""Small chips with imperfections, and the same chips computed number by number."""

import functools
import math

import numpy as np
import pytest

from mgd_lab.codes import permutation, unpack_signs
from mgd_lab.costs import CostFunction
from mgd_lab.experiment.emulation import EmulationSettings
from sim_instruments.emulated import emulated_chip

SEED = 11
MLP = {"layers": [3, 4, 2], "activation": "tanh"}
CNN = {
    "kind": "chain",
    "input": [1, 7, 6],
    "layers": [
        {"kind": "conv", "out_channels": 2, "kernel": [2, 3]},
        {"kind": "relu"},
        {"kind": "max_pool"},
        {"kind": "dense", "outputs": 3},
        {"kind": "sigmoid"},
    ],
}
NETWORKS = {"mlp": MLP, "cnn": CNN}
SAMPLES, PROBES = 5, 24


MASK = 2**32 - 1


@functools.lru_cache(maxsize=2**18)
def integers(seed, stream, index, word):
    """Philox4x32-10 in whole numbers."""
    k0, k1 = seed & MASK, seed >> 32
    c0, c1, c2, c3 = index & MASK, index >> 32, word, stream
    for _ in range(10):
        p, q = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (q >> 32) ^ c1 ^ k0, q & MASK, (p >> 32) ^ c3 ^ k1, p & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0 | c1 << 32, c2 | c3 << 32


def normal(seed, stream, index, number, word=0):
    u, v = ((x >> 11) * 2.0**-53 for x in integers(seed, stream, index, word + number // 2))
    turn = math.sin if number % 2 else math.cos
    return math.sqrt(-2 * math.log1p(-u)) * turn(2 * math.pi * v)


def uniform(seed, stream, index, number):
    return (integers(seed, stream, index, number // 2)[number % 2] >> 11) * 2.0**-53


class Reference:
    """A chip computed number by number, from docs/imperfections.md."""

    def __init__(self, keys, network, description, seed=SEED):
        self.keys, self.network, self.seed = keys, network, seed
        self.sizes = [group.count for group in description.groups]
        self.P = sum(self.sizes)
        self.safe = description.safe.tolist()
        self.asked = list(self.safe)
        self.kept = [self.on_grid(v) for v in self.safe]
        self.lost = [0.0] * self.P
        self.written, self.count = [0] * self.P, [0] * self.P
        self.writes = self.number = 0
        self.read = None
        self.stuck = {}
        if "stuck" in keys:
            first = math.floor(keys["stuck"]["fraction"] * self.P + 0.5)
            for i in permutation(seed, 7, 1, self.P)[:first].tolist():
                at = keys["stuck"].get("at", 0.0)
                if isinstance(at, list):
                    at = at[0] + (at[1] - at[0]) * uniform(seed, 7, 2, i)
                self.stuck[i] = self.kept[i] = at

    def get(self, *path, default=0):
        found = self.keys
        for key in path:
            found = found.get(key, {}) if isinstance(found, dict) else {}
        return default if found == {} else found

    def device(self, index, i):
        return normal(self.seed, 7, index, i)

    def moves(self, i):
        if i in self.stuck:
            return False
        if "endurance" not in self.keys:
            return True
        life = self.get("endurance", "writes")
        life *= math.exp(self.get("endurance", "spread") * self.device(3, i))
        return self.count[i] < life

    def on_grid(self, v, u=None):
        r = self.keys.get("resolution", {})
        low, high = r.get("low", -math.inf), r.get("high", math.inf)
        v = min(max(v, low), high)
        step, origin = r.get("step", 0), 0
        if "bits" in r:
            step, origin = (high - low) / (2 ** r["bits"] - 1), low
        if step and u is None:
            v = origin + step * round((v - origin) / step)
        elif step:
            place = (v - origin) / step
            v = origin + step * (math.floor(place) + (u < place - math.floor(place)))
        return min(max(v, low), high)

    def held(self, i, now):
        if i in self.stuck:
            return self.stuck[i]
        value = self.kept[i] + self.lost[i] * self.rest(i, now)
        return value * self.faded(i, now)

    def rest(self, i, now):
        tau = self.get("relaxation", "time_constant_presentations", default=1)
        return math.exp(-max(0, now - self.written[i]) / tau)

    def faded(self, i, now):
        if "drift" not in self.keys:
            return 1.0
        nu = self.get("drift", "exponent")
        if self.get("drift", "spread"):
            nu = max(0.0, nu + self.get("drift", "spread") * self.device(5, i))
        t = max(0, now - self.written[i])
        return (1 + t / self.get("drift", "reference_presentations", default=1)) ** -nu

    def reached(self, i, held, asked):
        by_steps = self.keys.get("writing") == "increments"
        value = held + asked - self.asked[i] if by_steps else asked
        step = value - held
        if "asymmetry" in self.keys:
            log = math.log(self.get("asymmetry", "ratio", default=1))
            log += self.get("asymmetry", "spread") * self.device(4, i)
            step *= math.exp(log / 2 if step > 0 else -log / 2)
            value = held + step
        bounds = self.keys.get("saturation")
        if bounds:
            low, high = bounds["low"], bounds["high"]
            rest = math.exp(-abs(step) / ((high - low) / 2))
            value = high - (high - held) * rest if step > 0 else low + (held - low) * rest
        if "update_noise" in self.keys:
            value += self.keys["update_noise"] * normal(self.seed, 5, self.writes, i)
        if bounds:
            value = min(max(value, low), high)
        chance = self.get("resolution", "rounding", default="") == "stochastic"
        return self.on_grid(value, uniform(self.seed, 6, self.writes, i) if chance else None)

    def write(self, theta):
        if theta == self.asked:
            return
        now = self.number
        fraction = self.get("relaxation", "fraction")
        moving = [i for i in range(self.P) if theta[i] != self.asked[i] and self.moves(i)]
        for i in moving:
            held = self.held(i, now)
            value = self.reached(i, held, theta[i])
            self.lost[i] *= self.rest(i, now) * self.faded(i, now)
            self.lost[i] += fraction * (value - held)
            self.kept[i] = value - self.lost[i]
            self.written[i] = now
            self.count[i] += 1
        self.asked = list(theta)
        self.writes += 1

    def present(self, theta, perturbation, x, t):
        self.write(theta)
        n = self.number
        y = self.outputs(perturbation, x)
        cost = sum((a - b) ** 2 for a, b in zip(y, t, strict=True)) / len(y)
        noise = self.keys.get("cost_noise", {})
        cost += noise.get("white", 0) * normal(self.seed, 4, n, 0)
        octaves = noise.get("pink_octaves", 20)
        if noise.get("pink"):
            total = sum(normal(self.seed, 4, n >> k, 0, 1 + k) for k in range(octaves))
            cost += noise["pink"] * total / math.sqrt(octaves)
        return cost

    def outputs(self, perturbation, x):
        n, follow = self.number, self.keys.get("follow_presentations", 1)
        self.number += 1
        step = self.get("resolution", "perturbation_step")
        values = []
        for i in range(self.P):
            move = perturbation[i] if self.moves(i) else 0.0
            move = step * round(move / step) if step else move
            values.append(self.held(i, n - n % follow) + move)
        values = self.mixed(values)
        for i in range(self.P):
            values[i] += self.get("read_noise", "parameters") * normal(self.seed, 4, n, i, 2**31)
        y = self.forward(values, [float(np.float32(self.converted("input", v))) for v in x])
        if "settling" in self.keys:
            s = self.keys["settling"]
            rest = math.exp(-s["wait_seconds"] / s["time_constant_seconds"])
            if self.read is not None:
                y = [a + (b - a) * rest for a, b in zip(y, self.read, strict=True)]
            self.read = y
        y = [
            v + self.get("read_noise", "outputs") * normal(self.seed, 4, n, i, 2**30)
            for i, v in enumerate(y)
        ]
        return [self.converted("output", v) for v in y]

    def mixed(self, values):
        part, first, mixed = self.keys.get("crosstalk", 0.0), 0, list(values)
        for size in self.sizes:
            for i in range(first, first + size):
                for j in (i - 1, i + 1):
                    if first <= j < first + size:
                        mixed[i] += part * (values[j] - self.safe[j])
            first += size
        return mixed

    def converted(self, which, v):
        keys = self.keys.get(which, {})
        low, high = keys.get("low", -math.inf), keys.get("high", math.inf)
        v = min(max(v, low), high)
        if "bits" in keys:
            step = (high - low) / (2 ** keys["bits"] - 1)
            v = low + step * round((v - low) / step)
        return v

    def neuron(self, function, a, j):
        sigma = self.keys.get("activation_variation", 0.0)
        scale, k, x0, y0 = (sigma * self.device(0, 4 * j + m) for m in range(4))
        return (1 + scale) * function((1 + k) * (a - x0)) + y0

    def forward(self, p, x):
        return self.forward_mlp(p, x) if "kind" not in self.network else self.forward_cnn(p, x)

    def forward_mlp(self, p, x):
        hidden = [
            self.neuron(math.tanh, dot(p[3 * o : 3 * o + 3], x) + p[20 + o], o) for o in range(4)
        ]
        return [
            self.neuron(sigmoid, dot(p[12 + 4 * o : 16 + 4 * o], hidden) + p[24 + o], 4 + o)
            for o in range(2)
        ]

    def forward_cnn(self, p, x):
        biases = 12 + 2 * 6 * 3
        seen = {}
        for o in range(2):
            for r in range(6):
                for c in range(4):
                    taps = [x[(r + i) * 6 + c + j] for i in range(2) for j in range(3)]
                    a = dot(p[6 * o : 6 * o + 6], taps) + p[biases + o]
                    seen[o, r, c] = self.neuron(lambda v: max(v, 0.0), a, o * 24 + r * 4 + c)
        pooled = [
            max(seen[o, 2 * r + i, 2 * c + j] for i in range(2) for j in range(2))
            for o in range(2)
            for r in range(3)
            for c in range(2)
        ]
        return [
            self.neuron(
                sigmoid, dot(p[12 + 12 * o : 24 + 12 * o], pooled) + p[biases + 2 + o], 48 + o
            )
            for o in range(3)
        ]


def dot(a, b):
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def sigmoid(a):
    return 1 / (1 + math.exp(-a))


class Case:
    """A chip, θ's that follow one another, and probes of each."""

    def __init__(self, keys, name="mlp", engine="numpy", seed=SEED):
        settings = EmulationSettings.model_validate(
            {"network": NETWORKS[name], "imperfections": keys, "engine": engine, "seed": seed}
        )
        self.keys, self.network = keys, NETWORKS[name]
        self.chip = emulated_chip(settings)
        description = self.chip.description
        random = np.random.default_rng(3)
        self.P = description.parameters
        self.thetas = np.cumsum(random.normal(0, 0.3, (4, self.P)), axis=0).astype(np.float32)
        # Not every update moves every parameter.
        self.thetas[2, ::2] = self.thetas[1, ::2]
        self.inputs = random.random((SAMPLES, description.inputs)).astype(np.float32)
        self.targets = random.random((SAMPLES, description.outputs)).astype(np.float32)
        self.amplitudes = random.uniform(0.02, 0.09, self.P).astype(np.float32)
        self.samples = random.integers(0, SAMPLES, PROBES).astype(np.uint32)
        self.signs = random.integers(-1, 2, PROBES).astype(np.int8)
        self.codes = random.integers(0, 256, (PROBES, -(-self.P // 8))).astype(np.uint8)
        self.chip.set_cost(CostFunction())
        self.chip.load_samples(self.inputs, self.targets)
        self.chip.set_amplitudes(self.amplitudes)

    @property
    def perturbations(self):
        unit = unpack_signs(self.codes, self.P) * self.signs[:, None]
        return (unit * self.amplitudes).astype(np.float32)

    def costs(self, block=PROBES, *, dense=False):
        """All probes at every θ in turn, in blocks."""
        found = []
        for theta in self.thetas:
            for k in range(0, PROBES, block):
                part = slice(k, k + block)
                if dense:
                    asked = (self.samples[part], self.perturbations[part])
                    found.append(self.chip.measure_dense(theta, *asked))
                else:
                    asked = (self.samples[part], self.signs[part], self.codes[part])
                    found.append(self.chip.measure_signs(theta, *asked))
        return np.concatenate(found)

    def reference(self):
        chip = Reference(self.keys, self.network, self.chip.description)
        inputs, targets = self.inputs.tolist(), self.targets.tolist()
        perturbations = self.perturbations.astype(np.float64).tolist()
        return np.array(
            [
                chip.present(theta, perturbation, inputs[sample], targets[sample])
                for theta in self.thetas.astype(np.float64).tolist()
                for perturbation, sample in zip(perturbations, self.samples.tolist(), strict=True)
            ]
        )


@pytest.fixture
def case():
    return Case
