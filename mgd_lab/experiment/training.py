"""The training section of an experiment file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from mgd_lab.experiment.alternatives import Alternatives, key_problem
from mgd_lab.experiment.initial import Initial
from mgd_lab.experiment.perturbation import Perturbation, Samples, TimeConstants
from mgd_lab.experiment.update import Update


class Training(Alternatives):
    """Algorithm, perturbation, time constants, update and start."""

    algorithm: Literal["discrete", "analog"] = Field(default="discrete", description="form of MGD")
    perturbation: Perturbation = Field(default_factory=Perturbation)
    time_constants: TimeConstants = Field(default_factory=TimeConstants)
    baseline: Literal["measured", "paired"] = Field(
        default="measured", description="discrete: C0 is probed, or the step probes +θ̃ and −θ̃"
    )
    baseline_refresh_steps: int | None = Field(
        default=None,
        ge=1,
        description="measured: steps after which C0 is probed again (drifting chips)",
    )
    samples: Samples = Field(default_factory=Samples)
    batch: int = Field(
        default=1, ge=1, description="samples presented in a step, one after another"
    )
    update: Update = Field(default_factory=Update)
    initial: Initial = Field(default_factory=Initial)
    finish: Literal["last", "best"] = Field(
        default="last",
        description="what the run ends with: the last parameters, or those of the evaluation with "
        "the lowest cost",
    )

    def keys_without_meaning(self) -> Mapping[str, str]:
        """A refreshed baseline is one that is measured by itself."""
        if self.algorithm == "analog":
            return {
                "baseline_refresh_steps": "baseline_refresh_steps has no meaning for algorithm "
                "analog, which has no baseline"
            }
        if self.baseline == "paired":
            return {
                "baseline_refresh_steps": "baseline_refresh_steps has no meaning for baseline "
                "paired, which measures none"
            }
        return {}

    @model_validator(mode="after")
    def _fit_the_algorithm(self) -> Self:
        if self.algorithm == "analog":
            self._require_analog_keys()
        else:
            self._require_discrete_keys()
        if self.perturbation.target == "nodes":
            self._require_keys_of_nodes()
        self._require_keys_of_update()
        return self

    def _require_analog_keys(self) -> None:
        times = self.time_constants
        if self.baseline == "paired":
            raise key_problem(
                "algorithm analog has no baseline; remove baseline: paired", "baseline"
            )
        if times.tau_hp is None:
            raise key_problem(
                "algorithm analog needs the time constant of the cost's high-pass, in steps",
                *("time_constants", "tau_hp"),
            )
        if times.tau_x < 2:
            raise key_problem(
                f"expected at least 2 for algorithm analog, got {times.tau_x}: the high-pass is "
                "reset when the sample changes, so tau_x = 1 learns nothing",
                *("time_constants", "tau_x"),
            )

    def _require_keys_of_nodes(self) -> None:
        if self.algorithm == "analog":
            raise key_problem(
                "algorithm analog perturbs parameters only; use algorithm: discrete, or target: "
                "parameters",
                *("perturbation", "target"),
            )
        if self.batch > 1:
            raise key_problem(
                f"expected 1 with perturbation.target: nodes, got {self.batch}: each sample has "
                "layer inputs of its own; use time_constants.tau_theta to average over samples",
                "batch",
            )
        if isinstance(self.perturbation.amplitude, dict):
            raise key_problem(
                "expected a number, or a list with one for each layer with parameters: target "
                "nodes has no parameter groups",
                *("perturbation", "amplitude"),
            )

    def _require_keys_of_update(self) -> None:
        update, kind = self.update, self.perturbation.kind
        for key, used in (("compensate", update.compensate), ("clamp", update.clamp is not None)):
            if used and self.algorithm == "analog":
                raise key_problem(
                    f"{key} belongs to algorithm discrete, not to analog, which has no windows; "
                    "remove it",
                    *("update", key),
                )
            if used and self.perturbation.target == "nodes":
                raise key_problem(
                    f"{key} goes with perturbation.target: parameters, not with nodes; remove it",
                    *("update", key),
                )
        if update.compensate and kind != "random":
            raise key_problem(
                f"compensate goes with perturbation.kind: random, not with {kind}, whose codes "
                "are not independent; remove it",
                *("update", "compensate"),
            )

    def _require_discrete_keys(self) -> None:
        times = self.time_constants
        if times.tau_hp is not None:
            raise key_problem(
                "tau_hp belongs to algorithm analog, not to discrete; remove it",
                *("time_constants", "tau_hp"),
            )
        if times.tau_theta < 1 or times.tau_theta != int(times.tau_theta):
            raise key_problem(
                "expected a whole number of steps of at least 1 for algorithm discrete, "
                f"got {times.tau_theta:g}",
                *("time_constants", "tau_theta"),
            )
