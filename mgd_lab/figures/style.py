"""The look of a printed paper: fonts that Matplotlib brings along, thin lines, safe colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Matplotlib types its own functions only in part; what comes from it is Any here.
Axes = Any
Figure = Any

WIDTH_INCHES = 7.0
SMALL = 7.0
GREY = "0.45"

# Okabe and Ito (2008): told apart also with every common colour vision deficiency.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("solid", (0, (4, 1.2)), (0, (1, 1)), (0, (4, 1, 1, 1)))

SETTINGS: Mapping[str, Any] = {
    # STIX has the Greek and the operators; DejaVu what a user's names may need beyond.
    "font.family": ["STIXGeneral", "DejaVu Sans"],
    # Names come from users, who may mean a dollar sign as such.
    "text.parse_math": False,
    "font.size": 9.0,
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.0,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "lines.linewidth": 1.0,
    "lines.markersize": 2.6,
    "lines.markeredgewidth": 0.0,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "xtick.major.size": 2.8,
    "ytick.major.size": 2.8,
    "ytick.minor.size": 1.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "ytick.minor.width": 0.4,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.borderaxespad": 0.0,
    "legend.borderpad": 0.15,
    "legend.columnspacing": 1.2,
    "legend.handletextpad": 0.5,
    "figure.constrained_layout.w_pad": 0.05,
    "figure.constrained_layout.h_pad": 0.04,
    "figure.constrained_layout.wspace": 0.03,
    "figure.constrained_layout.hspace": 0.02,
    "savefig.dpi": 300,
    "savefig.facecolor": "white",
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "mgd-lab",
}


def colour(run: int) -> str:
    """Colour of a run of an overlay."""
    return PALETTE[run % len(PALETTE)]


def dashes(run: int) -> Any:
    """Line style of a run of an overlay: changes when the colours begin again."""
    return DASHES[run // len(PALETTE) % len(DASHES)]
