"""What an instrument calls itself (IEEE 488.2, 10.14), compared with what a chip file expects."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from drivers.instruments.conversation import Conversation
from mgd_lab.errors import IdentityError
from mgd_lab.experiment.instrument_settings import ExpectedIdentity

_FIELDS: tuple[str, ...] = ("manufacturer", "model", "serial", "firmware")


def identify(
    talk: Conversation, expected: ExpectedIdentity, models: Collection[str]
) -> Mapping[str, str]:
    """Fields of `*IDN?`.

    Args:
        talk: with the instrument; only the question is sent.
        expected: what the chip file names.
        models: those that the driver is for.

    Raises:
        IdentityError: another instrument answers.
    """
    fields = [field.strip() for field in talk.ask("*IDN?").split(",")]
    found: dict[str, str] = dict(zip(_FIELDS, fields, strict=False))
    if found.get("model") not in models:
        raise IdentityError(
            f"{talk.place}: model is {found.get('model')!r}; this driver is for "
            f"{', '.join(models)}. Check the keys resource and model"
        )
    for field, value in expected.model_dump(exclude_none=True).items():
        if found.get(field) != value:
            raise IdentityError(
                f"{talk.place}: {field} is {found.get(field)!r}, expected {value!r}. Check the "
                "keys resource and identity"
            )
    return found
