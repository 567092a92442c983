"""The hash that the chip gives is that of the samples loaded last."""

from __future__ import annotations

import zlib

import numpy as np

from mgd_lab.chip import HashesSamples, HoldsSamples
from mgd_lab.conformance.material import drawn_samples
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, not_applicable, passed

_MOST_SAMPLES = 512


def check(session: Session) -> Verdict:
    """Of many samples, of one, of others, and of some that differ in the last bit of one target."""
    chip, description = session.chip, session.description
    if "samples_hash" not in description.features or not isinstance(chip, HoldsSamples):
        return not_applicable("the description does not list the feature samples_hash")
    if not isinstance(chip, HashesSamples):
        return failed("the description lists samples_hash; the chip has no method of that name")
    count = min(description.sample_memory, _MOST_SAMPLES)
    inputs, targets = drawn_samples(description, count, session.material.seed)
    others = drawn_samples(description, count, session.material.seed + 1)
    changed = targets.copy()
    changed.flat[-1] = np.nextafter(changed.flat[-1], np.float32(0.5), dtype=np.float32)
    loads = {
        f"{count} samples": (inputs, targets),
        "one sample": (inputs[:1], targets[:1]),
        f"{count} others": others,
        "the first again": (inputs, targets),
        "one target changed in its last bit": (inputs, changed),
    }
    for what, samples in loads.items():
        chip.load_samples(*samples)
        expected = zlib.crc32(b"".join(np.asarray(part, "<f4").tobytes() for part in samples))
        found = chip.samples_hash()
        if found != expected:
            return failed(f"{what}: the chip gives {found}; CRC-32 of what was loaded: {expected}")
    return passed(f"the hash is right for {len(loads)} loads of up to {count} samples")
