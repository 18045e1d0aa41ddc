"""What is missing is installed where that is allowed, and said in one sentence where it is not."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.servers import ServersMissing, install


def test_what_is_there_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(install.FOUND, "postgresql", lambda: "there")
    monkeypatch.setattr(install, "_run", lambda words: pytest.fail(f"ran {words}"))
    install.ensure("postgresql")


def test_where_nothing_may_be_installed_one_sentence_says_what_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(install.FOUND, "rabbitmq", lambda: None)
    monkeypatch.setattr(install, "_as_root", lambda: None)
    assert install.main(["rabbitmq"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.endswith("apt-get install --no-install-recommends rabbitmq-server\n")


def test_a_failed_installation_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def refuse(words: list[str]) -> subprocess.CompletedProcess[str]:
        ran.append(" ".join(words))
        return subprocess.CompletedProcess(words, 100, "", "W: one thing\nE: Unable to locate package")

    monkeypatch.setitem(install.FOUND, "libfaketime", lambda: None)
    monkeypatch.setattr(install, "_as_root", lambda: ())
    monkeypatch.setattr(install, "_run", refuse)
    with pytest.raises(ServersMissing, match="libfaketime, which failed here: E: Unable to locate package"):
        install.ensure("libfaketime")
    assert all(re.search("noninteractive .*DPkg::Lock::Timeout=120 (update|install -y)", line) for line in ran)
    assert len(ran) == 2


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert install.main(["oracle"]) == 2
    assert "There is no oracle to install" in capsys.readouterr().err
