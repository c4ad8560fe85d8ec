"""A login in use: renewed in time and once, adopted when others renew it, kept while it serves, given up for good."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from tests.accounts.logins import accounts, codex_login, eventually, login_of, refresh_token_in, reused, write
from turnout.accounts.account import State
from turnout.accounts.store import Accounts
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.simulator import Simulator


def owned(home: Path, sim: Simulator, lifetime: float) -> Accounts:
    found = accounts(home, sim)
    found.add_owned(login_of(sim, lifetime=lifetime))
    return found


async def test_a_login_that_lasts_is_not_renewed(sim: Simulator, tmp_path: Path) -> None:
    ours = owned(tmp_path, sim, lifetime=310)
    found = await ours.credential()
    assert (found.account, found.email, found.account_id) == ("ada", "ada@example.com", sim.account.account_id)
    await asyncio.sleep(0.1)
    assert sim.issuer.uses == []
    await ours.close()


async def test_it_is_renewed_in_the_background_five_minutes_before_its_end(sim: Simulator, tmp_path: Path) -> None:
    ours = owned(tmp_path, sim, lifetime=290)
    before = time.monotonic()
    first = await ours.credential()
    assert time.monotonic() - before < 0.2, "nobody waits while the old token serves"
    await eventually(lambda: [use.outcome for use in sim.issuer.uses] == ["renewed"])
    await ours.close()
    second = await ours.credential()
    assert second.token != first.token
    assert second.tag == first.tag


async def test_it_is_renewed_by_itself_when_nobody_asks(sim: Simulator, tmp_path: Path) -> None:
    ours = owned(tmp_path, sim, lifetime=302)
    await ours.credential()
    await eventually(lambda: [use.outcome for use in sim.issuer.uses] == ["renewed"])
    assert sim.calls[0].body["refresh_reason"] == "proactive_expiry"
    await ours.close()


async def test_an_expired_one_is_renewed_once_for_all_who_wait(sim: Simulator, tmp_path: Path) -> None:
    ours = owned(tmp_path, sim, lifetime=-10)
    sim.account_fault("slow:0.3")
    found = await asyncio.gather(*(ours.credential() for _ in range(50)))
    assert len({credential.token for credential in found}) == 1
    assert len(sim.issuer.uses) == 1
    await ours.close()


async def test_threads_and_stores_share_one_renewal(sim: Simulator, tmp_path: Path) -> None:
    owned(tmp_path, sim, lifetime=-10)

    def another() -> str:
        return str(asyncio.run(accounts(tmp_path, sim).credential()).token)

    found = await asyncio.gather(*(asyncio.to_thread(another) for _ in range(6)))
    assert len(set(found)) == 1
    assert [use.outcome for use in sim.issuer.uses] == ["renewed"]


async def test_a_caller_that_leaves_does_not_end_the_renewal(sim: Simulator, tmp_path: Path) -> None:
    ours = owned(tmp_path, sim, lifetime=-10)
    sim.account_fault("slow:0.5")
    asking = asyncio.create_task(ours.credential())
    await eventually(lambda: sim.issuer.uses)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await ours.credential()
    assert [use.outcome for use in sim.issuer.uses] == ["renewed"]
    await ours.close()


class TestARefusedToken:
    async def test_is_renewed(self, sim: Simulator, tmp_path: Path) -> None:
        ours = owned(tmp_path, sim, lifetime=10_000)
        refused = await ours.credential()
        renewed = await ours.renew(refused)
        assert renewed.token != refused.token
        assert sim.calls[-1].body["refresh_reason"] == "unauthorized_recovery"
        assert (await ours.credential()).token == renewed.token
        await ours.close()

    async def test_is_replaced_without_a_renewal_if_someone_else_has_done_that(
        self, sim: Simulator, tmp_path: Path
    ) -> None:
        codex_login(tmp_path, sim)
        ours = accounts(tmp_path, sim)
        refused = await ours.credential()
        codex_login(tmp_path, sim)  # as if Codex had renewed it
        assert (await ours.renew(refused)).token != refused.token
        assert sim.issuer.uses == []
        await ours.close()

    async def test_is_not_renewed_again_at_once(self, sim: Simulator, tmp_path: Path) -> None:
        ours = owned(tmp_path, sim, lifetime=10_000)
        renewed = await ours.renew(await ours.credential())
        with pytest.raises(TurnoutError, match="though it was renewed just now"):
            await ours.renew(renewed)
        assert len(sim.issuer.uses) == 1
        await ours.close()

    async def test_costs_one_renewal_for_all_who_were_refused(self, sim: Simulator, tmp_path: Path) -> None:
        ours = owned(tmp_path, sim, lifetime=10_000)
        refused = await ours.credential()
        found = await asyncio.gather(*(ours.renew(refused) for _ in range(20)))
        assert len({credential.token for credential in found}) == 1
        assert len(sim.issuer.uses) == 1
        await ours.close()

    async def test_is_tried_again_while_no_renewal_can_be_had(self, sim: Simulator, tmp_path: Path) -> None:
        ours = owned(tmp_path, sim, lifetime=10_000)
        sim.account_fault("500", times=5)
        refused = await ours.credential()
        with pytest.raises(TurnoutError) as raised:
            await ours.renew(refused)
        assert raised.value.failure.kind is FailureKind.UPSTREAM_ERROR
        assert (await ours.credential()).token == refused.token
        await ours.close()


@pytest.mark.parametrize("fault", ["500", "429:30", "html", "html-200", "empty-200", "drop-before"])
class TestARenewalThatFailsForTheMoment:
    async def test_leaves_a_valid_token_in_use(self, sim: Simulator, tmp_path: Path, fault: str) -> None:
        ours = owned(tmp_path, sim, lifetime=200)
        sim.account_fault(fault, times=100)
        first = await ours.credential()
        await eventually(lambda: sim.calls)
        await asyncio.sleep(0.3)
        for _ in range(20):
            assert (await ours.credential()).token == first.token
        assert len(sim.calls) == 1, "it is not tried again at once"
        assert ours.get("ada").state is State.OK
        await ours.close()

    async def test_is_told_once_the_token_is_over(self, sim: Simulator, tmp_path: Path, fault: str) -> None:
        ours = owned(tmp_path, sim, lifetime=-1)
        sim.account_fault(fault, times=100)
        for _ in range(3):
            with pytest.raises(TurnoutError) as raised:
                await ours.credential()
            assert raised.value.failure.kind is not FailureKind.SIGN_IN
            assert "turnout login" not in raised.value.failure.text
        assert len(sim.calls) == 1
        await ours.close()


async def test_it_is_tried_again_after_a_while(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnout.accounts.live.BACKOFF_SECONDS", (0.05, 0.2))
    ours = owned(tmp_path, sim, lifetime=-1)
    sim.account_fault("500")
    with pytest.raises(TurnoutError):
        await ours.credential()
    await eventually(lambda: [use.outcome for use in sim.issuer.uses] == ["renewed"])
    await ours.close()
    assert (await ours.credential()).token
    await ours.close()


@pytest.mark.parametrize("fault", ["expired", "reused", "invalidated"])
class TestARefusalForGood:
    async def test_is_remembered_by_everyone(
        self, sim: Simulator, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ours = owned(tmp_path, sim, lifetime=-1)
        sim.account_fault(fault)
        for store in (ours, ours, accounts(tmp_path, sim)):
            with pytest.raises(TurnoutError) as raised:
                await store.credential()
            assert raised.value.failure.kind is FailureKind.SIGN_IN
            assert "Sign in again with: turnout login" in raised.value.failure.next_step
            await store.close()
        assert len(sim.calls) == 1
        found = accounts(tmp_path, sim).get("ada")
        assert found.state is State.SIGN_IN_AGAIN
        assert "turnout login" in found.reason

    async def test_leaves_a_valid_token_in_use(self, sim: Simulator, tmp_path: Path, fault: str) -> None:
        ours = owned(tmp_path, sim, lifetime=100)
        sim.account_fault(fault)
        first = await ours.credential()
        await eventually(lambda: ours.get("ada").state is State.SIGN_IN_AGAIN)
        assert (await ours.credential()).token == first.token
        await ours.close()

    async def test_ends_with_a_new_login(self, sim: Simulator, tmp_path: Path, fault: str) -> None:
        ours = owned(tmp_path, sim, lifetime=-1)
        sim.account_fault(fault)
        with pytest.raises(TurnoutError):
            await ours.credential()
        again = ours.add_owned(login_of(sim))
        assert (again.name, again.state) == ("ada", State.OK)
        assert (await ours.credential()).token
        await ours.close()


async def test_a_refused_token_that_cannot_be_renewed_for_good_is_not_sent_again(
    sim: Simulator, tmp_path: Path
) -> None:
    ours = owned(tmp_path, sim, lifetime=10_000)
    sim.account_fault("invalidated")
    with pytest.raises(TurnoutError):
        await ours.renew(await ours.credential())
    with pytest.raises(TurnoutError, match="Sign in again"):
        await ours.credential()
    await ours.close()


class TestTheCodexClisLogin:
    async def test_is_renewed_in_place_and_keeps_what_we_do_not_know(self, sim: Simulator, tmp_path: Path) -> None:
        path = codex_login(tmp_path, sim, lifetime=-1)
        before = json.loads(path.read_bytes())
        before["future"] = {"kept": [1.0, "é"]}
        write(path, before)
        found = await (ours := accounts(tmp_path, sim)).credential()
        after = json.loads(path.read_bytes())
        assert after["tokens"]["access_token"] == found.token
        assert sim.issuer.serves(after["tokens"]["refresh_token"])
        for document in (before, after):
            for name in ("id_token", "access_token", "refresh_token"):
                del document["tokens"][name]
            del document["last_refresh"]
        assert after == before
        assert path.stat().st_mode & 0o777 == 0o600
        assert sorted(file.name for file in path.parent.iterdir()) == ["auth.json", "auth.json.lock", "auth.lock"]
        await ours.close()

    async def test_that_the_cli_renews_at_the_same_moment_is_adopted(self, sim: Simulator, tmp_path: Path) -> None:
        """The CLI asks without the locks, and takes them to write (codex-backend.md 1.4)."""
        path = codex_login(tmp_path, sim, lifetime=-1)
        stolen = refresh_token_in(path)
        sim.state.issuer.renew(stolen, now=time.time(), lifetime=100)  # the CLI has asked ...
        ours = accounts(tmp_path, sim)
        asking = asyncio.create_task(ours.credential())
        await eventually(lambda: reused(sim))
        codex_login(tmp_path, sim)  # ... and writes only now
        assert (await asking).token == json.loads(path.read_bytes())["tokens"]["access_token"]
        assert reused(sim) == [stolen]
        assert ours.list()[0].state is State.OK
        await ours.close()

    async def test_of_someone_else_by_now_is_used_when_it_was_not_adopted(self, sim: Simulator, tmp_path: Path) -> None:
        codex_login(tmp_path, sim)
        ours = accounts(tmp_path, sim)
        bob = [*sim.state.accounts.values()][1]
        codex_login(tmp_path, sim, account=bob)
        assert (await ours.credential()).account_id == bob.account_id
        await ours.close()


async def test_the_account_may_not_change_by_a_renewal(sim: Simulator, tmp_path: Path) -> None:
    ours = owned(tmp_path, sim, lifetime=-1)
    sim.account_fault("other-account")
    with pytest.raises(TurnoutError, match="for another ChatGPT account than before"):
        await ours.credential()
    path = Path(ours.get("ada").path)
    assert sim.issuer.serves(refresh_token_in(path)), "what has come is kept all the same"
    with pytest.raises(TurnoutError, match="for another ChatGPT account"):
        await ours.credential()
    assert len(sim.issuer.uses) == 1
    await ours.close()


@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
async def test_a_clock_that_is_an_hour_off_does_not_matter(sim: Simulator, tmp_path: Path, ahead: float) -> None:
    sim.settings.clock_offset = -ahead
    sim.settings.token_lifetime = 1800
    ours = owned(tmp_path, sim, lifetime=1800)
    assert (await ours.credential()).token
    await asyncio.sleep(0.1)
    assert sim.issuer.uses == []
    sim.settings.clock_offset = -ahead
    ours.add_owned(login_of(sim, lifetime=-1))
    await ours.credential()
    await ours.credential()
    assert len(sim.issuer.uses) == 1, "one renewal, not one for each request"
    await ours.close()


async def test_an_answer_with_an_access_token_only_keeps_the_rest(sim: Simulator, tmp_path: Path) -> None:
    ours = owned(tmp_path, sim, lifetime=-1)
    path = Path(ours.get("ada").path)
    kept = refresh_token_in(path)
    sim.account_fault("access-only")
    await ours.credential()
    assert refresh_token_in(path) == kept
    assert ours.get("ada").email == "ada@example.com"
    await ours.close()
