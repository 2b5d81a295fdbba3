"""Sizes and plan of a forecaster from its data."""

from collections.abc import Mapping
from typing import Any

from elman.errors import UsageError
from elman.models.forecaster_config import ForecasterConfig
from elman.tasks.forecast.plan import ForecastPlan

MOST_EPOCHS = 60
"""More would only memorise the windows."""
_SEASONS = 14
"""Seasons in the context window where series are long enough."""
_SHARE = 0.4
"""The context window is at most this share of a series."""
_LONGEST = 1024
_WITHOUT_SEASON = 32


def choose_config(given: Mapping[str, Any], *, season: int, horizon: int, length: int) -> ForecasterConfig:
    """The sizes of the network; what the user fixed (``given``) is kept.

    Args:
        length: values of a usual series of training.

    >>> config = choose_config({}, season=24, horizon=48, length=900)
    >>> config.context_window, config.patch
    (336, 24)
    """
    size: dict[str, Any] = {"embedding_size": 48, "hidden_size": 64, "dense_size": 128}
    if length < 300:
        size |= {"embedding_size": 16, "hidden_size": 16, "dense_size": 32}
    window = given.get("context_window")
    patch = given.get("patch")
    if patch is None:
        patch = season if window is None or window % season == 0 else 1
    if window is None:
        wanted = _SEASONS * season if season > 1 else _WITHOUT_SEASON
        wanted = max(min(wanted, int(_SHARE * length), max(_LONGEST, 2 * season)), season, 2)
        window = max(wanted // patch, 1) * patch
    if window < season:
        raise UsageError(
            f"context_window is {window}; it must hold a season of {season} steps at least", field="context_window"
        )
    size |= {"context_window": window, "patch": patch}
    return ForecasterConfig(**{**size, **given})


def choose_plan(given: Mapping[str, Any], *, windows: int) -> ForecastPlan:
    """The plan except its length; what the user fixed (``given``) is kept.

    >>> choose_plan({}, windows=100_000).batch
    256
    """
    few = windows < 5000
    settings: dict[str, Any] = {
        "updates": 1,
        "batch": 32 if few else 256,
        "rate": 1e-3 if few else 2e-3,
        "clip": 1.0,
        "weight_decay": 0.01 if few else 0.0,
        "dropout": 0.2 if few else 0.0,
        "validations": 12,
        "patience": 6 if few else 0,
        "average_from": 0.5,
    }
    return ForecastPlan(**{**settings, **given})
