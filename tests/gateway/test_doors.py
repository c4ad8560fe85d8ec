"""The small paths, and what is said of paths that are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gateway.client import message, send

if TYPE_CHECKING:
    from tests.gateway.conftest import Start
    from turnout.gateway.server import RunningGateway

NO_TOKEN = {"authorization": ""}


@pytest.mark.parametrize("path", ["/", "/api/hello", "/health", "/ready"])
def test_head_is_an_empty_200_without_a_token(gateway: RunningGateway, path: str) -> None:
    answer = send(gateway, method="HEAD", path=path, headers=NO_TOKEN)

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["request-id"]


def test_the_front_door_says_what_this_is(gateway: RunningGateway) -> None:
    answer = send(gateway, method="GET", path="/", headers=NO_TOKEN)

    assert answer.json["name"] == "turnout"
    assert "POST /v1/messages" in answer.json["doors"]


def test_health(gateway: RunningGateway) -> None:
    assert send(gateway, method="GET", path="/health", headers=NO_TOKEN).json["status"] == "ok"


def test_ready(gateway: RunningGateway) -> None:
    answer = send(gateway, method="GET", path="/ready", headers=NO_TOKEN)

    assert (answer.status, answer.json) == (200, {"status": "ready"})


def test_not_ready_without_a_login_and_why(start: Start) -> None:
    gateway = start(codex={"home": "nowhere/at/all"})

    answer = send(gateway, method="GET", path="/ready", headers=NO_TOKEN)

    assert answer.status == 503
    assert "codex login" in answer.json["reasons"][0]
    assert send(gateway, method="GET", path="/health").status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/favicon.ico"),
        ("POST", "/v1/messages/batches"),
        ("POST", "/v1/v1/messages"),
        ("POST", "/messages"),
        ("DELETE", "/nowhere"),
        ("GET", "/%2e%2e/etc/passwd"),
    ],
)
def test_an_unknown_path_is_a_404_that_names_it_and_what_is_there(
    gateway: RunningGateway, method: str, path: str
) -> None:
    answer = send(gateway, message() if method == "POST" else None, method=method, path=path)

    assert (answer.status, answer.error[0]) == (404, "not_found_error")
    assert "POST /v1/messages" in answer.error[1]
    assert path.partition("?")[0].replace("%2e", ".") in answer.error[1]


def test_a_doubled_v1_is_explained(gateway: RunningGateway) -> None:
    assert "should end before /v1" in send(gateway, message(), path="/v1/v1/messages").error[1]


@pytest.mark.parametrize("path", ["/v1/chat", "/v1/responses/x/y", "/v1/embeddings", "/v1/completions"])
def test_clients_of_openai_get_a_404_in_their_own_form(gateway: RunningGateway, path: str) -> None:
    answer = send(gateway, method="GET", path=path)

    assert answer.status == 404
    error = answer.json["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert path in error["message"]


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/embeddings/"])
def test_what_cannot_be_there_is_told_with_the_reason(gateway: RunningGateway, path: str) -> None:
    answer = send(gateway, {"model": "gpt-5.5", "input": "x"}, path=path)

    assert answer.status == 404
    assert "upstream" in answer.json["error"]["message"]
    assert answer.headers["x-should-retry"] == "false"


def test_an_address_without_v1_is_explained(gateway: RunningGateway) -> None:
    assert "should end with /v1" in send(gateway, {}, path="/chat/completions").error[1]


def test_an_anthropic_client_gets_its_own_form_there_too(gateway: RunningGateway) -> None:
    answer = send(gateway, method="GET", path="/v1/embeddings?limit=1000", headers={"anthropic-version": "2023-06-01"})

    assert (answer.status, answer.error[0]) == (404, "not_found_error")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/messages", "POST"),
        ("PUT", "/v1/messages", "POST"),
        ("OPTIONS", "/v1/messages", "POST"),
        ("POST", "/health", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_a_405_that_names_the_right_one(
    gateway: RunningGateway, method: str, path: str, allowed: str
) -> None:
    answer = send(gateway, method=method, path=path)

    assert answer.status == 405
    assert answer.headers["allow"] == allowed
    assert method in answer.error[1]


def test_no_answer_says_more_of_the_server_than_it_must(gateway: RunningGateway) -> None:
    assert "server" not in send(gateway, method="GET", path="/").headers
