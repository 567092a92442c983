"""Settings in which one key decides which of the others have a meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from mgd_lab.experiment.chip_settings import Settings


def key_problem(message: str, *key: str | int) -> PydanticCustomError:
    """What a validator of several keys raises: the problem belongs to `key`, not to the whole.

    `key` is a path below the model that raises; the message is shown after the key's place.
    """
    return PydanticCustomError("key_problem", "{message}", {"message": message, "key": key})


class Alternatives(Settings):
    """Keys without a meaning are refused where given and left out where written."""

    def keys_without_meaning(self) -> Mapping[str, str]:
        """Keys that the present choice leaves without a meaning, each with the reason."""
        return {}

    @model_validator(mode="after")
    def _refuse_keys_without_meaning(self) -> Self:
        for key, reason in self.keys_without_meaning().items():
            if key in self.model_fields_set and getattr(self, key) is not None:
                raise key_problem(f"{reason}; remove it", key)
        return self

    @model_serializer(mode="wrap")
    def _leave_out_keys_without_meaning(
        self, handler: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        without = self.keys_without_meaning()
        return {key: value for key, value in handler(self).items() if key not in without}
