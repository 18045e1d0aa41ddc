"""What `hub new-dialect` writes: the texts of a new wire language's files."""

from __future__ import annotations

from typing import Any

NOT_A_MESSAGE = "This is no message of the language, and is refused.\n"
_DATES = {"date_of_birth": "YYYY-MM-DD", "test_on": "YYYY-MM-DD", "authorised_at": "ISO"}
_REQUIRED = frozenset({"repeat_months", "version", "authorised_at"})


def _class(name: str) -> str:
    return "".join(part.title() for part in name.split("_"))


def _columns() -> tuple[str, ...]:
    """A column for every fact of a result, named after it."""
    from hub.mapping.check import OF_RESULTS
    from hub.mapping.feed_table import Facts

    return tuple(name for name in Facts.__struct_fields__ if name in (*OF_RESULTS.facts, *OF_RESULTS.others))


def adapter(name: str) -> str:
    """The module. All that is left to write is `take_apart`."""
    columns = "".join(f'    "{column}",\n' for column in _columns())
    return f'''"""{name}: cervical results in rows. What laboratories may rely on: `adapters/{name}.md`.

One language for every laboratory; what differs between them stands in their table.
"""

from __future__ import annotations

from hub.rows import RowDialect, Sheet

# The columns by the names that tables use for them, in the order of the file.
COLUMNS = (
{columns})


class {_class(name)}(RowDialect):
    """The adapter (see `hub.contract.Adapter`)."""

    dialect = "{name}"
    columns = COLUMNS

    def take_apart(self, text: str) -> Sheet:
        """Cut a file into its rows.

        Of a file with a header, a line for each result and an end that counts them, at `;`:

            header, *lines, end = cut(text, ";")
            if header[0].text != "HEADER":
                raise Reject(Reason.UNREADABLE)
            if [cell.text for cell in end] != ["END", str(len(lines))]:
                raise Reject(Reason.INCOMPLETE)
            return Sheet([row(cells, COLUMNS) for cells in lines], control_id=header[1].text)

        with `from hub.errors import Reason, Reject` and `cut`, `row` from hub.rows.
        """
        raise NotImplementedError
'''


def page(name: str) -> str:
    """The interface page for laboratories."""
    columns = "\n".join(f"| {number} | `{column}` |" for number, column in enumerate(_columns(), start=1))
    return f"""# Interface specification: cervical results as {name}

For laboratories that send results to the hub, and for the engineers who connect them. What a laboratory may differ in
stands in its table; everything else on this page holds for all.

## Transport

How the file comes, its character set (UTF-8), its line ends.

## The file

Its header, its lines, its end, and how it shows that it came whole.

| column | table's name |
| --- | --- |
{columns}

## What an answer promises

| answer | promises | you |
| --- | --- | --- |
| **AA** | The file is stored, byte for byte, with every result read from it. | are done |
| **AE** | The file is stored. The rows named are wrong and not taken, the others are. | mend them, send them again |
| **AR** | The file is stored. Nothing of it is taken: unreadable, not whole, not for this feed. | mend the file |
| none | Nothing. | send the same bytes again |

The answer is a confirmation of lines, as [for delimited rows](delimited_results.md#the-answer), with your control id
behind `of`: what was taken, and for each thing wrong its place (the row and the column), our reason, and a sentence.
"""


def table(name: str) -> str:
    """The table of a first feed: each fact in the column of its name, in national codes."""
    from hub.mapping.feed_table import Fact, Facts, FeedTable, Laboratory, Sender
    from hub.mapping.writing import table_text

    usual = Fact().form
    facts = {
        column: Fact(place=column, form=_DATES.get(column, usual), required=column in _REQUIRED)  # type: ignore[arg-type]  # each is a DateForm
        for column in _columns()
    }
    example = FeedTable(
        feed=f"{name}_example",
        name=f"Example laboratory of {name}",
        dialect=name,
        status="live",
        sender=Sender(f"{name.upper()}-EXAMPLE"),
        laboratory=Laboratory("69999"),
        facts=Facts(**facts),
    )
    return table_text(
        example, [f"A synthetic laboratory, for the promises that {name} keeps. Every fact is a column."], {}
    )


def expectation(name: str) -> dict[str, Any]:
    """What comes of `NOT_A_MESSAGE`, before `take_apart` is written and after."""
    return {
        "received_on": "2026-07-20",
        "feed": f"{name}_example",
        "answer": "AR",
        "notes": [],
        "items": [{"position": "1.1", "refused": "unreadable", "place": ""}],
    }


def register_line(name: str) -> str:
    return f'    "{name}": "adapters.{name}:{_class(name)}",'


def row(name: str) -> str:
    return f"| `{name}` | results in rows | [interface specification]({name}.md) |"


def next_steps(name: str) -> list[str]:
    return [
        f"1. Fill in `take_apart` in adapters/{name}.py.",
        f"2. A golden example: hub new {name}_example --sample FILE --case 'what it is, in words'",
        f"3. What is missing? python -m pytest tests/promises tests/test_golden.py -k 'every_dialect or {name}'",
        f"4. Write the interface page adapters/{name}.md; run `hub docs` and `make check`.",
    ]
