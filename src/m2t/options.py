"""Dataclasses of options: checked, and plain JSON values and back."""

import dataclasses
import math
import typing
from operator import index
from typing import Any, Literal

from .errors import ConfigError

LATER = {"later": True}
"""Marks options added since files exist: left out of JSON at their default, or ids would change."""


def check(condition: bool, message: str) -> None:
    """Raise ConfigError with this message unless the condition holds."""
    if not condition:
        raise ConfigError(message)


def whole(name: str, value: Any) -> int:
    """A whole number, NumPy's included; ConfigError for anything else, True and False included."""
    try:
        number = None if isinstance(value, bool) else index(value)
    except TypeError:
        number = None
    if number is None:
        raise ConfigError(f"{name} must be a whole number, not {value!r}")
    return number


def plain(config: Any) -> Any:
    """Plain JSON values of a dataclass, without later options at their defaults."""
    if not dataclasses.is_dataclass(config):
        return config
    return {
        option.name: plain(value)
        for option in dataclasses.fields(config)
        if (value := getattr(config, option.name)) != option.default
        or not option.metadata.get("later")
    }


def build(cls: Any, values: Any) -> Any:
    """Dataclass from plain JSON values, nested dataclasses and tuples included."""
    check(isinstance(values, dict), f"{cls.__name__} must be an object")
    hints = typing.get_type_hints(cls)
    unknown = set(values) - set(hints)
    check(not unknown, f"unknown option {', '.join(sorted(unknown))} in {cls.__name__}")
    return cls(**{key: coerce(hints[key], value, key) for key, value in values.items()})


def coerce(hint: Any, value: Any, key: str) -> Any:
    """`value` as the type `hint` of option `key`; ConfigError where it does not fit."""
    if dataclasses.is_dataclass(hint):
        return build(hint, value)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        check(value in args, f"{key} must be one of {', '.join(map(str, args))}, not {value!s:.40}")
        return value
    if origin is tuple:
        check(isinstance(value, (list, tuple)), f"{key} must be a list")
        return tuple(coerce(args[0], item, key) for item in value)
    if hint is float and type(value) is int and abs(value) <= 2**53:
        return float(value)
    check(type(value) is hint, f"{key} must be {hint.__name__}, not {value!r:.40}")
    check(hint is not float or math.isfinite(value), f"{key} must be finite")
    return value
