"""What the terminal shows while the story is told, and after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hub.demo.play import Progress, Told
from hub.demo.story import Story

REFRESH_SECONDS = 0.1


class LiveShow:
    """A live picture: how much is sent, how it is answered, how fast."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._began = self._drawn = monotonic()

    @contextmanager
    def on(self) -> Iterator[LiveShow]:
        with self._live:
            yield self

    def __call__(self, story: Story, progress: Progress) -> None:
        now = monotonic()
        if now - self._drawn >= REFRESH_SECONDS or progress.ended:
            self._drawn = now
            self._live.update(self._picture(story, progress), refresh=True)

    def _picture(self, story: Story, progress: Progress) -> Group:
        total = sum(len(case.sendings) for case in (*story.cases, *story.ordinary))
        rate = progress.sent / max(monotonic() - self._began, 0.001)
        answers = "   ".join(f"{code} {count}" for code, count in sorted(progress.answers.items()))
        return Group(
            Text(
                f"{len(story.participants):,} participants · three laboratories over MLLP · a simulated PDS",
                style="bold",
            ),
            ProgressBar(total=total, completed=progress.sent, width=60),
            Text(f"{progress.sent}/{total} messages   {rate:,.0f} a second   answered: {answers or 'nothing yet'}"),
        )


def say_end(console: Console, told: Told) -> None:
    """The cases, the figures, and where to look further."""
    console.print(_cases(told))
    console.print(_figures(told))
    wrong = sum(bool(complaints) for _, complaints in told.cases)
    if told.well:
        console.print("[bold green]Nothing lost; every case ended where it should.[/]\n")
    else:
        console.print(f"[bold red]{told.summary['lost']} lost, {wrong} cases ended elsewhere than they should.[/]\n")
    console.print("Look further:")
    for line in (
        f"hub tasks list --data {told.data}            the clerks' worklist",
        f"hub tasks show TASK --data {told.data}       one task, its candidates side by side",
        f"hub journal list --data {told.data}          what arrived and what was answered",
        f"hub communications list --data {told.data}   who could not be told, and why",
        f"hub trace NUMBER --data {told.data}          one message from the bytes to the letter",
        f"hub up --data {told.data}                    the hub itself, then: hub send FILE",
    ):
        console.print(f"  [cyan].venv/bin/{line}[/]", highlight=False, soft_wrap=True)


def _cases(told: Told) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title="The cases", title_justify="left")
    for heading in ("", "case", "answered", "ended"):
        table.add_column(heading)
    for case, complaints in told.cases:
        if case.name == "an ordinary result" and not complaints:
            continue
        answers = " ".join(sending.answer for sending in case.sendings)
        last = case.sendings[-1]
        end = "; ".join(complaints) or last.reason or ", ".join(dict.fromkeys(last.ends))
        table.add_row("[red]✗[/]" if complaints else "[green]✓[/]", case.name, answers, end)
    ordinary = [complaints for case, complaints in told.cases if case.name == "an ordinary result"]
    if ordinary and not any(ordinary):
        table.add_row("[green]✓[/]", f"{len(ordinary)} ordinary results beside them", "AA", "recorded")
    return table


def _figures(told: Told) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, title="\nThe figures", title_justify="left")
    for name, value in told.summary.items():
        if name == "wrong":
            continue
        words = ", ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, dict) else str(value)
        table.add_row(f"[bold]{name}[/]", words or "none")
    return table
