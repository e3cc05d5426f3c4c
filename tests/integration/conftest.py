"""Servers in processes of their own, for every integration test that wants one."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.live_server import Launcher, launcher, open_logs


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the servers' logs beside a failed test."""
    report = yield
    if report.failed:
        report.sections += list(open_logs())
    return report


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Launcher]:
    """Starts ``kasmcore run`` processes that end with the test."""
    with launcher(tmp_path / "runs") as made:
        yield made
