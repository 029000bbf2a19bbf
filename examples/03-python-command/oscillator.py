"""A damped oscillator, x'' = -2 gamma x' - x, from x = 1 at rest, by the classical Runge-Kutta method; NumPy writes what it did.

It knows nothing of entropic: params come in as arguments, one .npy file goes out.
"""
import argparse

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--gamma", type=float, required=True)
parser.add_argument("--dt", type=float, required=True)
parser.add_argument("--steps", type=int, required=True)
parser.add_argument("--out", required=True)
args = parser.parse_args()

if args.dt <= 0:
    parser.error(f"--dt must be positive, not {args.dt}")

matrix = np.array([[0.0, 1.0], [-1.0, -2.0 * args.gamma]])
series = np.empty((args.steps + 1, 3))
state = np.array([1.0, 0.0])
for step in range(args.steps + 1):
    series[step] = step * args.dt, *state
    k1 = matrix @ state
    k2 = matrix @ (state + args.dt / 2 * k1)
    k3 = matrix @ (state + args.dt / 2 * k2)
    k4 = matrix @ (state + args.dt * k3)
    state = state + args.dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

print(f"x({series[-1, 0]:g}) = {series[-1, 1]:.12f}")
np.save(args.out, series)
