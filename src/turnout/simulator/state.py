"""What one running simulator remembers: accounts, scripts, pending faults, the prefix cache, stored responses.

Its methods may be called from any thread; it does no I/O.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import msgspec

from turnout.simulator import faults, reasoning, rules, tokens
from turnout.simulator.account_faults import AccountFault
from turnout.simulator.accounts import Account, Tokens, auth_document
from turnout.simulator.checks import World
from turnout.simulator.faults import Fault
from turnout.simulator.ids import Ids
from turnout.simulator.issuer import Issuer
from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.recorder import Recorder
from turnout.simulator.request import Request
from turnout.simulator.scenario import Pacing, Scenario, Turn
from turnout.simulator.settings import Settings

STORED_RESPONSES = 256
DEFAULT_API_KEY = "sk-simulated-0123456789"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The decided answer to one request."""

    turn: Turn
    pacing: Pacing
    fault: Fault | None


class PromptSize(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of a prompt, the cached part of it, and the model's window."""

    input_tokens: int
    cached_tokens: int
    window: int

    @property
    def overflows(self) -> bool:
        return self.input_tokens > self.window


_Kind = TypeVar("_Kind", Fault, AccountFault)


class _Pending(msgspec.Struct, Generic[_Kind]):
    """A fault that waits for the requests it is meant for."""

    fault: _Kind
    times: int
    after: int
    only: str
    """Part of the model's name, or of the path."""


def _due(pending: list[_Pending[_Kind]], meant: Callable[[_Pending[_Kind]], bool]) -> _Kind | None:
    """The fault that strikes now, of those that are `meant` for this request, which each of them counts."""
    for each in pending:
        if not meant(each):
            continue
        if each.after > 0:
            each.after -= 1
            continue
        each.times -= 1
        if each.times == 0:
            pending.remove(each)
        return each.fault
    return None


class State:
    """The memory of one simulator."""

    def __init__(
        self,
        settings: Settings,
        *,
        key: bytes,
        accounts: Iterable[Account],
        api_key: str = DEFAULT_API_KEY,
        scenario: Scenario | None = None,
        seed: int | None = None,
        remember: int = 10_000,
    ) -> None:
        self.settings = settings
        self.key = key
        self.accounts = {account.account_id: account for account in accounts}
        self.api_key = api_key
        self.ids = Ids(seed)
        self.issuer = Issuer(key)
        self.recorder = Recorder(remember)
        self._cache = tokens.PrefixCache()
        self._scenario = scenario
        self._script: list[Turn] = []
        self._faults: list[_Pending[Fault]] = []
        self._account_faults: list[_Pending[AccountFault]] = []
        self._stored: OrderedDict[str, list[JsonObject]] = OrderedDict()
        self._struck: dict[tuple[str, int], int] = {}
        self._accepted = 0
        self._lock = threading.Lock()

    def world(self) -> World:
        """What the checks need to know now."""
        return World(
            key=self.key,
            accounts=self.accounts,
            api_key=self.api_key,
            require_lite=frozenset(self.settings.require_lite),
            now=time.time(),
            recall=self._stored.get,
            instructions_required=self.settings.instructions_required,
            hosted_search=self.settings.hosted_search,
            absent=frozenset(self.settings.absent),
            plans=self.settings.plans,
        )

    def tokens_for(self, account: Account) -> Tokens:
        """A fresh sign-in of the account."""
        now = time.time() + self.settings.clock_offset
        return self.issuer.sign_in(account, now=now, lifetime=self.settings.token_lifetime)

    def auth_document(self, account: Account) -> JsonObject:
        """An `auth.json` for the account, just signed in."""
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".000000000Z"
        return auth_document(account, self.tokens_for(account), last_refresh=now)

    def load(self, scenario: Scenario | None) -> None:
        """Play this scenario from now on; None leaves everything to the rules."""
        with self._lock:
            self._scenario = scenario
            self._accepted = 0
            self._struck.clear()

    def script(self, turns: Iterable[Turn]) -> None:
        """Queue turns for the next requests; each is used once, before any scenario."""
        with self._lock:
            self._script.extend(turns)

    def add_fault(self, fault: Fault, *, times: int = 1, after: int = 0, model: str = "") -> None:
        """Let the next `times` fitting requests fail, `after` that many good ones; only models that contain `model`."""
        with self._lock:
            self._faults.append(_Pending(fault, times, after, model))

    def add_account_fault(self, fault: AccountFault, *, times: int = 1, after: int = 0, path: str = "") -> None:
        """Let the next `times` calls about accounts fail, `after` that many; only paths that contain `path`.

        The lists of models fail only where `path` names them.
        """
        with self._lock:
            self._account_faults.append(_Pending(fault, times, after, path))

    def due_account_fault(self, path: str) -> AccountFault | None:
        """The fault for a call to `path`, which counts as one of those it waited for."""
        with self._lock:
            return _due(
                self._account_faults, lambda each: each.only in path if each.only else not path.endswith("/models")
            )

    def reset(self) -> None:
        """Forget scripts, faults, records and caches; settings, accounts and scenario stay."""
        with self._lock:
            self._account_faults.clear()
            self._script.clear()
            self._faults.clear()
            self._struck.clear()
            self._stored.clear()
            self._cache = tokens.PrefixCache()
            self._accepted = 0
        self.recorder.clear()

    def plan(self, request: Request, ordered: Fault | None = None) -> Plan:
        """Decide the answer: the script, else the scenario, else the rules; and the fault that is due.

        `ordered` is a fault for this request alone.
        """
        with self._lock:
            self._accepted += 1
            turn, pacing, fault = self._choose(request)
            fault = (
                ordered
                or fault
                or _due(self._faults, lambda each: each.only in request.model.slug and each.fault.fits(request, turn))
            )
        return Plan(turn=turn, pacing=turn.pacing or pacing, fault=fault)

    def measure(self, request: Request) -> PromptSize:
        """Count the prompt's tokens and look it up in the prefix cache."""
        units = self._units(request)
        slug = request.model.slug
        with self._lock:
            cached = self._cache.match(f"{request.account}/{slug}/{request.cache_key}", units)
        window = self.settings.windows.get(slug, request.model.context_window)
        return PromptSize(input_tokens=tokens.total(units), cached_tokens=cached, window=window)

    def count(self, request: Request) -> int:
        """The prompt's tokens, without a word to the prefix cache."""
        return tokens.total(self._units(request))

    def _units(self, request: Request) -> list[tokens.Unit]:
        body = request.body
        head = [body.get("tools"), body.get("instructions"), request.output_format]
        return tokens.prompt_units(head, request.items, lambda encrypted: reasoning.reveal(self.key, encrypted))

    def store(self, response_id: str, items: list[JsonObject]) -> None:
        """Keep a conversation for previous_response_id."""
        self._stored[response_id] = items
        if len(self._stored) > STORED_RESPONSES:
            self._stored.popitem(last=False)

    def _choose(self, request: Request) -> tuple[Turn, Pacing, Fault | None]:
        for index, turn in enumerate(self._script):
            if turn.answers(request, self._accepted):
                del self._script[index]
                return turn, self.settings.pacing, faults.parse(turn.fault) if turn.fault else None
        found = self._scenario.find(request, self._accepted) if self._scenario else None
        if self._scenario is None or found is None:
            return rules.respond(request), self.settings.pacing, None
        index, turn = found
        place = (request.cache_key, index)
        struck = self._struck.get(place, 0)
        fault = None
        if turn.fault and struck < turn.fault_times:
            self._struck[place] = struck + 1
            fault = faults.parse(turn.fault)
        return turn, self._scenario.pacing, fault
