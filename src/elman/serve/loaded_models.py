"""The models that a server offers, by name."""

import dataclasses
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from elman.errors import UsageError
from elman.serve.abilities import ABILITIES, Ability
from elman.serve.errors import Problem, shown
from elman.serve.metrics import Metrics

A = TypeVar("A", bound=Ability)


@dataclasses.dataclass(frozen=True)
class Served:
    """One model at work."""

    name: str
    abilities: tuple[Ability, ...]
    created: int
    """When it was loaded, in seconds since 1970."""

    @property
    def does(self) -> str:
        """What it can do, after its name."""
        return " and ".join(ability.verb for ability in self.abilities)

    def card(self, *, optional: Collection[str] = ()) -> dict[str, Any]:
        """Its entry in /v1/models: OpenAI's fields and a few more.

        Args:
            optional: the optional routes that the server has.
        """
        about = {name: value for ability in self.abilities for name, value in ability.describe().items()}
        about["abilities"] = [
            route
            for ability in self.abilities
            for route in (*ability.routes, *ability.optional_routes)
            if route in ability.routes or route in optional
        ]
        about["views"] = [view for ability in self.abilities for view in ability.own_views]
        return {"id": self.name, "object": "model", "created": self.created, "owned_by": "elman", "elman": about}


class LoadedModels:
    """Models by name.

    Args:
        models: results of ``elman.load``, by name.

    Raises:
        UsageError: a model has no ability that can be served.
    """

    def __init__(self, models: Mapping[str, Any], metrics: Metrics) -> None:
        assert models, "a server without models"
        self.served: dict[str, Served] = {}
        for name, model in models.items():
            abilities = tuple(filter(None, (ability.of(name, model, metrics) for ability in ABILITIES)))
            if not abilities:
                *most, last = (ability.verb for ability in ABILITIES)
                can = f"{', '.join(most)} or {last}"
                self.close()
                raise UsageError(f"{name} cannot be served; a model that {can} can")
            self.served[name] = Served(name, abilities, int(time.time()))
            self.served[name].card()  # no request waits for a hash

    def find(self, name: str, *, param: str = "model") -> Served:
        """The model of that name.

        Args:
            param: the field of the request that names it.

        Raises:
            Problem: there is none.
        """
        # A path as typed for `elman serve` is a name too: other tools find the tokenizer by
        # it.
        found = self.served.get(name) or self.served.get(default_name(name))
        if found is None:
            raise Problem(
                404, f"there is no model {shown(name)} here; the models are: {', '.join(self.served)}",
                param=param, code="model_not_found",
            )  # fmt: skip
        return found

    def able(self, name: str | None, wanted: type[A], *, param: str = "model") -> A:
        """An ability of the model of that name; without a name, of the first model that has it.

        Args:
            param: the field of the request that names it.

        Raises:
            Problem: there is no such model, or it lacks the ability.
        """
        able = self.all_able(wanted)
        if name is None:
            if able:
                return next(iter(able.values()))
            others = ", ".join(f"{served.name} {served.does}" for served in self.served.values())
            message = f"no model here can {wanted.infinitive}; {others}"
            raise Problem(404, message, param=param, code="model_not_able")
        served = self.find(name, param=param)
        if served.name in able:
            return able[served.name]
        which = f"the model{'s' * (len(able) > 1)} here that can: {', '.join(able)}" if able else "no model here can"
        message = f"{shown(served.name)} {served.does} and cannot {wanted.infinitive}; {which}"
        raise Problem(400, message, param=param, code="model_not_able")

    def all_able(self, wanted: type[A]) -> dict[str, A]:
        """The models that have an ability, by name, in their order."""
        return {ability.name: ability for ability in self._abilities() if isinstance(ability, wanted)}

    def routes(self) -> str:
        """The abilities of the models, and the routes for them."""
        able = {type(ability): ability for ability in self._abilities()}
        return ", or ".join(f"{kind.infinitive}: POST /v1/{kind.routes[-1]}" for kind in ABILITIES if kind in able)

    def _abilities(self) -> Iterator[Ability]:
        for served in self.served.values():
            yield from served.abilities

    @property
    def waiting(self) -> int:
        """Calls that wait for a model."""
        return sum(ability.waiting for ability in self._abilities())

    def close(self) -> None:
        """Stop all workers."""
        for ability in self._abilities():
            ability.close()


def default_name(path: str) -> str:
    """The name of the model at a path.

    >>> default_name("models/lstm/"), default_name("news.arpa.gz")
    ('lstm', 'news')
    """
    return Path(path).name.removesuffix(".gz").removesuffix(".arpa") or path


def parse_names(words: Sequence[str]) -> dict[str, str]:
    """Paths by name, from ``PATH`` or ``NAME=PATH``.

    >>> parse_names(["models/lstm/", "small=news.arpa.gz"])
    {'lstm': 'models/lstm/', 'small': 'news.arpa.gz'}
    >>> parse_names(["team/notes=models/lstm"])
    {'team/notes': 'models/lstm'}

    Raises:
        UsageError: two of the same name.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not equals or not name or Path(word).exists():
            name, path = default_name(word), word
        if name in found:
            raise UsageError(f"{found[name]} and {path} would both be called {name!r}; give one of them as NAME=MODEL")
        found[name] = path
    return found
