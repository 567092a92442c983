"""Errors on the screen: a message on stderr and an exit code; a traceback only with --debug."""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from typing import ParamSpec

import typer

from mgd_lab.errors import MgdLabError

P = ParamSpec("P")

debugging = ContextVar("debugging", default=False)

INTERRUPTED = 130
INTERNAL = 1


def reported(command: Callable[P, None]) -> Callable[P, None]:
    """Turns what a command raises into a message and an exit code."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error
        except BrokenPipeError as error:
            # Whoever read our output (head, less) has seen enough.
            sys.stderr.close()
            raise typer.Exit(0) from error
        except MgdLabError as error:
            tell(error)
            raise typer.Exit(error.exit_code) from error
        except Exception as error:
            print(  # noqa: T201
                f"internal error: {type(error).__name__}: {error}\n"
                "This is a fault of MGD Lab. Run again with --debug for the traceback, and "
                "report it.",
                file=sys.stderr,
            )
            _trace()
            raise typer.Exit(INTERNAL) from error

    return wrapper


def tell(error: MgdLabError) -> None:
    """Prints an error, its notes and, with --debug, its traceback on stderr."""
    notes: list[str] = getattr(error, "__notes__", [])
    print("\n".join([f"error: {error}", *notes]), file=sys.stderr)  # noqa: T201
    _trace(error)


def _trace(error: BaseException | None = None) -> None:
    if not debugging.get():
        return
    if error is None:
        traceback.print_exc(file=sys.stderr)
    else:
        traceback.print_exception(error, file=sys.stderr)
