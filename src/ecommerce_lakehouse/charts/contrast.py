"""How far two colours are apart: for reading, for colour-blind eyes, and in grey print."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import to_rgb

MIN_CONTRAST = 4.5
"""The least contrast of letters (WCAG AA)."""

# Machado, Oliveira and Fernandes (2009), severity 1.0, for linear RGB.
EYES = {
    "": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "grey print": np.array([[0.2126, 0.7152, 0.0722]] * 3),
}  # fmt: skip


def contrast(one: Any, other: Any) -> float:
    """How much two colours stand out from each other, 1 to 21 (WCAG)."""
    low, high = sorted(float(_linear(c) @ EYES["grey print"][0]) for c in (one, other))
    return (high + 0.05) / (low + 0.05)


def distance(one: Any, other: Any, eye: np.ndarray = EYES[""]) -> float:
    """How far apart two colours are for an eye (CIELAB): black and white are 100 apart."""
    return float(np.linalg.norm(_lab(eye @ _linear(one)) - _lab(eye @ _linear(other))))


def _linear(colour: Any) -> np.ndarray:
    parts = np.array(to_rgb(colour))
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def _lab(linear: np.ndarray) -> np.ndarray:
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    ratio = to_xyz @ np.clip(linear, 0, 1) / [0.95047, 1.0, 1.08883]
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
